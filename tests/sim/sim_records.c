/*
 * sim_records: see the header.
 */
#include <sim/sim_records.h>

#include <base/check.h>
#include <stdlib.h>

void sim_records_init(struct sim_records *records)
{
	*records = (struct sim_records){.count_max = 1024, .capacity = 65536};
	records->bytes = malloc(records->capacity);
	records->offsets = calloc(records->count_max + 1, sizeof *records->offsets);
	CHECK(records->bytes != NULL);
	CHECK(records->offsets != NULL);
}

void sim_records_fini(struct sim_records *records)
{
	free(records->bytes);
	free(records->offsets);
}

static struct span random_token(struct prng *prng, uint8_t *bytes, uint32_t size_max)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.:@";
	const uint32_t size = 1 + prng_below(prng, size_max);
	for (uint32_t i = 0; i < size; i++) {
		bytes[i] = (uint8_t)letters[prng_below(prng, sizeof letters - 1)];
	}
	return (struct span){bytes, size};
}

/* Mostly a few, sometimes so many that the record fills a batch. */
static uint16_t random_slots(struct prng *prng, uint8_t *slots)
{
	const uint32_t count = 1 + prng_below(prng, prng_one_in(prng, 16) ? OPEN_COUNT_MAX : 8);
	for (uint32_t i = 0; i < count; i++) {
		store16(slots + 4 * i, (uint16_t)prng_next(prng));
		store16(slots + 4 * i + 2, (uint16_t)prng_below(prng, MINUTES_PER_DAY));
	}
	return (uint16_t)count;
}

struct made_up {
	uint8_t psychologist[TOKEN_SIZE_MAX];
	uint8_t client[TOKEN_SIZE_MAX];
	uint8_t reason[WORD_SIZE_MAX];
	uint8_t slots[4 * OPEN_COUNT_MAX];
	uint8_t members[RECORD_PLAIN_SIZE_MAX];
};

/* Or a hold. */
static void make_up_booking(struct prng *prng, struct made_up *parts, struct record *record)
{
	record->type = prng_one_in(prng, 3) ? RECORD_HOLD : RECORD_BOOK;
	record->hold_seconds = record->type == RECORD_HOLD ? (uint16_t)(1 + prng_below(prng, UINT16_MAX)) : 0;
	record->session = 1 + prng_next(prng) / 2;
	record->psychologist = random_token(prng, parts->psychologist, 16);
	record->client = random_token(prng, parts->client, TOKEN_SIZE_MAX);
	record->day = (uint16_t)prng_next(prng);
	record->minute = (uint16_t)prng_below(prng, MINUTES_PER_DAY);
	record->unlisted = prng_one_in(prng, 4);
	record->minutes = record->unlisted ? 0 : (uint16_t)(1 + prng_below(prng, SLOT_MINUTES_MAX));
}

static void make_up_cancellation(struct prng *prng, struct made_up *parts, struct record *record)
{
	record->type = RECORD_CANCEL;
	record->session = 1 + prng_next(prng) / 2;
	record->day = (uint16_t)prng_next(prng);
	record->reason = (struct span){parts->reason, prng_below(prng, WORD_SIZE_MAX + 1)};
	memset(parts->reason, (int)prng_below(prng, 256), sizeof parts->reason);
}

static void make_up_status(struct prng *prng, struct made_up *parts, struct record *record)
{
	(void)parts;
	static const enum session_status statuses[] = {SESSION_BOOKED,  SESSION_CONFIRMED, SESSION_COMPLETED,
						       SESSION_NO_SHOW, SESSION_EXPIRED,   SESSION_HELD};
	record->type = RECORD_STATUS;
	record->session = 1 + prng_next(prng) / 2;
	record->day = (uint16_t)prng_next(prng);
	record->status = statuses[prng_below(prng, 6)];
	record->hold_seconds = record->status == SESSION_HELD ? (uint16_t)(1 + prng_below(prng, UINT16_MAX)) : 0;
}

static void make_up_move(struct prng *prng, struct made_up *parts, struct record *record)
{
	record->type = RECORD_MOVE;
	record->session = 1 + prng_next(prng) / 2;
	record->psychologist = random_token(prng, parts->psychologist, 16);
	record->day = (uint16_t)prng_next(prng);
	record->minute = (uint16_t)prng_below(prng, MINUTES_PER_DAY);
	record->unlisted = prng_one_in(prng, 4);
	record->minutes = record->unlisted ? 0 : (uint16_t)(1 + prng_below(prng, SLOT_MINUTES_MAX));
	record->from = (struct record_from){
	    .psychologist = random_token(prng, parts->client, TOKEN_SIZE_MAX),
	    .day = (uint16_t)prng_next(prng),
	    .minute = (uint16_t)prng_below(prng, MINUTES_PER_DAY),
	    .minutes = (uint16_t)prng_below(prng, SLOT_MINUTES_MAX + 1),
	};
}

/* Sometimes the longest, which fills a page and more. */
static void make_up_setting(struct prng *prng, struct made_up *parts, struct record *record)
{
	record->type = prng_one_in(prng, 2) ? RECORD_HOURS : RECORD_CALENDAR;
	record->psychologist = random_token(prng, parts->psychologist, TOKEN_SIZE_MAX);
	record->text =
	    (struct span){parts->members, prng_below(prng, prng_one_in(prng, 8) ? SETTING_TEXT_MAX + 1 : 200)};
	memset(parts->members, (int)(' ' + prng_below(prng, '~' - ' ' + 1)), record->text.size);
}

static void make_up_import(struct prng *prng, struct made_up *parts, struct record *record)
{
	make_up_booking(prng, parts, record);
	record->type = RECORD_IMPORT;
	record->status = (enum session_status)(SESSION_HELD + prng_below(prng, SESSION_NO_SHOW));
	record->hold_seconds = record->status == SESSION_HELD ? (uint16_t)(1 + prng_below(prng, UINT16_MAX)) : 0;
	record->created_ms = prng_next(prng) % RECORD_AT_MS_MAX;
	record->version = (uint16_t)(2 + prng_below(prng, SESSION_VERSION_MAX - 1));
}

static void make_up_group(struct prng *prng, struct made_up *parts, struct record *record)
{
	record->type = RECORD_GROUP;
	record->member_count = (uint16_t)(2 + prng_below(prng, 6));
	record->members.at = parts->members;
	for (uint16_t i = 0; i < record->member_count; i++) {
		static void (*const kinds[])(struct prng *, struct made_up *, struct record *) = {
		    make_up_booking, make_up_booking, make_up_cancellation, make_up_status, make_up_move};
		struct record member = {.at_ms = record->at_ms};
		kinds[prng_below(prng, 5)](prng, parts, &member);
		record->members.size += record_encode(&member, parts->members + record->members.size);
	}
}

static struct record make_up(struct prng *prng, struct made_up *parts)
{
	const uint64_t at_ms = prng_next(prng) % RECORD_AT_MS_MAX;
	const uint32_t draw = prng_below(prng, 21);
	struct record record = {.at_ms = at_ms};
	if (draw < 9) {
		make_up_booking(prng, parts, &record);
	} else if (draw < 12) {
		make_up_cancellation(prng, parts, &record);
	} else if (draw < 13) {
		make_up_group(prng, parts, &record);
	} else if (draw < 15) {
		record.type = draw == 13 ? RECORD_OPEN : RECORD_CLOSE;
		record.psychologist = random_token(prng, parts->psychologist, TOKEN_SIZE_MAX);
		record.minutes = draw == 13 ? (uint16_t)(1 + prng_below(prng, SLOT_MINUTES_MAX)) : 0;
		record.slot_count = random_slots(prng, parts->slots);
		record.slots = parts->slots;
	} else if (draw < 16) {
		record.type = RECORD_PURGE;
		record.day = (uint16_t)prng_next(prng);
	} else if (draw < 18) {
		make_up_status(prng, parts, &record);
	} else if (draw < 19) {
		make_up_setting(prng, parts, &record);
	} else if (draw < 20) {
		make_up_move(prng, parts, &record);
	} else {
		make_up_import(prng, parts, &record);
	}
	return record;
}

static void make_room(struct sim_records *records)
{
	if (records->offsets[records->count] + RECORD_SIZE_MAX > records->capacity) {
		records->capacity *= 2;
		records->bytes = realloc(records->bytes, records->capacity);
		CHECK(records->bytes != NULL);
	}
	if (records->count == records->count_max) {
		records->count_max *= 2;
		records->offsets = realloc(records->offsets, (records->count_max + 1) * sizeof *records->offsets);
		CHECK(records->offsets != NULL);
	}
}

size_t sim_records_keep(struct sim_records *records, const struct record *record)
{
	make_room(records);
	const size_t offset = records->offsets[records->count];
	const size_t size = record_encode(record, records->bytes + offset);
	records->offsets[++records->count] = offset + size;
	return size;
}

struct record sim_records_add(struct sim_records *records, struct prng *prng)
{
	struct made_up parts;
	const struct record made = make_up(prng, &parts);
	const size_t size = sim_records_keep(records, &made);
	const uint8_t *bytes = records->bytes + records->offsets[records->count - 1];
	struct record record;
	CHECK(record_decode((struct span){bytes, size}, &record, NULL) == size);
	return record;
}

bool sim_records_match(const struct sim_records *records, uint64_t lsn, const struct record *record)
{
	if (lsn == 0 || lsn > records->count) {
		return false;
	}
	uint8_t bytes[RECORD_SIZE_MAX];
	const size_t size = record_encode(record, bytes);
	const size_t offset = records->offsets[lsn - 1];
	return size == records->offsets[lsn] - offset && memcmp(bytes, records->bytes + offset, size) == 0;
}

void sim_records_cut(struct sim_records *records, uint64_t count)
{
	CHECK(count <= records->count);
	records->count = count;
}
