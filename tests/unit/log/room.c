/*
 * Proves: I5. Whatever room_of_batch promises fits, in the worst way appenders can use it: every promise is used up, with
 * one more record of each appender, late records in blocks of their own, and a heartbeat; in all positions of a segment,
 * with and without a spare.
 */
#include <base/limits.h>
#include <criterion/criterion.h>
#include <log/room.h>

#define BATCH_SIZE BLOCK_ALIGN

/* room_pass CHECKs that there is a place. */
static void use_up(struct room_position position, uint64_t room, uint32_t appenders, uint32_t record_size)
{
	room_pass(&position, room - 1 + (uint64_t)appenders * record_size);
	for (uint32_t i = 1; i < appenders; i++) {
		room_pass(&position, record_size);
	}
	room_pass(&position, 0);
}

Test(room, what_is_promised_fits)
{
	for (uint32_t appenders = 1; appenders <= 8; appenders++) {
		const uint64_t size = room_segment_least(BATCH_SIZE, appenders, RECORD_SIZE_MAX) + 8 * BLOCK_ALIGN;
		bool promised = false;
		bool refused = false;
		for (uint64_t offset = SEGMENT_HEADER_SIZE; offset <= size; offset += BLOCK_ALIGN) {
			for (uint64_t spare = 0; spare <= size; spare += size) {
				const struct room_position position = {offset, size, spare};
				const uint64_t room = room_of_batch(&position, BATCH_SIZE, appenders, RECORD_SIZE_MAX);
				cr_assert_leq(room, BATCH_SIZE);
				cr_assert(spare == 0 || room > 0, "a spare has room for a batch");
				promised |= room > 0;
				refused |= room == 0;
				if (room > 0) {
					use_up(position, room, appenders, RECORD_SIZE_MAX);
				}
			}
		}
		cr_assert(promised && refused);
	}
}

Test(room, an_empty_segment_of_the_least_size_takes_a_batch)
{
	for (uint32_t appenders = 1; appenders <= 64; appenders++) {
		const uint64_t size = room_segment_least(BATCH_SIZE, appenders, RECORD_SIZE_MAX);
		const struct room_position position = {SEGMENT_HEADER_SIZE, size, 0};
		cr_assert_gt(room_of_batch(&position, BATCH_SIZE, appenders, RECORD_SIZE_MAX), 0);
	}
}

Test(room, a_heartbeat_leaves_the_places_of_late_records)
{
	const uint64_t size = 16 * BLOCK_ALIGN;
	for (uint32_t appenders = 1; appenders <= 3; appenders++) {
		for (uint64_t offset = SEGMENT_HEADER_SIZE; offset <= size; offset += BLOCK_ALIGN) {
			struct room_position position = {offset, size, 0};
			if (room_takes_heartbeat(&position, appenders, RECORD_PLAIN_SIZE_MAX)) {
				room_pass(&position, 0);
				for (uint32_t i = 1; i < appenders; i++) {
					room_pass(&position, RECORD_PLAIN_SIZE_MAX);
				}
			} else {
				cr_assert_lt(size - offset,
					     BLOCK_ALIGN + (appenders - 1) * block_size(RECORD_PLAIN_SIZE_MAX));
			}
		}
	}
}
