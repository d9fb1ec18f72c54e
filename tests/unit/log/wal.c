/*
 * Proves: I3, I5, I6 of the log while it runs, over a simulated disk that moves only when the test says so: what is
 * durable when, what leaves in which batch, what a failure does, how segments follow each other.
 */
#include "fixture.h"

static struct fixture log_;

/* So large that the next segment is not in a hurry at once. */
#define ROOMY (16 * DISK_ALIGN)

static void set_up(void)
{
	fixture_init(&log_);
	log_.options.segment_size = ROOMY;
	cr_assert(fixture_open(&log_), "%s", log_.error.text);
}

static void tear_down(void)
{
	fixture_fini(&log_);
}

TestSuite(wal, .init = set_up, .fini = tear_down);

static struct wal_stats stats(void)
{
	struct wal_stats now;
	wal_stats(log_.wal, &now);
	return now;
}

/* Steps the disk until nothing but the batch is left to do, then sends it. */
static void pump(void)
{
	wal_pump(log_.wal);
}

/* Completes what commits, and never what prepares the next segment. */
static void complete_commits(void)
{
	struct sim_disk *disk = &log_.disk;
	for (uint32_t left = disk->queued; left > 0; left--) {
		const struct sim_op op = disk->queue[0];
		memmove(&disk->queue[0], &disk->queue[1], --disk->queued * sizeof disk->queue[0]);
		/* The block is the one operation that flushes. */
		if (op.flush && op.bytes != NULL) {
			sim_file_write(&disk->files[op.file], op.offset, op.bytes, op.size);
			sim_file_flush(&disk->files[op.file]);
			op.op->done(op.op, NULL);
		} else {
			disk->queue[disk->queued++] = op;
		}
	}
}

Test(wal, starts_empty_and_counts_from_one)
{
	cr_assert_eq(wal_appended_lsn(log_.wal), 0);
	cr_assert_eq(wal_durable_lsn(log_.wal), 0);
	for (uint64_t lsn = 1; lsn <= 10; lsn++) {
		cr_assert_eq(fixture_append(&log_), lsn);
		cr_assert_eq(wal_appended_lsn(log_.wal), lsn);
	}
}

Test(wal, makes_nothing_durable_before_the_disk_says_so)
{
	fixture_append(&log_);
	cr_assert_eq(log_.disk.queued, 0);
	pump();
	cr_assert_eq(log_.disk.queued, 1);
	cr_assert_eq(wal_durable_lsn(log_.wal), 0);
	cr_assert_eq(log_.advanced, 0);
	sim_disk_step(&log_.disk);
	cr_assert_eq(wal_durable_lsn(log_.wal), 1);
	cr_assert_eq(log_.advanced, 1);
}

Test(wal, collects_in_one_batch_what_comes_while_another_is_in_flight)
{
	fixture_append(&log_);
	pump();
	fixture_append(&log_);
	pump();
	fixture_append(&log_);
	pump();
	cr_assert_eq(log_.disk.queued, 1, "one batch in flight");
	sim_disk_step(&log_.disk);
	cr_assert_eq(wal_durable_lsn(log_.wal), 1);
	pump();
	sim_disk_settle(&log_.disk);
	cr_assert_eq(wal_durable_lsn(log_.wal), 3);
	cr_assert_eq(stats().commits, 2);
	cr_assert_eq(stats().records, 3);
}

Test(wal, wakes_the_owner_for_the_first_record_of_an_idle_log_only)
{
	fixture_append(&log_);
	cr_assert_eq(log_.appended, 1);
	fixture_append(&log_);
	cr_assert_eq(log_.appended, 1, "the owner was woken already");
	pump();
	fixture_append(&log_);
	cr_assert_eq(log_.appended, 1, "the owner looks again when the batch in flight is durable");
	sim_disk_settle(&log_.disk);
	pump();
	sim_disk_settle(&log_.disk);
	fixture_append(&log_);
	cr_assert_eq(log_.appended, 2);
}

Test(wal, has_no_room_once_a_batch_is_full_and_room_again_when_advanced)
{
	while (wal_has_room(log_.wal)) {
		fixture_append(&log_);
	}
	pump();
	cr_assert(wal_has_room(log_.wal), "the other batch is empty");
	while (wal_has_room(log_.wal)) {
		fixture_append(&log_);
	}
	pump();
	cr_assert(!wal_has_room(log_.wal), "both are full");
	const uint64_t full = wal_appended_lsn(log_.wal);
	complete_commits();
	cr_assert_eq(log_.advanced, 1);
	cr_assert(wal_has_room(log_.wal), "a full batch leaves without waiting for the pump");
	sim_disk_settle(&log_.disk);
	cr_assert_eq(wal_durable_lsn(log_.wal), full);
}

Test(wal, takes_one_more_record_of_the_widest_from_each_appender_after_it_had_room)
{
	uint8_t slots[4 * OPEN_COUNT_MAX] = {0};
	const struct record widest = {
	    .type = RECORD_OPEN,
	    .psychologist = span_of("dr-lee"),
	    .minutes = 1,
	    .slot_count = OPEN_COUNT_MAX,
	    .slots = slots,
	};
	const struct record small = {.type = RECORD_PURGE};
	fixture_close(&log_);
	log_.options.appenders = 3;
	cr_assert(fixture_open(&log_));
	while (wal_has_room(log_.wal)) {
		cr_assert_lt(wal_appended_lsn(log_.wal), 1000);
		wal_append(log_.wal, &small);
	}
	/* As if three threads had asked just before the last one. */
	for (int i = 0; i < 2; i++) {
		wal_append(log_.wal, &widest);
	}
	pump();
	sim_disk_settle(&log_.disk);
	cr_assert_eq(wal_durable_lsn(log_.wal), wal_appended_lsn(log_.wal));
}

Test(wal, takes_many_small_records_that_come_to_the_widest_after_it_had_room)
{
	const struct record small = {.type = RECORD_PURGE};
	while (wal_has_room(log_.wal)) {
		wal_append(log_.wal, &small);
	}
	/* As if it had asked just before the last one. */
	for (size_t size = 2 * record_size(&small); size <= wal_record_size(log_.wal); size += record_size(&small)) {
		wal_append(log_.wal, &small);
	}
	pump();
	sim_disk_settle(&log_.disk);
	cr_assert_eq(wal_durable_lsn(log_.wal), wal_appended_lsn(log_.wal));
}

/* The log's loop turns so many milliseconds later; returns in how many it wants to be called again, UINT64_MAX: never. */
static uint64_t rest_after_ms(uint64_t ms)
{
	log_.now_ms += ms;
	const uint64_t now_ns = log_.now_ms * 1000000;
	const uint64_t again_ns = wal_rest(log_.wal, now_ns);
	return again_ns == WAL_NEVER ? UINT64_MAX : (again_ns - now_ns) / 1000000;
}

Test(wal, writes_one_heartbeat_when_it_has_rested_for_100_ms)
{
	cr_assert_eq(rest_after_ms(1000), UINT64_MAX, "an empty log has nothing to vouch for");
	fixture_commit(&log_, 3);
	cr_assert_eq(wal_vouched_lsn(log_.wal), 2);
	cr_assert_eq(rest_after_ms(1), 100);
	cr_assert_eq(rest_after_ms(60), 40);
	cr_assert_eq(log_.disk.queued, 0);
	const struct wal_stats before = stats();
	cr_assert_eq(rest_after_ms(40), UINT64_MAX);
	cr_assert_eq(log_.disk.queued, 1);
	const uint32_t advanced = log_.advanced;
	sim_disk_settle(&log_.disk);
	cr_assert_eq(wal_vouched_lsn(log_.wal), 3);
	cr_assert_eq(wal_durable_lsn(log_.wal), 3);
	cr_assert_eq(log_.advanced, advanced, "nothing became durable by it");
	cr_assert_eq(stats().commits, before.commits);
	cr_assert_eq(rest_after_ms(1000), UINT64_MAX, "once");
	cr_assert_eq(log_.disk.queued, 0);
}

Test(wal, does_not_rest_while_records_come)
{
	for (int i = 0; i < 20; i++) {
		fixture_commit(&log_, 1);
		cr_assert_eq(rest_after_ms(60), 100);
	}
	cr_assert_eq(stats().commits, 20);
	fixture_append(&log_);
	cr_assert_eq(rest_after_ms(200), UINT64_MAX, "there is something to commit first");
}

Test(wal, holds_back_a_batch_until_the_heartbeat_before_it_is_durable)
{
	fixture_commit(&log_, 1);
	rest_after_ms(0);
	rest_after_ms(100);
	fixture_append(&log_);
	pump();
	cr_assert_eq(log_.disk.queued, 1, "or it could be acknowledged behind a block that is lost");
	sim_disk_step(&log_.disk);
	pump();
	sim_disk_settle(&log_.disk);
	cr_assert_eq(wal_durable_lsn(log_.wal), 2);
	fixture_close(&log_);
	cr_assert(fixture_open(&log_), "%s", log_.error.text);
	cr_assert_eq(log_.replayed, 2);
	cr_assert_eq(log_.found.blocks, 3);
	cr_assert_eq(log_.found.vouched_lsn, 1);
}

Test(wal, vouches_for_what_it_recovered)
{
	fixture_commit(&log_, 3);
	fixture_close(&log_);
	cr_assert(fixture_open(&log_));
	cr_assert_eq(log_.found.vouched_lsn, 2);
	rest_after_ms(0);
	rest_after_ms(100);
	sim_disk_settle(&log_.disk);
	cr_assert_eq(wal_vouched_lsn(log_.wal), 3);
	fixture_close(&log_);
	cr_assert(fixture_open(&log_));
	cr_assert_eq(log_.found.vouched_lsn, 3);
	cr_assert_eq(rest_after_ms(1000), UINT64_MAX);
}

Test(wal, finishes_with_a_heartbeat)
{
	fixture_append(&log_);
	cr_assert(!wal_finish(log_.wal));
	sim_disk_settle(&log_.disk);
	cr_assert_eq(wal_durable_lsn(log_.wal), 1);
	cr_assert(!wal_finish(log_.wal));
	sim_disk_settle(&log_.disk);
	cr_assert(wal_finish(log_.wal));
	cr_assert_eq(wal_vouched_lsn(log_.wal), 1);
}

Test(wal, is_over_after_a_failed_heartbeat)
{
	fixture_commit(&log_, 1);
	rest_after_ms(0);
	rest_after_ms(100);
	log_.disk.fail_in = 1;
	sim_disk_settle(&log_.disk);
	cr_assert(wal_failed(log_.wal, NULL));
	cr_assert_eq(wal_vouched_lsn(log_.wal), 0);
	cr_assert_eq(rest_after_ms(1000), UINT64_MAX);
}

Test(wal, continues_where_it_ended)
{
	fixture_commit(&log_, 20);
	fixture_close(&log_);
	cr_assert(fixture_open(&log_), "%s", log_.error.text);
	cr_assert_eq(log_.replayed, 20);
	cr_assert_eq(log_.different, 0);
	cr_assert_eq(log_.found.last_lsn, 20);
	cr_assert_eq(log_.found.blocks, 20);
	cr_assert_eq(log_.found.cut_bytes, 0);
	cr_assert_eq(wal_durable_lsn(log_.wal), 20);
	cr_assert_eq(fixture_append(&log_), 21);
}

Test(wal, goes_through_segments)
{
	fixture_close(&log_);
	log_.options.segment_size = FIXTURE_SEGMENT_SIZE;
	cr_assert(fixture_open(&log_));
	fixture_commit(&log_, 60);
	cr_assert_gt(stats().segments, 10);
	cr_assert_str_eq(stats().engine, "simulated");
	fixture_close(&log_);
	cr_assert(fixture_open(&log_), "%s", log_.error.text);
	cr_assert_eq(log_.replayed, 60);
	cr_assert_gt(stats().segments, 10);
}

Test(wal, has_no_room_while_the_next_segment_is_not_ready_and_blocks_nobody)
{
	for (int i = 0; i < 40 && wal_has_room(log_.wal); i++) {
		fixture_append(&log_);
		pump();
		complete_commits();
	}
	cr_assert(!wal_has_room(log_.wal));
	cr_assert_eq(wal_space(log_.wal), WAL_SPACE_ENOUGH, "a matter of waiting");
	cr_assert_eq(wal_durable_lsn(log_.wal), wal_appended_lsn(log_.wal), "all that was admitted found its place");
	cr_assert_eq(stats().segments, 1);
	const uint32_t advanced = log_.advanced;
	sim_disk_settle(&log_.disk);
	cr_assert(wal_has_room(log_.wal));
	cr_assert_eq(log_.advanced, advanced + 1, "whoever waits for room is told");
	fixture_commit(&log_, 5);
	cr_assert_eq(stats().segments, 2);
	cr_assert(wal_idle(log_.wal));
}

Test(wal, never_has_more_than_one_piece_of_the_next_segment_under_way)
{
	for (int i = 0; i < 200; i++) {
		if (wal_has_room(log_.wal)) {
			fixture_append(&log_);
		}
		pump();
		cr_assert_leq(log_.disk.queued, 2, "a batch and a piece");
		sim_disk_step(&log_.disk);
	}
}

/* Fails the operation that makes the next batch durable, and looks at what follows. */
static void check_failure_is_final(uint64_t fail_in)
{
	fixture_commit(&log_, 1);
	sim_disk_settle(&log_.disk);
	const uint32_t advanced = log_.advanced;
	const uint64_t durable = wal_durable_lsn(log_.wal);
	log_.disk.fail_in = fail_in;
	fixture_append(&log_);
	pump();
	sim_disk_settle(&log_.disk);
	struct error error = {0};
	cr_assert(wal_failed(log_.wal, &error));
	cr_assert_eq(error.code, ERROR_IO);
	cr_assert_eq(log_.advanced, advanced + 1, "told once");
	cr_assert(!wal_has_room(log_.wal));
	/* Appending after has_room was true still works, but goes nowhere. */
	const struct record record = {.type = RECORD_PURGE};
	wal_append(log_.wal, &record);
	pump();
	sim_disk_settle(&log_.disk);
	cr_assert_eq(wal_durable_lsn(log_.wal), durable);
	cr_assert_eq(log_.advanced, advanced + 1);
}

Test(wal, is_over_after_a_failed_write)
{
	check_failure_is_final(1);
}

Test(wal, is_over_after_a_failed_flush)
{
	check_failure_is_final(2);
}

/* The log's loop, so many milliseconds later. */
static void turn_after_ms(uint64_t ms)
{
	pump();
	rest_after_ms(ms);
	sim_disk_settle(&log_.disk);
}

/* Appends what the log takes with so much space on the disk, all of which must become durable. */
static void fill(uint64_t space)
{
	log_.disk.space = space;
	for (int i = 0; i < 200; i++) {
		if (wal_has_room(log_.wal)) {
			fixture_append(&log_);
		}
		turn_after_ms(7);
		cr_assert(!wal_failed(log_.wal, NULL), "space %" PRIu64, space);
	}
}

Test(wal, on_a_full_disk_takes_what_has_its_place_and_goes_on_when_there_is_space)
{
	for (uint64_t pages = 0; pages <= 64; pages++) {
		fixture_close(&log_);
		fixture_fini(&log_);
		set_up();
		fill(pages * DISK_ALIGN);
		const uint64_t full = wal_appended_lsn(log_.wal);
		cr_assert_gt(full, 0);
		cr_assert_lt(full, 100);
		cr_assert_eq(wal_space(log_.wal), WAL_SPACE_NONE, "%" PRIu64 " pages", pages);
		cr_assert_eq(wal_durable_lsn(log_.wal), full);
		turn_after_ms(100);
		cr_assert_eq(wal_vouched_lsn(log_.wal), full, "there was a place left for the heartbeat");
		log_.disk.space = UINT64_MAX;
		cr_assert(!wal_has_room(log_.wal), "nobody looked yet");
		turn_after_ms(1000);
		turn_after_ms(0);
		cr_assert(wal_has_room(log_.wal), "%" PRIu64 " pages", pages);
		cr_assert_eq(wal_space(log_.wal), WAL_SPACE_ENOUGH);
		fixture_commit(&log_, 40);
		fixture_close(&log_);
		cr_assert(fixture_open(&log_), "%s", log_.error.text);
		cr_assert_eq(log_.replayed, full + 40);
		cr_assert_eq(log_.different, 0);
	}
}

Test(wal, on_a_full_disk_tries_once_a_second)
{
	fill(0);
	const uint64_t operations = log_.disk.failures;
	cr_assert_gt(operations, 0);
	const uint64_t wait_ms = rest_after_ms(0);
	cr_assert_leq(wait_ms, 1000);
	for (int i = 0; i < 100; i++) {
		turn_after_ms(100);
	}
	cr_assert_geq(log_.disk.failures, operations + 9);
	cr_assert_leq(log_.disk.failures, operations + 11);
}

Test(wal, opens_on_a_full_disk_with_what_is_left_of_its_segment)
{
	fixture_commit(&log_, 5);
	sim_disk_settle(&log_.disk);
	fixture_close(&log_);
	log_.disk.space = 0;
	cr_assert(fixture_open(&log_), "%s", log_.error.text);
	cr_assert_eq(log_.replayed, 5);
	cr_assert(wal_has_room(log_.wal));
	fill(0);
	cr_assert_gt(wal_durable_lsn(log_.wal), 5);
	cr_assert_eq(wal_space(log_.wal), WAL_SPACE_NONE);
	cr_assert_eq(wal_finish(log_.wal), true, "it may end as it is");
}

/* The flush of the spare, or of its name, finds no space; then there is some. */
static void check_begins_anew(bool names, uint64_t segment)
{
	const struct error full = {.code = ERROR_NO_SPACE, .text = "no space"};
	struct sim_disk *disk = &log_.disk;
	fixture_append(&log_);
	for (bool flushed = false; !flushed;) {
		pump();
		if (disk->queued == 0) {
			fixture_append(&log_);
			continue;
		}
		const struct sim_op op = disk->queue[0];
		if (op.bytes != NULL || (op.file < 0) != names) {
			sim_disk_step(disk);
			continue;
		}
		CHECK(disk->queued == 1);
		disk->queued = 0;
		flushed = true;
		op.op->done(op.op, &full);
	}
	cr_assert(!wal_failed(log_.wal, NULL));
	cr_assert_null(fixture_segment(&log_, segment), "nobody knows what is on the device");
	turn_after_ms(0);
	turn_after_ms(1000);
	fixture_commit(&log_, 60);
	fixture_close(&log_);
	cr_assert(fixture_open(&log_), "%s", log_.error.text);
	cr_assert_eq(log_.different, 0);
}

Test(wal, starts_the_next_segment_anew_after_a_flush_that_found_no_space)
{
	check_begins_anew(false, 2);
}

Test(wal, starts_the_next_segment_anew_after_a_flush_of_its_name_that_found_no_space)
{
	check_begins_anew(true, 3); /* the first one is named before the log is open */
}

Test(wal, is_over_when_the_next_segment_cannot_be_made_for_another_reason)
{
	fixture_append(&log_);
	pump();
	complete_commits();
	cr_assert_gt(log_.disk.queued, 0, "a piece of zeros");
	log_.disk.fail_in = 1;
	sim_disk_settle(&log_.disk);
	fixture_append(&log_);
	pump();
	struct error error = {0};
	cr_assert(wal_failed(log_.wal, &error));
	cr_assert_eq(error.code, ERROR_IO);
}

Test(wal, goes_on_with_another_port_to_the_same_directory)
{
	fixture_commit(&log_, 3);
	struct disk other = log_.disk.port;
	other.engine = "another";
	wal_adopt(log_.wal, &other);
	cr_assert_str_eq(stats().engine, "another");
	fixture_commit(&log_, 40);
	cr_assert_eq(wal_durable_lsn(log_.wal), 43);
	fixture_close(&log_);
	cr_assert(fixture_open(&log_), "%s", log_.error.text);
	cr_assert_eq(log_.replayed, 43);
}

Test(wal, fails_when_the_other_port_cannot_open_its_files)
{
	fixture_commit(&log_, 1);
	static struct sim_disk empty;
	sim_disk_init(&empty, 1);
	wal_adopt(log_.wal, &empty.port);
	fixture_append(&log_);
	pump();
	cr_assert(wal_failed(log_.wal, NULL));
	sim_disk_fini(&empty);
}

Test(wal, may_be_closed_while_the_next_segment_is_prepared)
{
	fixture_append(&log_);
	pump();
	while (!wal_failed(log_.wal, NULL) && wal_durable_lsn(log_.wal) < 1) {
		sim_disk_step(&log_.disk);
	}
	cr_assert_eq(log_.disk.queued, 1, "a piece of the spare");
	cr_assert(!wal_idle(log_.wal));
	wal_close(log_.wal);
	log_.wal = NULL;
	sim_disk_settle(&log_.disk);
	cr_assert(fixture_open(&log_), "%s", log_.error.text);
	cr_assert_eq(log_.replayed, 1);
}

Test(wal, refuses_a_segment_size_that_a_batch_does_not_fit)
{
	fixture_close(&log_);
	log_.options.segment_size = FIXTURE_SEGMENT_SIZE - DISK_ALIGN;
	cr_assert(!fixture_open(&log_));
	cr_assert_eq(log_.error.code, ERROR_INVALID);
	log_.options.segment_size += 1;
	cr_assert(!fixture_open(&log_));
	cr_assert_eq(log_.error.code, ERROR_INVALID);
}

Test(wal, takes_records_of_the_largest_size_in_segments_that_hold_them)
{
	static uint8_t members[RECORD_SIZE_MAX];
	struct record group = {.type = RECORD_GROUP, .member_count = 2, .members.at = members};
	const struct record member = {
	    .type = RECORD_CANCEL, .session = 1, .reason = {members + RECORD_SIZE_MAX - WORD_SIZE_MAX, WORD_SIZE_MAX}};
	for (group.member_count = 0; group.members.size + 544 <= RECORD_SIZE_MAX - 544; group.member_count++) {
		group.members.size += record_encode(&member, members + group.members.size);
	}
	fixture_close(&log_);
	sim_disk_reset(&log_.disk, 42);
	log_.options.record_size = RECORD_SIZE_MAX;
	log_.options.segment_size = FIXTURE_SEGMENT_SIZE;
	cr_assert(!fixture_open(&log_), "no room for the reserve");
	log_.options.segment_size = 20 * DISK_ALIGN;
	cr_assert(fixture_open(&log_), "%s", log_.error.text);
	cr_assert_eq(wal_record_size(log_.wal), RECORD_SIZE_MAX);
	for (uint64_t lsn = 1; lsn <= 5; lsn++) {
		while (!wal_has_room(log_.wal)) {
			pump();
			sim_disk_settle(&log_.disk);
		}
		cr_assert_eq(wal_append(log_.wal, &group), lsn);
	}
	pump();
	fixture_close(&log_);
	cr_assert(fixture_open(&log_), "%s", log_.error.text);
	cr_assert_eq(log_.found.last_lsn, 5);
}

Test(wal, keeps_segments_of_another_size_and_makes_new_ones_of_its_own)
{
	fixture_close(&log_);
	sim_disk_reset(&log_.disk, 42);
	log_.options.segment_size = FIXTURE_SEGMENT_SIZE;
	cr_assert(fixture_open(&log_));
	fixture_commit(&log_, 6);
	fixture_close(&log_);
	log_.options.segment_size = 9 * DISK_ALIGN;
	cr_assert(fixture_open(&log_), "%s", log_.error.text);
	fixture_commit(&log_, 30);
	fixture_close(&log_);
	log_.options.segment_size = FIXTURE_SEGMENT_SIZE;
	cr_assert(fixture_open(&log_), "%s", log_.error.text);
	cr_assert_eq(log_.replayed, 36);
	cr_assert_eq(fixture_segment(&log_, 1)->size, FIXTURE_SEGMENT_SIZE);
	cr_assert_eq(fixture_segment(&log_, 4)->size, 9 * DISK_ALIGN);
}

Test(wal, without_flushing_counts_what_is_written)
{
	fixture_close(&log_);
	log_.options.flush = false;
	cr_assert(fixture_open(&log_));
	fixture_append(&log_);
	pump();
	cr_assert(!log_.disk.queue[0].flush);
	sim_disk_step(&log_.disk);
	cr_assert_eq(wal_durable_lsn(log_.wal), 1);
}
