/*
 * Proves: a block or segment header passes for whole only with every bit as it was sealed, in the very place it was
 * sealed for; and lengths on disk are never believed beyond the room there is (I7).
 */
#include <criterion/criterion.h>
#include <log/block.h>
#include <stdalign.h>

#define PAYLOAD 5000 /* two times 4 KiB with the header: there is padding to look at */

static alignas(BLOCK_ALIGN) uint8_t bytes[4 * BLOCK_ALIGN];
static const struct block_place place = {.log_id = 0x1234, .segment = 3, .offset = 8 * BLOCK_ALIGN};

static uint64_t seal(void)
{
	const struct block_header header = {
	    .first_lsn = 100,
	    .record_count = 7,
	    .payload_bytes = PAYLOAD,
	    .durable_lsn = 99,
	    .sealed_at_ms = 1700000000000,
	    .previous = 0xabcdef,
	};
	memset(bytes, 0x55, sizeof bytes);
	return block_seal(bytes, &header, place);
}

static bool passes(struct block_place where)
{
	struct block_header header;
	return block_look(bytes, sizeof bytes, &header) == BLOCK_WHOLE && block_matches(bytes, &header, where);
}

Test(block, says_what_was_sealed)
{
	const uint64_t hash = seal();
	struct block_header header;
	cr_assert_eq(block_look(bytes, sizeof bytes, &header), BLOCK_WHOLE);
	cr_assert(block_matches(bytes, &header, place));
	cr_assert_eq(header.segment, 3);
	cr_assert_eq(header.first_lsn, 100);
	cr_assert_eq(header.record_count, 7);
	cr_assert_eq(header.payload_bytes, PAYLOAD);
	cr_assert_eq(header.durable_lsn, 99);
	cr_assert_eq(header.previous, 0xabcdef);
	cr_assert_eq(header.hash, hash);
}

Test(block, is_a_multiple_of_4_KiB_with_room_for_header_and_payload)
{
	cr_assert_eq(block_size(1), BLOCK_ALIGN);
	cr_assert_eq(block_size(BLOCK_ALIGN - BLOCK_HEADER_SIZE), BLOCK_ALIGN);
	cr_assert_eq(block_size(BLOCK_ALIGN - BLOCK_HEADER_SIZE + 1), 2 * BLOCK_ALIGN);
	cr_assert_eq(block_size(UINT32_MAX) % BLOCK_ALIGN, 0);
	cr_assert_gt(block_size(UINT32_MAX), UINT32_MAX);
}

Test(block, with_any_bit_flipped_does_not_pass)
{
	seal();
	for (size_t bit = 0; bit < block_size(PAYLOAD) * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		cr_assert(!passes(place), "bit %zu", bit);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	cr_assert(passes(place));
}

Test(block, does_not_pass_in_another_place)
{
	seal();
	cr_assert(passes(place));
	cr_assert(!passes((struct block_place){place.log_id + 1, place.segment, place.offset}));
	cr_assert(!passes((struct block_place){place.log_id, place.segment + 1, place.offset}));
	cr_assert(!passes((struct block_place){place.log_id, place.segment, place.offset + BLOCK_ALIGN}));
}

Test(block, larger_than_the_room_is_none)
{
	seal();
	struct block_header header;
	cr_assert_eq(block_look(bytes, block_size(PAYLOAD), &header), BLOCK_WHOLE);
	cr_assert_eq(block_look(bytes, block_size(PAYLOAD) - BLOCK_ALIGN, &header), BLOCK_NONE);
	store32(bytes + offsetof(struct block_header, payload_bytes), UINT32_MAX);
	cr_assert_eq(block_look(bytes, sizeof bytes, &header), BLOCK_NONE);
}

Test(block, with_more_records_than_its_bytes_can_hold_is_none)
{
	seal();
	struct block_header header;
	store32(bytes + offsetof(struct block_header, record_count), PAYLOAD / 8 + 1);
	cr_assert_eq(block_look(bytes, sizeof bytes, &header), BLOCK_NONE);
	store32(bytes + offsetof(struct block_header, record_count), 0);
	cr_assert_eq(block_look(bytes, sizeof bytes, &header), BLOCK_NONE);
}

Test(block, of_a_newer_format_is_told_from_a_broken_one)
{
	seal();
	struct block_header header;
	store16(bytes + offsetof(struct block_header, version), FORMAT_VERSION + 1);
	cr_assert_eq(block_look(bytes, sizeof bytes, &header), BLOCK_NEWER);
	store16(bytes + offsetof(struct block_header, version), 0);
	cr_assert_eq(block_look(bytes, sizeof bytes, &header), BLOCK_NONE);
}

Test(segment_header, with_any_bit_flipped_does_not_pass)
{
	const struct segment_header header = {
	    .log_id = 0x1234,
	    .segment = 3,
	    .first_lsn = 1000,
	    .size = 1 << 20,
	    .created_at_ms = 1700000000000,
	    .previous = 0xabcdef,
	};
	const uint64_t hash = segment_header_seal(bytes, &header);
	struct segment_header read;
	cr_assert_eq(segment_header_look(bytes, &read), BLOCK_WHOLE);
	cr_assert_eq(read.hash, hash);
	cr_assert_eq(read.size, 1 << 20);
	for (size_t bit = 0; bit < SEGMENT_HEADER_SIZE * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		cr_assert_neq(segment_header_look(bytes, &read), BLOCK_WHOLE, "bit %zu", bit);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

Test(segment_name, is_read_back_and_no_other_name_is)
{
	char name[DISK_NAME_SIZE];
	uint64_t number;
	segment_format_name(0xabc, name);
	cr_assert_str_eq(name, "wal-0000000000000abc.slotd");
	cr_assert(segment_parse_name(name, &number));
	cr_assert_eq(number, 0xabc);
	static const char *const others[] = {
	    "wal-abc.slotd",
	    "wal-0000000000000ABC.slotd",
	    "wal-0000000000000abc.slotd~",
	    "wal-0000000000000abc",
	    "wal--000000000000abc.slotd",
	    "wal-new.slotd",
	    "wal-0x00000000000abc.slotd",
	    "lock",
	    "",
	    "wal-00000000000000abc.slotd",
	    " wal-0000000000000abc.slotd",
	};
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		cr_expect(!segment_parse_name(others[i], &number), "%s", others[i]);
	}
}

Test(bytes_are_zero, sees_a_single_bit_anywhere)
{
	memset(bytes, 0, sizeof bytes);
	cr_assert(bytes_are_zero(bytes, sizeof bytes));
	cr_assert(bytes_are_zero(bytes, 0));
	for (size_t i = 0; i < sizeof bytes; i += 63) {
		bytes[i] = 1;
		cr_assert(!bytes_are_zero(bytes, sizeof bytes));
		bytes[i] = 0;
	}
}

Test(block, without_records_is_a_heartbeat_since_version_2)
{
	const struct block_header heartbeat = {.first_lsn = 100, .durable_lsn = 99};
	memset(bytes, 0x55, sizeof bytes);
	block_seal(bytes, &heartbeat, place);
	cr_assert(passes(place));
	store32(bytes + offsetof(struct block_header, payload_bytes), 8);
	cr_assert(!passes(place));
	store32(bytes + offsetof(struct block_header, payload_bytes), 0);
	store16(bytes + offsetof(struct block_header, version), 1);
	cr_assert(!passes(place));
}

Test(block, of_version_0_is_none)
{
	seal();
	store16(bytes + offsetof(struct block_header, version), 0);
	cr_assert(!passes(place));
}
