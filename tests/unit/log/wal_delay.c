/*
 * Proves: with commit_delay_ns a batch waits for those the last commit answered, no longer than that, not when the log is to
 * end, and never when it is full; and what has waited is durable like everything else [I3]. The policy itself: gather.c.
 */
#include "fixture.h"

#define MS UINT64_C(1000000)

static struct fixture log_;

static void set_up(void)
{
	fixture_init(&log_);
	log_.options.segment_size = 64 * DISK_ALIGN;
	log_.options.batch_size = 4 * DISK_ALIGN; /* 64 records, and more */
	log_.options.commit_delay_ns = 10 * MS;
	cr_assert(fixture_open(&log_), "%s", log_.error.text);
	/* A commit of three that takes 80 ms: up to half of it may be waited, were it not for the option. */
	for (int i = 0; i < 3; i++) {
		fixture_append(&log_);
	}
	wal_pump(log_.wal);
	log_.now_ms += 80;
	sim_disk_settle(&log_.disk);
	cr_assert_eq(wal_durable_lsn(log_.wal), 3);
}

static void tear_down(void)
{
	fixture_fini(&log_);
}

TestSuite(wal_delay, .init = set_up, .fini = tear_down);

/* Sends what the log wants to send, and lets the disk finish it. Returns in how many ms the log wants to be called. */
static uint64_t turn(void)
{
	wal_pump(log_.wal);
	const uint64_t now_ns = log_.now_ms * MS;
	const uint64_t again_ns = wal_rest(log_.wal, now_ns);
	sim_disk_settle(&log_.disk);
	return again_ns == WAL_NEVER ? UINT64_MAX : (again_ns - now_ns) / MS;
}

Test(wal_delay, it_waits_for_those_it_answered_and_says_how_long)
{
	fixture_append(&log_);
	cr_assert_eq(turn(), 10);
	cr_assert_eq(wal_durable_lsn(log_.wal), 3, "two more may come");
	fixture_append(&log_);
	turn();
	cr_assert_eq(wal_durable_lsn(log_.wal), 3);
	fixture_append(&log_);
	turn();
	cr_assert_eq(wal_durable_lsn(log_.wal), 6, "all three are there");
}

Test(wal_delay, who_does_not_come_is_not_waited_for_longer)
{
	fixture_append(&log_);
	turn();
	log_.now_ms += 9;
	cr_assert_eq(turn(), 1);
	cr_assert_eq(wal_durable_lsn(log_.wal), 3);
	log_.now_ms += 1;
	turn();
	cr_assert_eq(wal_durable_lsn(log_.wal), 4);
}

Test(wal_delay, what_shares_a_flush_well_already_leaves_when_the_one_before_is_durable)
{
	fixture_append(&log_);
	wal_finish(log_.wal);
	for (int i = 0; i < 64; i++) {
		fixture_append(&log_);
	}
	sim_disk_settle(&log_.disk); /* and nobody pumps */
	cr_assert_eq(wal_durable_lsn(log_.wal), 3 + 1 + 64);
	fixture_append(&log_);
	wal_finish(log_.wal);
	for (int i = 0; i < 63; i++) {
		fixture_append(&log_);
	}
	sim_disk_settle(&log_.disk);
	cr_assert_eq(wal_durable_lsn(log_.wal), 3 + 1 + 64 + 1, "fewer may be joined by others yet");
}

Test(wal_delay, the_end_waits_for_nobody)
{
	fixture_append(&log_);
	turn();
	cr_assert_eq(wal_durable_lsn(log_.wal), 3);
	wal_finish(log_.wal);
	sim_disk_settle(&log_.disk);
	cr_assert_eq(wal_durable_lsn(log_.wal), 4);
}

Test(wal_delay, a_full_batch_waits_for_nobody)
{
	/* Records differ in size, so every other full batch has fewer of them than the one before answered. */
	for (int i = 0; i < 20; i++) {
		while (wal_has_room(log_.wal)) {
			const struct record record = sim_records_add(&log_.records, &log_.prng);
			wal_append(log_.wal, &record);
		}
		wal_pump(log_.wal);
		log_.now_ms += 80;
		sim_disk_settle(&log_.disk);
		cr_assert_eq(wal_durable_lsn(log_.wal), wal_appended_lsn(log_.wal));
	}
}
