/*
 * Proves: a device that lets the log wait for too long is noticed, for a commit as for room, and is no failure: nothing is
 * acknowledged meanwhile, nothing is lost, and everything goes on when the device does [I3].
 */
#include "fixture.h"

#define PATIENCE_MS 5000

static struct fixture log_;

static void set_up(void)
{
	fixture_init(&log_);
	log_.options.segment_size = 16 * DISK_ALIGN;
	log_.options.commit_timeout_ns = PATIENCE_MS * UINT64_C(1000000);
	cr_assert(fixture_open(&log_), "%s", log_.error.text);
}

static void tear_down(void)
{
	fixture_fini(&log_);
}

TestSuite(wal_stuck, .init = set_up, .fini = tear_down);

/* The log's loop turns so many milliseconds later; returns in how many it wants to be called again, UINT64_MAX: never. */
static uint64_t turn_after_ms(uint64_t ms)
{
	wal_pump(log_.wal);
	log_.now_ms += ms;
	const uint64_t now_ns = log_.now_ms * 1000000;
	const uint64_t again_ns = wal_rest(log_.wal, now_ns);
	return again_ns == WAL_NEVER ? UINT64_MAX : (again_ns - now_ns) / 1000000;
}

Test(wal_stuck, a_commit_that_takes_too_long_is_noticed_once_and_goes_on)
{
	fixture_append(&log_);
	cr_assert_eq(turn_after_ms(0), PATIENCE_MS);
	const uint64_t sent_ns = log_.now_ms * 1000000;
	cr_assert_eq(turn_after_ms(PATIENCE_MS - 1), 1);
	cr_assert(!wal_stuck(log_.wal, NULL));
	cr_assert_eq(log_.advanced, 0);
	turn_after_ms(1);
	uint64_t since_ns;
	cr_assert(wal_stuck(log_.wal, &since_ns));
	cr_assert_eq(since_ns, sent_ns);
	cr_assert_eq(log_.advanced, 1, "who waits is told");
	cr_assert_eq(turn_after_ms(PATIENCE_MS), UINT64_MAX);
	cr_assert_eq(log_.advanced, 1, "once");
	cr_assert(!wal_failed(log_.wal, NULL));
	cr_assert_eq(wal_durable_lsn(log_.wal), 0);
	fixture_append(&log_);

	sim_disk_settle(&log_.disk);
	cr_assert(!wal_stuck(log_.wal, NULL));
	cr_assert_eq(log_.advanced, 2);
	turn_after_ms(0);
	sim_disk_settle(&log_.disk);
	cr_assert_eq(wal_durable_lsn(log_.wal), 2);
}

Test(wal_stuck, each_commit_has_its_own_time)
{
	for (int i = 0; i < 10; i++) {
		fixture_append(&log_);
		turn_after_ms(0);
		turn_after_ms(PATIENCE_MS - 1);
		cr_assert(!wal_stuck(log_.wal, NULL));
		sim_disk_settle(&log_.disk);
		turn_after_ms(PATIENCE_MS);
		cr_assert(!wal_stuck(log_.wal, NULL), "with nothing to do it is not stuck");
		sim_disk_settle(&log_.disk);
	}
}

Test(wal_stuck, a_heartbeat_that_takes_too_long_is_noticed)
{
	fixture_commit(&log_, 1);
	turn_after_ms(0);
	turn_after_ms(100);
	turn_after_ms(PATIENCE_MS);
	cr_assert(wal_stuck(log_.wal, NULL));
	const uint32_t advanced = log_.advanced;
	sim_disk_settle(&log_.disk);
	cr_assert(!wal_stuck(log_.wal, NULL));
	cr_assert_eq(log_.advanced, advanced + 1, "who was refused is let in, though no record became durable");
}

/* Fills the segment, while nothing of the next one is written. */
static void fill_without_a_next_segment(void)
{
	struct sim_disk *disk = &log_.disk;
	while (wal_has_room(log_.wal)) {
		fixture_append(&log_);
		wal_pump(log_.wal);
		for (uint32_t left = disk->queued; left > 0; left--) {
			const struct sim_op op = disk->queue[0];
			memmove(&disk->queue[0], &disk->queue[1], --disk->queued * sizeof disk->queue[0]);
			/* The block is the one operation that writes and flushes. */
			if (op.flush && op.bytes != NULL) {
				sim_file_write(&disk->files[op.file], op.offset, op.bytes, op.size);
				sim_file_flush(&disk->files[op.file]);
				op.op->done(op.op, NULL);
			} else {
				disk->queue[disk->queued++] = op;
			}
		}
	}
	cr_assert_eq(wal_durable_lsn(log_.wal), wal_appended_lsn(log_.wal));
}

Test(wal_stuck, room_that_does_not_come_is_noticed)
{
	fill_without_a_next_segment();
	turn_after_ms(0);
	turn_after_ms(PATIENCE_MS - 1);
	cr_assert(!wal_stuck(log_.wal, NULL));
	turn_after_ms(1);
	cr_assert(wal_stuck(log_.wal, NULL));
	sim_disk_settle(&log_.disk);
	cr_assert(!wal_stuck(log_.wal, NULL));
	cr_assert(wal_has_room(log_.wal));
}

Test(wal_stuck, a_full_disk_is_not_stuck)
{
	log_.disk.space = 0;
	fill_without_a_next_segment();
	sim_disk_settle(&log_.disk);
	cr_assert_eq(wal_space(log_.wal), WAL_SPACE_NONE);
	turn_after_ms(0);
	turn_after_ms(10 * PATIENCE_MS);
	cr_assert(!wal_stuck(log_.wal, NULL));
}

Test(wal_stuck, it_may_fail_in_the_end)
{
	fixture_append(&log_);
	turn_after_ms(0);
	turn_after_ms(PATIENCE_MS);
	const uint32_t advanced = log_.advanced;
	log_.disk.fail_in = 1;
	sim_disk_settle(&log_.disk);
	cr_assert(wal_failed(log_.wal, NULL));
	cr_assert_eq(log_.advanced, advanced + 1);
	turn_after_ms(PATIENCE_MS);
	turn_after_ms(PATIENCE_MS);
	cr_assert(!wal_stuck(log_.wal, NULL));
	cr_assert_eq(log_.advanced, advanced + 1);
	cr_assert_eq(wal_durable_lsn(log_.wal), 0);
}

Test(wal_stuck, without_a_limit_it_never_is)
{
	fixture_close(&log_);
	log_.options.commit_timeout_ns = 0;
	cr_assert(fixture_open(&log_));
	fixture_append(&log_);
	turn_after_ms(0);
	turn_after_ms(1000 * PATIENCE_MS);
	cr_assert(!wal_stuck(log_.wal, NULL));
}
