/*
 * Proves: the record part of I7. What is encoded is decoded to the same; what is not exactly what an encoder writes is
 * refused: each field out of its bounds, each length cut short, and random damage, of which whatever is accepted must
 * be what an encoder would have written for it.
 */
#include <criterion/criterion.h>
#include <log/record.h>
#include <sim/sim_records.h>

static struct record booking(void)
{
	return (struct record){
	    .type = RECORD_BOOK,
	    .at_ms = 1700000000000,
	    .session = 77,
	    .psychologist = span_of("dr-lee"),
	    .client = span_of("client-1"),
	    .day = 20000,
	    .minute = 600,
	    .minutes = 50,
	};
}

static size_t encode(const struct record *record, uint8_t *bytes)
{
	const size_t size = record_encode(record, bytes);
	cr_assert_eq(size, record_size(record));
	cr_assert_eq(size % 8, 0);
	cr_assert_leq(size, RECORD_SIZE_MAX);
	return size;
}

Test(record, comes_back_as_it_was_written)
{
	uint8_t bytes[RECORD_SIZE_MAX];
	const struct record written = booking();
	const size_t size = encode(&written, bytes);
	struct record read;
	cr_assert_eq(record_decode((struct span){bytes, size}, &read, NULL), size);
	cr_assert_eq(read.type, RECORD_BOOK);
	cr_assert_eq(read.at_ms, written.at_ms);
	cr_assert_eq(read.session, 77);
	cr_assert(span_equal(read.psychologist, written.psychologist));
	cr_assert(span_equal(read.client, written.client));
	cr_assert_eq(read.day, 20000);
	cr_assert_eq(read.minute, 600);
	cr_assert_eq(read.minutes, 50);
	cr_assert(!read.unlisted);
	cr_assert_eq(read.slot_count, 0);
}

Test(record, of_any_type_and_size_comes_back)
{
	struct prng prng = {7};
	struct sim_records records;
	sim_records_init(&records);
	for (int i = 0; i < 20000; i++) {
		const struct record record = sim_records_add(&records, &prng);
		cr_assert(sim_records_match(&records, records.count, &record));
		sim_records_cut(&records, records.count % 16);
	}
	sim_records_fini(&records);
}

Test(record, decodes_with_others_behind_it)
{
	uint8_t bytes[2 * RECORD_SIZE_MAX] = {0};
	const struct record written = booking();
	const size_t size = encode(&written, bytes);
	encode(&written, bytes + size);
	struct record read;
	cr_assert_eq(record_decode((struct span){bytes, 2 * size}, &read, NULL), size);
}

Test(record, cut_short_anywhere_is_refused)
{
	uint8_t bytes[RECORD_SIZE_MAX];
	const struct record written = booking();
	const size_t size = encode(&written, bytes);
	for (size_t cut = 0; cut < size; cut++) {
		struct record read;
		struct error error = {0};
		cr_assert_eq(record_decode((struct span){bytes, cut}, &read, &error), 0, "cut to %zu bytes", cut);
		cr_assert_eq(error.code, ERROR_DAMAGED);
	}
}

Test(record, out_of_its_bounds_is_refused)
{
	/* One byte of the booking's encoding each, by offset (docs/LOG_FORMAT.md). */
	static const struct {
		size_t offset;
		uint8_t byte;
		const char *what;
	} changes[] = {
	    {0, 0, "size 0"},
	    {0, 24, "size below that of a header"},
	    {0, 57, "size that is no multiple of 8"},
	    {0, 56, "size beyond its parts"},
	    {1, 0xe1, "size beyond the largest"},
	    {2, 0, "type 0"},
	    {2, RECORD_TYPE_END, "a type there is not"},
	    {2, RECORD_GROUP, "a GROUP with a session"},
	    {2, RECORD_CANCEL, "a CANCEL with a client"},
	    {2, RECORD_OPEN, "an OPEN with a session"},
	    {2, RECORD_PURGE, "a PURGE with a psychologist"},
	    {3, 2, "a flag there is not"},
	    {3, 0x20, "a BOOK with a status"},
	    {2, RECORD_HOLD, "a HOLD of no seconds"},
	    {3, 1, "unlisted, but with a duration"},
	    {4, 0, "no psychologist"},
	    {4, 65, "a psychologist too long"},
	    {5, 0, "no client"},
	    {5, 65, "a client too long"},
	    {6, 1, "a BOOK with a reason"},
	    {14, 1, "a time beyond the year 9999"},
	    {16, 0, "session 0"},
	    {27, 0xff, "a minute beyond the day"},
	    {28, 0, "no duration, but listed"},
	    {29, 0xff, "a duration beyond a day"},
	    {30, 1, "a BOOK with slots"},
	    {32, ' ', "a psychologist that is no token"},
	    {38, 0, "a client that is no token"},
	    {46, 1, "padding that is not zero"},
	};
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		uint8_t bytes[RECORD_SIZE_MAX] = {0};
		const struct record written = booking();
		encode(&written, bytes);
		bytes[changes[i].offset] = changes[i].byte;
		struct record read;
		struct error error = {0};
		cr_expect_eq(record_decode((struct span){bytes, sizeof bytes}, &read, &error), 0, "%s",
			     changes[i].what);
	}
}

Test(record, says_no_status_that_another_type_says)
{
	for (unsigned status = 0; status < 16; status++) {
		const bool said = status == SESSION_BOOKED || status == SESSION_CONFIRMED ||
				  status == SESSION_COMPLETED || status == SESSION_NO_SHOW || status == SESSION_EXPIRED;
		const struct record written = {.type = RECORD_STATUS, .session = 7, .day = 3, .status = SESSION_BOOKED};
		uint8_t bytes[RECORD_SIZE_MAX];
		const size_t size = encode(&written, bytes);
		bytes[3] = (uint8_t)(status << 4);
		struct record read;
		struct error error = {0};
		cr_assert_eq(record_decode((struct span){bytes, size}, &read, &error), said ? size : 0, "%u", status);
		cr_assert(!said || read.status == status);
		/* With seconds it is a hold, and nothing else. */
		store16(bytes + 30, 300);
		const size_t held = record_decode((struct span){bytes, size}, &read, &error);
		cr_assert_eq(held, status == SESSION_HELD ? size : 0, "%u", status);
		cr_assert(held == 0 || read.hold_seconds == 300);
	}
}

Test(record, move_out_of_its_bounds_is_refused)
{
	static const struct {
		size_t offset;
		uint8_t byte;
		const char *what;
	} changes[] = {
	    {5, 0, "left nobody"},
	    {5, 65, "left a psychologist too long"},
	    {35, 0xff, "left a minute beyond the day"},
	    {37, 0xff, "left a duration beyond a day"},
	    {38, 1, "what must be zero"},
	    {46, ' ', "left a psychologist that is no token"},
	    {30, 1, "a MOVE with slots"},
	};
	const struct record written = {
	    .type = RECORD_MOVE,
	    .session = 7,
	    .psychologist = span_of("dr-lee"),
	    .day = 3,
	    .minute = 600,
	    .minutes = 50,
	    .from = {.psychologist = span_of("dr-kim"), .day = 2, .minute = 540, .minutes = 25},
	};
	uint8_t bytes[RECORD_SIZE_MAX] = {0};
	struct record read;
	struct error error = {0};
	const size_t size = encode(&written, bytes);
	cr_assert_eq(record_decode((struct span){bytes, size}, &read, &error), size, "%s", error.text);
	cr_assert(span_equal(read.from.psychologist, written.from.psychologist));
	cr_assert(read.from.day == 2 && read.from.minute == 540 && read.from.minutes == 25 && read.client.size == 0);
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		const uint8_t before = bytes[changes[i].offset];
		bytes[changes[i].offset] = changes[i].byte;
		cr_expect_eq(record_decode((struct span){bytes, sizeof bytes}, &read, &error), 0, "%s",
			     changes[i].what);
		bytes[changes[i].offset] = before;
	}
}

/* A session that is held, an unlisted one that is cancelled, an id that was never given out, a new session. */
static const struct record imports[] = {
    {.type = RECORD_IMPORT,
     .at_ms = 1700000000000,
     .session = 7,
     .psychologist = {(const uint8_t *)"dr-lee", 6},
     .client = {(const uint8_t *)"client-1", 8},
     .day = 3,
     .minute = 600,
     .minutes = 50,
     .status = SESSION_HELD,
     .hold_seconds = 30,
     .created_ms = 1600000000000,
     .version = 4095},
    {.type = RECORD_IMPORT,
     .session = 8,
     .psychologist = {(const uint8_t *)"dr-lee", 6},
     .client = {(const uint8_t *)"client-1", 8},
     .unlisted = true,
     .status = SESSION_CANCELLED,
     .version = 2},
    {.type = RECORD_IMPORT, .session = UINT64_C(5) << 32 | 9, .status = SESSION_FREE},
    {.type = RECORD_IMPORT,
     .session = 9,
     .psychologist = {(const uint8_t *)"dr-lee", 6},
     .client = {(const uint8_t *)"client-1", 8},
     .minutes = 50,
     .status = SESSION_BOOKED,
     .version = 1},
};

Test(record, import_keeps_what_became_of_a_session)
{
	for (size_t i = 0; i < sizeof imports / sizeof imports[0]; i++) {
		const struct record *written = &imports[i];
		uint8_t bytes[RECORD_SIZE_MAX] = {0};
		struct record read;
		struct error error = {0};
		const size_t size = encode(written, bytes);
		cr_assert_eq(record_decode((struct span){bytes, size}, &read, &error), size, "%s", error.text);
		cr_assert(span_equal(read.psychologist, written->psychologist));
		cr_assert(span_equal(read.client, written->client));
		cr_assert(read.session == written->session && read.at_ms == written->at_ms &&
			  read.created_ms == written->created_ms && read.version == written->version &&
			  read.status == written->status && read.hold_seconds == written->hold_seconds &&
			  read.minutes == written->minutes && read.unlisted == written->unlisted);
	}
}

Test(record, import_refuses_what_cannot_be)
{
	static const struct {
		size_t import;
		size_t offset;
		uint8_t byte;
		const char *what;
	} changes[] = {
	    {0, 28, 0, "a listed slot of no minutes that is kept"},
	    {0, 30, 0, "held for no time"},
	    {0, 3, 0x91, "a status there is none of"},
	    {0, 3, 0x21, "minutes of an unlisted slot"},
	    {0, 41, 0x10, "a version too high"},
	    {0, 42, 1, "what must be zero"},
	    {0, 39, 1, "created beyond the year 9999"},
	    {0, 48, ' ', "a psychologist that is no token"},
	    {1, 40, 0, "no version"},
	    {1, 28, 50, "minutes of an unlisted slot"},
	    {1, 30, 1, "seconds of what is not held"},
	    {3, 8, 1, "changed, but of the first version"},
	    {2, 4, 1, "a psychologist of nobody's"},
	    {2, 24, 1, "a day of nobody's"},
	    {2, 32, 1, "a creation of nobody's"},
	    {2, 40, 1, "a version of nobody's"},
	    {2, 3, 1, "nobody's, and unlisted"},
	};
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		uint8_t bytes[RECORD_SIZE_MAX] = {0};
		struct record read;
		const size_t size = encode(&imports[changes[i].import], bytes);
		bytes[changes[i].offset] = changes[i].byte;
		cr_expect_eq(record_decode((struct span){bytes, size}, &read, NULL), 0, "%s", changes[i].what);
	}
}

Test(record, open_with_a_slot_beyond_the_day_is_refused)
{
	uint8_t slots[8] = {0};
	store16(slots + 6, MINUTES_PER_DAY);
	const struct record written = {
	    .type = RECORD_OPEN,
	    .psychologist = span_of("dr-lee"),
	    .minutes = 50,
	    .slot_count = 2,
	    .slots = slots,
	};
	uint8_t bytes[RECORD_SIZE_MAX];
	const size_t size = encode(&written, bytes);
	struct record read;
	struct error error = {0};
	cr_assert_eq(record_decode((struct span){bytes, size}, &read, &error), 0);
}

/* So many bookings, back to back; returns their size. */
static size_t encode_members(uint8_t *bytes, uint16_t count)
{
	size_t size = 0;
	for (uint16_t i = 0; i < count; i++) {
		struct record member = booking();
		member.session += i;
		size += record_encode(&member, bytes + size);
	}
	return size;
}

Test(record, a_group_gives_its_members_back_in_their_order)
{
	uint8_t members[RECORD_SIZE_MAX];
	uint8_t bytes[RECORD_SIZE_MAX];
	const size_t members_size = encode_members(members, GROUP_SLOTS_MAX);
	const struct record written = {.type = RECORD_GROUP,
				       .at_ms = booking().at_ms,
				       .member_count = GROUP_SLOTS_MAX,
				       .members = {members, members_size}};
	const size_t size = encode(&written, bytes);
	cr_assert_eq(size, record_group_size(members_size));
	struct record read;
	cr_assert_eq(record_decode((struct span){bytes, size}, &read, NULL), size);
	cr_assert_eq(read.slot_count, 0);
	cr_assert_eq(read.reason.size, 0);
	struct record member;
	uint16_t count = 0;
	while (record_next_member(&read.members, &member)) {
		cr_assert_eq(member.type, RECORD_BOOK);
		cr_assert_eq(member.session, 77u + count++);
	}
	cr_assert_eq(count, GROUP_SLOTS_MAX);
}

Test(record, of_a_group_every_member_must_be_one)
{
	enum {
		HEADER = 32,
		MEMBER = 48
	};
	/* One byte each of a group of two bookings. */
	static const struct {
		size_t offset;
		uint8_t byte;
		const char *what;
	} changes[] = {
	    {6, 2 * MEMBER - 8, "members cut short"},
	    {8, 1, "members of another moment"},
	    {16, 1, "a session of its own"},
	    {30, 1, "fewer members than there are"},
	    {30, 3, "more members than there are"},
	    {HEADER + 2, RECORD_GROUP, "a group in the group"},
	    {HEADER + 2, RECORD_PURGE, "a PURGE in the group"},
	    {HEADER + 4, 65, "a member that is no record"},
	    {HEADER + MEMBER, MEMBER + 8, "a member longer than the group"},
	};
	uint8_t members[2 * MEMBER];
	cr_assert_eq(encode_members(members, 2), sizeof members);
	const struct record written = {
	    .type = RECORD_GROUP, .at_ms = booking().at_ms, .member_count = 2, .members = {members, sizeof members}};
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		uint8_t bytes[RECORD_SIZE_MAX] = {0};
		encode(&written, bytes);
		bytes[changes[i].offset] = changes[i].byte;
		struct record read;
		struct error error = {0};
		cr_expect_eq(record_decode((struct span){bytes, sizeof bytes}, &read, &error), 0, "%s",
			     changes[i].what);
	}
}

Test(record, accepted_after_damage_is_what_an_encoder_writes)
{
	struct prng prng = {11};
	struct sim_records records;
	sim_records_init(&records);
	uint32_t accepted = 0;
	for (int i = 0; i < 200000; i++) {
		sim_records_cut(&records, 0);
		sim_records_add(&records, &prng);
		uint8_t bytes[RECORD_SIZE_MAX] = {0};
		memcpy(bytes, records.bytes, records.offsets[1]);
		for (uint32_t changes = 1 + prng_below(&prng, 3); changes > 0; changes--) {
			const uint32_t header_or_all = prng_one_in(&prng, 2) ? 32 : (uint32_t)records.offsets[1];
			bytes[prng_below(&prng, header_or_all)] ^= (uint8_t)(1u << prng_below(&prng, 8));
		}
		struct record read;
		const size_t size = record_decode((struct span){bytes, sizeof bytes}, &read, NULL);
		if (size != 0) {
			uint8_t again[RECORD_SIZE_MAX];
			accepted++;
			cr_assert_eq(record_encode(&read, again), size);
			cr_assert_arr_eq(again, bytes, size);
		}
	}
	cr_assert_gt(accepted, 1000, "the damage is too rough to prove anything");
	sim_records_fini(&records);
}

Test(record, a_setting_is_text_of_a_psychologist)
{
	uint8_t bytes[RECORD_SIZE_MAX];
	uint8_t text[SETTING_TEXT_MAX + 8];
	memset(text, 'x', sizeof text);
	const struct record written = {
	    .type = RECORD_CALENDAR, .psychologist = span_of("dr-lee"), .text = {text, SETTING_TEXT_MAX}};
	const size_t size = encode(&written, bytes);
	struct record read;
	struct error error = {0};
	cr_assert_eq(record_decode((struct span){bytes, size}, &read, &error), size, "%s", error.text);
	cr_assert(span_equal(read.text, written.text));
	cr_assert_eq(read.reason.size, 0);
	static const uint8_t refused[] = {0, '\n', 0x1f, 0x7f, 0x80, 0xff};
	for (size_t i = 0; i < sizeof refused; i++) {
		bytes[32 + 6 + 100] = refused[i];
		cr_assert_eq(record_decode((struct span){bytes, size}, &read, &error), 0, "byte %u", refused[i]);
	}
	bytes[32 + 6 + 100] = '~';
	cr_assert_eq(record_decode((struct span){bytes, size}, &read, &error), size);
	store16(bytes, (uint16_t)(size + 8));
	store16(bytes + 6, SETTING_TEXT_MAX + 1);
	cr_assert_eq(record_decode((struct span){bytes, size + 8}, &read, &error), 0, "one byte too many");
	const struct record none = {.type = RECORD_HOURS, .psychologist = span_of("dr-lee")};
	const size_t least = encode(&none, bytes);
	cr_assert_eq(record_decode((struct span){bytes, least}, &read, &error), least, "%s", error.text);
	cr_assert_eq(read.text.size, 0);
}

Test(record, has_a_name_for_each_type_and_no_other)
{
	cr_assert_str_eq(record_type_name(RECORD_BOOK), "BOOK");
	cr_assert_str_eq(record_type_name(RECORD_CANCEL), "CANCEL");
	cr_assert_str_eq(record_type_name(RECORD_OPEN), "OPEN");
	cr_assert_str_eq(record_type_name(RECORD_CLOSE), "CLOSE");
	cr_assert_str_eq(record_type_name(RECORD_PURGE), "PURGE");
	cr_assert_str_eq(record_type_name(RECORD_STATUS), "STATUS");
	cr_assert_str_eq(record_type_name(RECORD_HOLD), "HOLD");
	cr_assert_null(record_type_name((enum record_type)0));
	cr_assert_str_eq(record_type_name(RECORD_GROUP), "GROUP");
	cr_assert_str_eq(record_type_name(RECORD_MOVE), "MOVE");
	cr_assert_str_eq(record_type_name(RECORD_BUSY), "BUSY");
	cr_assert_str_eq(record_type_name(RECORD_HOURS), "HOURS");
	cr_assert_str_eq(record_type_name(RECORD_CALENDAR), "CALENDAR");
	cr_assert_str_eq(record_type_name(RECORD_IMPORT), "IMPORT");
	cr_assert_null(record_type_name((enum record_type)RECORD_TYPE_END));
}
