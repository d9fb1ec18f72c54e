/*
 * Proves: I7. A log is damaged in every way a file can be, and opened: it must be refused, saying where, or hold
 * exactly what was appended, less only the newest batch, of which nobody can say that it was durable. A tail that a
 * crash tore is cut, durably, once.
 */
#include "fixture.h"

#include <log/reader.h>

#define BATCHES 10 /* over three segments, of which the last has a few */

static struct fixture log_;

/* Three segments; each record is a block of its own. */
static void set_up(void)
{
	fixture_init(&log_);
	cr_assert(fixture_open(&log_));
	fixture_commit(&log_, BATCHES);
	fixture_close(&log_);
	cr_assert_not_null(fixture_segment(&log_, 3));
	cr_assert(!bytes_are_zero(fixture_segment(&log_, 3)->cache + 2 * BLOCK_ALIGN, BLOCK_ALIGN));
}

static void tear_down(void)
{
	fixture_fini(&log_);
}

TestSuite(recover, .init = set_up, .fini = tear_down);

/* What a reader makes of the disk, without changing it. */
struct reading {
	bool refused;
	uint64_t records;
	uint64_t different;
	struct error error;
};

static struct reading read_all(void)
{
	struct reading reading = {0};
	struct reader reader;
	log_.replayed = log_.different = 0;
	cr_assert(reader_open(&reader, &log_.disk.port, &(struct log_start){0}, &reading.error));
	for (;;) {
		struct reader_block block;
		const enum reader_step step = reader_next(&reader, &block, &reading.error);
		reading.refused = step == READER_REFUSED ||
				  (step == READER_BLOCK &&
				   !reader_records(&reader, &block, fixture_on_record, &log_, &reading.error));
		if (step != READER_BLOCK || reading.refused) {
			break;
		}
	}
	reader_close(&reader);
	reading.records = log_.replayed;
	reading.different = log_.different;
	return reading;
}

/* Where the records of each segment end, and the last block is. */
static void last_block(struct sim_file **file, uint64_t *offset, uint64_t *end)
{
	struct reader reader;
	struct error error;
	struct reader_block block;
	char name[DISK_NAME_SIZE] = "";
	*offset = *end = 0;
	cr_assert(reader_open(&reader, &log_.disk.port, &(struct log_start){0}, &error));
	while (reader_next(&reader, &block, &error) == READER_BLOCK) {
		*offset = block.offset;
		*end = reader.offset;
		memcpy(name, reader.name, sizeof name);
	}
	reader_close(&reader);
	*file = sim_disk_file(&log_.disk, name);
}

static void check_refused(enum error_code code, const char *words)
{
	const struct reading reading = read_all();
	cr_assert(reading.refused, "read %" PRIu64 " records instead of refusing: %s", reading.records, words);
	cr_assert_eq(reading.error.code, code, "%s", reading.error.text);
	cr_assert_not_null(strstr(reading.error.text, words), "\"%s\" is not in: %s", words, reading.error.text);
	/* The log itself refuses for the same reason, and leaves everything as it is. */
	cr_assert(!fixture_open(&log_));
	cr_assert_str_eq(log_.error.text, reading.error.text);
}

/* The block that waits to be written; the disk is stepped until there is one. */
static struct sim_op block_on_its_way(void)
{
	for (;;) {
		for (uint32_t i = 0; i < log_.disk.queued; i++) {
			const struct sim_op op = log_.disk.queue[i];
			if (op.bytes != NULL && load32(op.bytes) == BLOCK_MAGIC) {
				return op;
			}
		}
		cr_assert(sim_disk_step(&log_.disk));
	}
}

/* ---- every length, every block (every bit: flips.c) ---- */

Test(recover, a_file_cut_short_or_grown_is_refused)
{
	for (uint64_t number = 1; number <= 3; number++) {
		struct sim_file *file = fixture_segment(&log_, number);
		uint8_t saved[FIXTURE_SEGMENT_SIZE];
		memcpy(saved, file->cache, sizeof saved);
		for (uint64_t size = 0; size <= FIXTURE_SEGMENT_SIZE + 2 * SIM_SECTOR_SIZE; size += SIM_SECTOR_SIZE) {
			sim_file_resize(file, size);
			const struct reading reading = read_all();
			cr_assert_eq(reading.refused, size != FIXTURE_SEGMENT_SIZE, "%s of %" PRIu64 " bytes",
				     file->name, size);
			sim_file_resize(file, FIXTURE_SEGMENT_SIZE);
			sim_file_patch(file, 0, saved, sizeof saved);
		}
	}
}

Test(recover, blocks_zeroed_swapped_or_copied_are_refused)
{
	struct sim_file *newest;
	uint64_t newest_offset;
	uint64_t newest_end;
	last_block(&newest, &newest_offset, &newest_end);
	for (uint64_t i = 0; i < 3 * 5; i++) {
		for (uint64_t j = 0; j < 3 * 5; j++) {
			struct sim_file *one = fixture_segment(&log_, 1 + i / 5);
			struct sim_file *two = fixture_segment(&log_, 1 + j / 5);
			const uint64_t one_offset = i % 5 * BLOCK_ALIGN;
			const uint64_t two_offset = j % 5 * BLOCK_ALIGN;
			uint8_t one_bytes[BLOCK_ALIGN];
			uint8_t two_bytes[BLOCK_ALIGN];
			memcpy(one_bytes, one->cache + one_offset, BLOCK_ALIGN);
			memcpy(two_bytes, two->cache + two_offset, BLOCK_ALIGN);
			if (memcmp(one_bytes, two_bytes, BLOCK_ALIGN) == 0) {
				continue;
			}
			/* Over the newest batch, or behind it, anything that does not follow is a torn tail. */
			const bool one_free = one == newest && one_offset >= newest_offset;
			const bool two_free = two == newest && two_offset >= newest_offset;

			sim_file_patch(two, two_offset, one_bytes, BLOCK_ALIGN);
			struct reading reading = read_all();
			cr_assert_eq(reading.different, 0);
			cr_assert(reading.refused || (two_free && reading.records >= BATCHES - 1),
				  "copied block %" PRIu64 " over %" PRIu64, i, j);

			sim_file_patch(one, one_offset, two_bytes, BLOCK_ALIGN);
			reading = read_all();
			cr_assert_eq(reading.different, 0);
			/* With the newest, the one proof that the block before it was durable is gone, too. */
			cr_assert(reading.refused || one_free || two_free, "swapped blocks %" PRIu64 " and %" PRIu64, i,
				  j);

			sim_file_patch(one, one_offset, one_bytes, BLOCK_ALIGN);
			sim_file_patch(two, two_offset, two_bytes, BLOCK_ALIGN);
		}
	}
	cr_assert(!read_all().refused);
}

/* ---- whole files ---- */

static void copy_file(struct sim_file *to, const struct sim_file *from)
{
	sim_file_resize(to, from->size);
	sim_file_patch(to, 0, from->cache, from->size);
}

Test(recover, a_missing_segment_is_refused)
{
	struct error error;
	cr_assert(log_.disk.port.remove(&log_.disk, fixture_segment(&log_, 2)->name, &error));
	check_refused(ERROR_DAMAGED, "the segment file before this one is missing");
}

Test(recover, a_missing_first_segment_is_refused)
{
	struct error error;
	cr_assert(log_.disk.port.remove(&log_.disk, fixture_segment(&log_, 1)->name, &error));
	check_refused(ERROR_DAMAGED, "the first record missing has lsn 1;");
}

Test(recover, a_stale_copy_of_a_segment_is_refused)
{
	/* As segment 2 was when it held one block: its first, and zeros. */
	struct sim_file *file = fixture_segment(&log_, 2);
	memset(file->cache + 2 * BLOCK_ALIGN, 0, file->size - 2 * BLOCK_ALIGN);
	check_refused(ERROR_DAMAGED, "zeros instead of blocks that the next segment continues");
}

Test(recover, a_segment_under_another_name_is_refused)
{
	copy_file(fixture_segment(&log_, 3), fixture_segment(&log_, 2));
	check_refused(ERROR_DAMAGED, "a segment under the name of another one");
}

Test(recover, a_block_of_another_history_is_refused)
{
	/* The same log, continued in two ways: the block of the one, put into the other, is right in itself. */
	static struct sim_disk other;
	sim_disk_init(&other, 0);
	sim_disk_copy(&other, &log_.disk);
	cr_assert(fixture_open(&log_));
	struct record record = {.type = RECORD_PURGE, .day = 1};
	wal_append(log_.wal, &record);
	wal_pump(log_.wal);
	const struct sim_op op = block_on_its_way();
	uint8_t block[BLOCK_ALIGN];
	cr_assert_eq(op.size, sizeof block);
	memcpy(block, op.bytes, sizeof block);
	fixture_close(&log_);

	sim_disk_copy(&log_.disk, &other);
	cr_assert(fixture_open(&log_));
	for (record.day = 2; record.day < 4; record.day++) {
		wal_append(log_.wal, &record);
		wal_pump(log_.wal);
		sim_disk_settle(&log_.disk);
	}
	fixture_close(&log_);
	cr_assert(!read_all().refused);
	sim_file_patch(&log_.disk.files[op.file], op.offset, block, sizeof block);
	check_refused(ERROR_DAMAGED, "a block that does not follow the one before it");
	sim_disk_fini(&other);
}

Test(recover, a_segment_of_another_log_is_refused)
{
	static struct fixture other;
	fixture_init(&other);
	cr_assert(fixture_open(&other));
	fixture_commit(&other, BATCHES);
	copy_file(fixture_segment(&log_, 2), fixture_segment(&other, 2));
	fixture_fini(&other);
	check_refused(ERROR_DAMAGED, "a segment of another log");
}

Test(recover, a_zeroed_header_is_refused_wherever_something_stands_behind_it)
{
	static const char *const words[] = {"no header on the first segment",
					    "no header on a segment that has others behind it",
					    "no header on a segment that is not empty"};
	struct error error;
	char spare[DISK_NAME_SIZE];
	segment_format_name(4, spare);
	cr_assert(log_.disk.port.remove(&log_.disk, spare, &error), "%s", error.text);
	static const uint8_t zeros[SEGMENT_HEADER_SIZE];
	for (uint64_t number = 1; number <= 3; number++) {
		struct sim_file *file = fixture_segment(&log_, number);
		uint8_t saved[SEGMENT_HEADER_SIZE];
		memcpy(saved, file->cache, sizeof saved);
		sim_file_patch(file, 0, zeros, sizeof zeros);
		check_refused(ERROR_DAMAGED, words[number - 1]);
		sim_file_patch(file, 0, saved, sizeof saved);
	}
}

Test(recover, a_newer_format_is_refused_without_touching_it)
{
	struct sim_file *file = fixture_segment(&log_, 2);
	uint8_t version[2];
	store16(version, FORMAT_VERSION + 1);
	sim_file_patch(file, BLOCK_ALIGN + offsetof(struct block_header, version), version, 2);
	check_refused(ERROR_NEWER, "a block written by a newer slotd");
	sim_file_patch(file, offsetof(struct segment_header, version), version, 2);
	check_refused(ERROR_NEWER, "a segment written by a newer slotd");
}

/* ---- damage, in words ---- */

Test(recover, refusal_names_file_offset_lsn_and_what_to_run)
{
	fixture_segment(&log_, 1)->cache[2 * BLOCK_ALIGN + 100] ^= 1;
	check_refused(ERROR_DAMAGED, "wal-0000000000000001.slotd, offset 8192: ");
	check_refused(ERROR_DAMAGED, "the first record missing has lsn 2;");
	check_refused(ERROR_DAMAGED, "slotd-replay DIR --verify");
}

Test(recover, a_record_that_passes_the_hash_but_is_none_is_refused_with_its_lsn)
{
	struct sim_file *file = fixture_segment(&log_, 1);
	struct segment_header segment;
	struct block_header header;
	cr_assert_eq(segment_header_look(file->cache, &segment), BLOCK_WHOLE);
	uint8_t *bytes = file->cache + SEGMENT_HEADER_SIZE;
	cr_assert_eq(block_look(bytes, file->size, &header), BLOCK_WHOLE);
	bytes[BLOCK_HEADER_SIZE + 2] = 200; /* the type of its record */
	block_seal(bytes, &header, (struct block_place){segment.log_id, 1, SEGMENT_HEADER_SIZE});
	check_refused(ERROR_DAMAGED, "lsn 1: not a record: unknown type");
}

static bool refuse_lsn_5(void *context, const struct record *record, uint64_t lsn, struct error *error)
{
	(void)context;
	(void)record;
	return lsn != 5 || error_set(error, ERROR_DAMAGED, "booked twice");
}

Test(recover, a_record_that_replay_refuses_refuses_the_log)
{
	struct wal *wal;
	cr_assert(
	    !wal_open(&wal, &log_.options, &log_.disk.port, &log_.clock, refuse_lsn_5, NULL, &log_.found, &log_.error));
	cr_assert_eq(log_.error.code, ERROR_DAMAGED);
	cr_assert_not_null(strstr(log_.error.text, "lsn 5: booked twice"), "%s", log_.error.text);
}

/* ---- torn tails ---- */

/* Where a batch was to go, of which only the first sector is there. */
struct torn {
	struct sim_file *file;
	uint64_t offset;
};

static struct torn tear_tail(void)
{
	uint8_t slots[4 * OPEN_COUNT_MAX] = {0};
	const struct record record = {
	    .type = RECORD_CLOSE,
	    .psychologist = span_of("dr-lee"),
	    .slot_count = 500,
	    .slots = slots,
	};
	cr_assert(fixture_open(&log_));
	wal_append(log_.wal, &record);
	wal_pump(log_.wal);
	const struct sim_op op = block_on_its_way();
	const struct torn torn = {&log_.disk.files[op.file], op.offset};
	uint8_t sector[SIM_SECTOR_SIZE];
	memcpy(sector, op.bytes, sizeof sector);
	sim_disk_settle(&log_.disk);
	wal_close(log_.wal);
	log_.wal = NULL;
	static const uint8_t zeros[BLOCK_ALIGN];
	sim_file_patch(torn.file, torn.offset, zeros, sizeof zeros);
	sim_file_patch(torn.file, torn.offset, sector, sizeof sector);
	return torn;
}

Test(recover, a_torn_tail_is_cut_and_told_of_once)
{
	const struct torn torn = tear_tail();
	cr_assert(fixture_open(&log_), "%s", log_.error.text);
	cr_assert_eq(log_.replayed, BATCHES);
	cr_assert_eq(log_.found.cut_bytes, BLOCK_ALIGN);
	cr_assert_eq(log_.found.cut_offset, torn.offset);
	cr_assert_str_eq(log_.found.cut_file, torn.file->name);
	cr_assert(bytes_are_zero(torn.file->platter + torn.offset, torn.file->size - torn.offset), "cut durably");
	fixture_close(&log_);
	cr_assert(fixture_open(&log_));
	cr_assert_eq(log_.found.cut_bytes, 0);
}

Test(recover, a_crash_while_cutting_leaves_a_torn_tail)
{
	tear_tail();
	for (uint64_t operation = 1;; operation++) {
		static struct sim_disk torn;
		sim_disk_init(&torn, 0);
		sim_disk_copy(&torn, &log_.disk);
		log_.disk.power_cut_in = operation;
		const bool opened = fixture_open(&log_);
		log_.disk.power_cut_in = 0;
		if (opened) {
			cr_assert_gt(operation, 4, "there was something to interrupt");
			sim_disk_fini(&torn);
			return;
		}
		cr_assert_eq(log_.error.code, ERROR_IO);
		sim_disk_crash(&log_.disk);
		cr_assert(fixture_open(&log_), "after operation %" PRIu64 ": %s", operation, log_.error.text);
		cr_assert_eq(log_.replayed, BATCHES);
		fixture_close(&log_);
		sim_disk_copy(&log_.disk, &torn);
		sim_disk_fini(&torn);
	}
}

/* ---- a log that is being written ---- */

/* A port whose list and first reads are from before the last batches, as if those were written between two reads. */
struct late_port {
	struct disk port;
	struct sim_disk *now;
	struct sim_disk *before;
	uint32_t old_reads; /* so many are answered from `before` */
};

static bool late_read(void *context, disk_file file, uint64_t offset, void *bytes, size_t size, size_t *got,
		      struct error *error)
{
	struct late_port *late = context;
	struct sim_disk *from = late->now;
	if (late->old_reads > 0) {
		late->old_reads--;
		from = late->before;
	}
	return from->port.read(from, file, offset, bytes, size, got, error);
}

static bool late_list(void *context, struct disk_entry **entries, size_t *count, struct error *error)
{
	struct late_port *late = context;
	return late->before->port.list(late->before, entries, count, error);
}

static bool late_open(void *context, const char *name, bool create, disk_file *file, struct error *error)
{
	struct late_port *late = context;
	return late->now->port.open(late->now, name, create, file, error);
}

static void late_close(void *context, disk_file file)
{
	(void)context;
	(void)file;
}

Test(recover, a_log_that_is_being_written_is_never_taken_for_damaged)
{
	static struct sim_disk before;
	sim_disk_init(&before, 0);
	sim_disk_copy(&before, &log_.disk);
	cr_assert(fixture_open(&log_));
	fixture_commit(&log_, 12);
	fixture_close(&log_);
	for (uint32_t old_reads = 0; old_reads < 24; old_reads++) {
		struct late_port late = {
		    .port = {.list = late_list, .open = late_open, .close = late_close, .read = late_read},
		    .now = &log_.disk,
		    .before = &before,
		    .old_reads = old_reads,
		};
		late.port.context = &late;
		struct reader reader;
		struct error error = {0};
		struct reader_block block;
		enum reader_step step;
		log_.replayed = log_.different = 0;
		cr_assert(reader_open(&reader, &late.port, &(struct log_start){0}, &error));
		while ((step = reader_next(&reader, &block, &error)) == READER_BLOCK) {
			cr_assert(reader_records(&reader, &block, fixture_on_record, &log_, &error));
		}
		cr_assert_eq(step, READER_END, "%" PRIu32 " old reads: %s", old_reads, error.text);
		cr_assert_eq(log_.different, 0);
		cr_assert_geq(log_.replayed, BATCHES);
		reader_close(&reader);
	}
	sim_disk_fini(&before);
}

/* ---- beginnings and ends ---- */

Test(recover, an_empty_directory_is_an_empty_log)
{
	sim_disk_reset(&log_.disk, 1);
	const struct reading reading = read_all();
	cr_assert(!reading.refused);
	cr_assert_eq(reading.records, 0);
}

Test(recover, what_a_crash_left_of_a_first_segment_is_begun_anew)
{
	struct error error;
	disk_file file;
	sim_disk_reset(&log_.disk, 1);
	sim_records_cut(&log_.records, 0);
	cr_assert(log_.disk.port.open(&log_.disk, "wal-new.slotd", true, &file, &error));
	cr_assert(fixture_open(&log_), "%s", log_.error.text);
	cr_assert_null(sim_disk_file(&log_.disk, "wal-new.slotd"));
	fixture_commit(&log_, 3);
	cr_assert_eq(wal_durable_lsn(log_.wal), 3);
}

Test(recover, other_files_in_the_directory_are_left_alone)
{
	struct error error;
	disk_file file;
	cr_assert(log_.disk.port.open(&log_.disk, "notes.txt", true, &file, &error));
	cr_assert(fixture_open(&log_), "%s", log_.error.text);
	cr_assert_not_null(sim_disk_file(&log_.disk, "notes.txt"));
}
