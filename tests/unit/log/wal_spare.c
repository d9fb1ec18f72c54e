/*
 * Proves: the next segment is ready before it is needed, though its pieces go on once a loop only, however much the log fills
 * in one; and after a restart it is prepared along with what is left of the segment then, not at once.
 */
#include "fixture.h"

#define SEGMENT_SIZE (8 * 1024 * 1024)
#define BATCH_SIZE   (64 * DISK_ALIGN)

static struct fixture log_;

static void set_up(void)
{
	fixture_init(&log_);
	log_.options.segment_size = SEGMENT_SIZE;
	log_.options.batch_size = BATCH_SIZE;
	cr_assert(fixture_open(&log_), "%s", log_.error.text);
}

static void tear_down(void)
{
	fixture_fini(&log_);
}

TestSuite(wal_spare, .init = set_up, .fini = tear_down);

static uint64_t segments(void)
{
	struct wal_stats stats;
	wal_stats(log_.wal, &stats);
	return stats.segments;
}

/* What the loop of a busy owner does: sends a batch of `size` bytes, and sees the end of all that was under way by then. */
static void turn(size_t size)
{
	size_t filled = 0;
	while (filled < size && wal_has_room(log_.wal)) {
		const struct record record = sim_records_add(&log_.records, &log_.prng);
		filled += record_size(&record);
		wal_append(log_.wal, &record);
	}
	wal_pump(log_.wal);
	for (uint32_t left = log_.disk.queued; left > 0; left--) {
		sim_disk_step(&log_.disk);
	}
}

static uint64_t zeroed(uint64_t segment)
{
	return fixture_segment(&log_, segment)->size;
}

Test(wal_spare, keeps_pace_with_a_log_that_fills_much_in_a_loop)
{
	while (segments() < 4) {
		turn(BATCH_SIZE / 2);
		cr_assert(wal_has_room(log_.wal), "the batch that was just begun must have a place");
	}
}

Test(wal_spare, is_ready_when_half_of_the_segment_is_filled)
{
	uint64_t before = 0;
	for (uint64_t filled = 0; filled < SEGMENT_SIZE / 2; filled += DISK_ALIGN) {
		turn(1);
		cr_assert_leq(zeroed(2) - before, 65536, "a small piece at a time, while that is enough");
		before = zeroed(2);
	}
	turn(1);
	cr_assert_eq(zeroed(2), SEGMENT_SIZE);
}

Test(wal_spare, is_prepared_after_a_restart_along_with_what_is_left)
{
	for (uint64_t filled = 0; filled < SEGMENT_SIZE / 4 * 3; filled += DISK_ALIGN) {
		turn(1);
	}
	fixture_close(&log_);
	cr_assert(fixture_open(&log_), "%s", log_.error.text);
	cr_assert_eq(zeroed(2), 0, "what nobody can vouch for is made anew");
	for (int i = 0; i < 16; i++) {
		turn(1);
	}
	cr_assert_leq(zeroed(2), SEGMENT_SIZE / 8, "16 of 256 pages of the half that is left are filled");
	for (uint64_t filled = 0; filled < SEGMENT_SIZE / 8; filled += DISK_ALIGN) {
		turn(1);
	}
	cr_assert_eq(zeroed(2), SEGMENT_SIZE);
}
