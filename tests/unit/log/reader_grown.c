/*
 * Proves: I7, for a reader who stays: a log that is being written is read on block by block, across segments, and what
 * is on its way is waited for and never taken for damage.
 */
#include "fixture.h"

#include <log/reader.h>

static struct fixture log_;
static struct reader reader;
static struct error error;
static struct disk port; /* the reader's: the same disk, whose files are the writer's to close */

static void close_nothing(void *context, disk_file file)
{
	(void)context;
	(void)file;
}

static void set_up(void)
{
	fixture_init(&log_);
	cr_assert(fixture_open(&log_));
	port = log_.disk.port;
	port.close = close_nothing;
	cr_assert(reader_open(&reader, &port, &(struct log_start){0}, &error));
}

static void tear_down(void)
{
	reader_close(&reader);
	fixture_fini(&log_);
}

TestSuite(reader_grown, .init = set_up, .fini = tear_down);

static bool grown(void)
{
	bool is_grown;
	cr_assert(reader_grown(&reader, &is_grown, &error), "%s", error.text);
	return is_grown;
}

static enum reader_step next(void)
{
	struct reader_block block;
	return reader_next(&reader, &block, &error);
}

Test(reader_grown, follows_a_log_through_its_segments)
{
	cr_assert_eq(next(), READER_END);
	for (uint64_t lsn = 1; lsn <= 20; lsn++) {
		cr_assert(!grown());
		fixture_commit(&log_, 1);
		cr_assert(grown(), "lsn %" PRIu64, lsn);
		cr_assert_eq(next(), READER_BLOCK, "%s", error.text);
		cr_assert_eq(reader.next_lsn, lsn + 1);
	}
	cr_assert_gt(reader.segment.segment, 3);
	cr_assert_eq(next(), READER_END);
}

Test(reader_grown, a_directory_without_a_log_may_get_one)
{
	static struct sim_disk empty;
	sim_disk_init(&empty, 1);
	reader_close(&reader);
	cr_assert(reader_open(&reader, &empty.port, &(struct log_start){0}, &error));
	cr_assert_eq(next(), READER_END);
	cr_assert(!grown());
	fixture_commit(&log_, 1);
	sim_disk_copy(&empty, &log_.disk);
	cr_assert(grown());
	cr_assert_eq(next(), READER_BLOCK);
	reader_close(&reader);
	cr_assert(reader_open(&reader, &port, &(struct log_start){0}, &error));
	sim_disk_fini(&empty);
}

Test(reader_grown, at_no_step_of_the_disk_is_anything_refused)
{
	/* One step of the disk at a time: batches on their way, spares half zeroed, headers not there yet. */
	uint64_t seen = 0;
	for (uint32_t i = 0; i < 40; i++) {
		fixture_append(&log_);
		wal_pump(log_.wal);
		do {
			const bool is_grown = grown();
			const enum reader_step step = next();
			cr_assert_neq(step, READER_REFUSED, "%s", error.text);
			cr_assert(is_grown || step == READER_END);
			seen += step == READER_BLOCK;
		} while (sim_disk_step(&log_.disk));
	}
	while (grown()) {
		cr_assert_eq(next(), READER_BLOCK, "%s", error.text);
		seen++;
	}
	cr_assert_eq(seen, 40);
}

Test(reader_grown, half_a_block_is_waited_for)
{
	fixture_commit(&log_, 1);
	cr_assert_eq(next(), READER_BLOCK);
	fixture_commit(&log_, 1);
	struct sim_file *file = fixture_segment(&log_, 1);
	uint8_t *block = file->cache + SEGMENT_HEADER_SIZE + BLOCK_ALIGN;
	block[100] ^= 1;
	cr_assert(!grown());
	cr_assert_eq(next(), READER_END);
	block[100] ^= 1;
	cr_assert(grown());
	cr_assert_eq(next(), READER_BLOCK);
}

Test(reader_grown, a_block_of_a_newer_format_is_refused)
{
	cr_assert_eq(next(), READER_END);
	fixture_commit(&log_, 1);
	store16(fixture_segment(&log_, 1)->cache + SEGMENT_HEADER_SIZE + offsetof(struct block_header, version),
		FORMAT_VERSION + 1);
	cr_assert(grown());
	cr_assert_eq(next(), READER_REFUSED);
	cr_assert_eq(error.code, ERROR_NEWER);
}
