/*
 * Proves: I4, I7, I10 for snapshots. A snapshot written beside commands, with the log from it on, is the table that all
 * records make: after an orderly end, a power cut at every operation of the disk, a failure at every operation, a full disk;
 * with any bit of it flipped or any part of it missing it is not used, and the one before takes its place. What is trimmed
 * was not needed, and a log of which more is missing is refused.
 * Method: a table and a toy desk, whose records are written to a real log over a simulated disk; the dump of what is
 * restored is compared with that of the toy's own records up to the recovered lsn.
 */
#include "fixture.h"
#include <log/relay.h>
#include <log/snapshot.h>
#include <model/toy_desk.h>
#include <slot/image.h>
#include <stdio.h>

#define DAY          1000
#define RECENT       16
#define MEMORY_LIMIT (UINT64_C(16) << 20)
#define LOG_RECORDS  2000

struct world {
	struct sim_disk disk;
	struct prng prng;
	uint64_t now_ms;
	struct clock clock;
	struct memory memory;
	struct table table;
	struct toy_desk toy;
	struct wal *wal;
	uint64_t logged; /* records of the toy that were appended */
	uint16_t day;
	uint64_t recent[RECENT];
	uint64_t previous_lsn;
	uint64_t retain;
	struct error error;
	/* what the last restart found */
	struct rebuild rebuild;
	struct relay *relay; /* and, while there is one, what ends it */
	record_end_f *replayed;
	uint64_t progress; /* of the snapshot */
	struct wal_recovery recovery;
};

static struct world world;

static uint64_t wall_ms(void *context)
{
	return ++((struct world *)context)->now_ms;
}

static uint64_t monotonic_ns(void *context)
{
	return ((struct world *)context)->now_ms * 1000000;
}

static void new_table(struct memory *memory, struct table *table)
{
	memory_init(memory, MEMORY_LIMIT);
	const struct table_options options = {.stripe_count = 1, .seed = 77};
	cr_assert(table_init(table, memory, &options, &world.error));
}

static bool ignore_record(void *context, const struct record *record, uint64_t lsn, struct error *error)
{
	(void)context;
	(void)record;
	(void)lsn;
	(void)error;
	return true;
}

static bool open_log(wal_replay_f *replay, void *context, const struct log_start *start)
{
	const struct wal_options options = {.segment_size = 5 * DISK_ALIGN,
					    .batch_size = DISK_ALIGN,
					    .appenders = 1,
					    .replayed = world.replayed,
					    .flush = true,
					    .start = *start};
	return wal_open(&world.wal, &options, &world.disk.port, &world.clock, replay, context, &world.recovery,
			&world.error);
}

static void set_up(void)
{
	world = (struct world){.prng.state = 7, .day = DAY, .clock = {&world, wall_ms, monotonic_ns}};
	sim_disk_init(&world.disk, 7);
	new_table(&world.memory, &world.table);
	toy_init(&world.toy, &world.table, LOG_RECORDS);
	toy_psychologist(&world.table, 1);
	cr_assert(open_log(ignore_record, NULL, &(struct log_start){0}));
}

static void close_log(void)
{
	if (world.wal != NULL) {
		sim_disk_settle(&world.disk);
		wal_close(world.wal);
		world.wal = NULL;
	}
}

static void tear_down(void)
{
	close_log();
	toy_fini(&world.toy);
	table_fini(&world.table);
	sim_disk_fini(&world.disk);
}

TestSuite(snapshot, .init = set_up, .fini = tear_down);

/* ---- commands ---- */

static void log_record(const struct toy_record *toy)
{
	const uint64_t key = toy->key;
	uint8_t slot[4];
	store16(slot, key_day(key));
	store16(slot + 2, key_minute(key));
	struct record record = {.at_ms = toy->at_ms, .hold_seconds = toy->hold_seconds};
	if (toy->type != TOY_PURGE && toy->type != TOY_CHANGE) {
		record.psychologist = intern_token(&world.table.psychologists, key_psychologist(key));
	}
	switch (toy->type) {
	case TOY_BOOK:
		record.type = toy->hold_seconds != 0 ? RECORD_HOLD : RECORD_BOOK;
		record.client = intern_token(&world.table.clients, toy->client);
		record.minute = key_minute(key);
		record.minutes = toy->minutes;
		record.unlisted = toy->minutes == 0;
		break;
	case TOY_CHANGE:
		record.type = toy->status == SESSION_CANCELLED ? RECORD_CANCEL : RECORD_STATUS;
		record.status = toy->status == SESSION_CANCELLED ? SESSION_FREE : toy->status;
		break;
	case TOY_MOVE:
		WRONG("nothing is moved here");
	case TOY_OPEN:
	case TOY_CLOSE:
		record.type = toy->type == TOY_OPEN ? RECORD_OPEN : RECORD_CLOSE;
		record.minutes = toy->minutes;
		record.slot_count = 1;
		record.slots = slot;
		break;
	case TOY_PURGE:
		record.type = RECORD_PURGE;
		break;
	}
	if (toy->type == TOY_BOOK || toy->type == TOY_CHANGE) {
		record.session = toy->session;
		record.day = key_day(key);
	}
	record.day = toy->type == TOY_PURGE ? toy->day : record.day;
	/* Without power it may have no room for ever. */
	while (!wal_has_room(world.wal) && !wal_failed(world.wal, NULL) && !world.disk.powerless) {
		wal_pump(world.wal);
		sim_disk_step(&world.disk);
	}
	if (!wal_failed(world.wal, NULL) && wal_has_room(world.wal)) {
		wal_append(world.wal, &record);
	}
}

/* A random command, and its record into the log. */
static void command(void)
{
	const uint32_t dice = prng_below(&world.prng, 100);
	const uint64_t key = key_make(1, (uint16_t)(world.day + prng_below(&world.prng, 3)),
				      (uint16_t)(30 * prng_below(&world.prng, 4)));
	struct toy_desk *toy = &world.toy;
	bool opened;
	uint64_t id;
	if (dice < 35) {
		const uint32_t client = 1 + prng_below(&world.prng, 5);
		atomic_fetch_add_explicit(&toy->now_ms, 500, memory_order_relaxed);
		const enum model_outcome outcome =
		    prng_one_in(&world.prng, 3) ? toy_hold(toy, key, client, 5, &id) : toy_book(toy, key, client, &id);
		if (outcome == MODEL_DONE) {
			world.recent[prng_below(&world.prng, RECENT)] = id;
		}
	} else if (dice < 60) {
		toy_change(toy, world.recent[prng_below(&world.prng, RECENT)],
			   prng_one_in(&world.prng, 4) ? LIFE_CONFIRM : LIFE_CANCEL, 0);
	} else if (dice < 80) {
		toy_open(toy, key, 30, &opened);
	} else if (dice < 97) {
		toy_close(toy, key);
	} else {
		toy_purge(toy, ++world.day, 5);
	}
	while (world.logged < toy_lsn(toy)) {
		log_record(&toy->records[world.logged++]);
	}
}

/* Commands until so many more records are in the log, and durable. */
static void commit(uint32_t records)
{
	const uint64_t wanted = world.logged + records;
	while (world.logged < wanted) {
		command();
		if (prng_one_in(&world.prng, 4)) {
			wal_pump(world.wal);
			sim_disk_settle(&world.disk);
		}
	}
	while (wal_durable_lsn(world.wal) < world.logged) {
		wal_pump(world.wal);
		sim_disk_settle(&world.disk);
	}
}

/* ---- snapshots ---- */

static struct snapshot_writer *begin(void)
{
	const struct snapshot_options options = {
	    .disk = &world.disk.port,
	    .clock = &world.clock,
	    .wal = world.wal,
	    .table = &world.table,
	    .piece_size = DISK_ALIGN,
	    .previous_lsn = world.previous_lsn,
	    .retain = world.retain,
	};
	return snapshot_begin(&options, &world.error);
}

/* A whole snapshot, with up to `commands` commands and commits between any two steps. Returns whether it was done; false too
 * when the power went. */
static bool write_snapshot(uint32_t commands)
{
	struct snapshot_writer *writer = begin();
	if (writer == NULL) {
		return false;
	}
	enum snapshot_step step = SNAPSHOT_GOES_ON;
	while (step == SNAPSHOT_GOES_ON || step == SNAPSHOT_WAITS) {
		step = snapshot_step(writer, &world.error);
		if (world.disk.powerless) {
			break;
		}
		for (uint32_t i = prng_below(&world.prng, commands + 1); i > 0; i--) {
			command();
		}
		if (step == SNAPSHOT_WAITS || prng_one_in(&world.prng, 2)) {
			wal_pump(world.wal);
			sim_disk_step(&world.disk);
		}
	}
	const bool done = step == SNAPSHOT_DONE;
	if (done) {
		world.previous_lsn = snapshot_writer_info(writer)->lsn;
	}
	snapshot_close(writer);
	return done;
}

static struct sim_file *file_of(uint64_t lsn)
{
	char name[DISK_NAME_SIZE];
	snapshot_format_name(lsn, name);
	return sim_disk_file(&world.disk, name);
}

static uint32_t count_files(const char *start)
{
	uint32_t count = 0;
	for (size_t i = 0; i < SIM_FILES_MAX; i++) {
		const struct sim_file *file = &world.disk.files[i];
		count += file->used && strncmp(file->name, start, strlen(start)) == 0;
	}
	return count;
}

/* ---- restarts ---- */

static bool on_record(void *context, const struct record *record, uint64_t lsn, struct error *error)
{
	return relay_record(((struct world *)context)->relay, record, lsn, error);
}

static bool on_replayed(void *context, struct error *error)
{
	return relay_finish(((struct world *)context)->relay, error);
}

static void on_progress(void *context, uint64_t bytes)
{
	((struct world *)context)->progress += bytes;
}

/* By so many threads. */
static bool replay_log(uint32_t threads, const struct log_start *start)
{
	world.replayed = on_replayed;
	world.relay = relay_begin(&world.rebuild, threads, &world.error);
	cr_assert_not_null(world.relay);
	const bool opened = open_log(on_record, &world, start);
	relay_end(world.relay);
	world.replayed = NULL;
	return opened;
}

static char *dump(const struct table *table)
{
	struct buffer out = {0};
	table_dump(table, &out);
	buffer_add(&out, "", 1);
	return (char *)out.at;
}

/* The table that the toy's first records make. */
static char *dump_of_records(uint64_t lsn)
{
	static struct memory memory;
	static struct table table;
	new_table(&memory, &table);
	struct toy_desk prefix = world.toy;
	atomic_store_explicit(&prefix.count, lsn, memory_order_relaxed);
	cr_assert(toy_replay(&prefix, &table, &world.error), "%s", world.error.text);
	char *text = dump(&table);
	table_fini(&table);
	return text;
}

/* Restarts from what is on the disk and compares. False if the log was refused. Ends with the log closed. */
static bool restart(void)
{
	static struct memory memory;
	static struct table table;
	new_table(&memory, &table);
	struct log_start start;
	/* Reads go under a lock, one at a time: the simulated disk does not notice that they are several. */
	static uint32_t crew;
	world.progress = 0;
	const struct snapshot_target into = {
	    .table = &table, .crew = 1 + crew++ % 3, .progress = on_progress, .context = &world};
	const bool opened = rebuild_begin(&world.rebuild, &into, &world.disk.port, &start, &world.error) &&
			    replay_log(into.crew, &start);
	if (opened) {
		table_restore_done(&table);
		table_check(&table);
		char *restored = dump(&table);
		char *expected = dump_of_records(world.recovery.last_lsn);
		cr_assert_str_eq(restored, expected);
		free(restored);
		free(expected);
		close_log();
	}
	table_fini(&table);
	return opened;
}

static void check_restart(void)
{
	cr_assert(restart(), "%s", world.error.text);
}

/* ---- the tests ---- */

Test(snapshot, with_the_log_from_it_on_is_what_the_whole_log_is)
{
	for (uint32_t i = 0; i < 6; i++) {
		commit(30);
		cr_assert(write_snapshot(8), "%s", world.error.text);
	}
	commit(20);
	close_log();
	check_restart();
	cr_assert_eq(world.rebuild.found.info.lsn, world.previous_lsn);
	cr_assert_eq(world.rebuild.found.damaged, 0);
	/* The begin was read before. */
	cr_assert_eq(world.progress, world.rebuild.found.info.bytes - DISK_ALIGN);
	cr_assert_eq(world.recovery.last_lsn, world.logged);
	cr_assert_lt(world.rebuild.records, world.logged);
	cr_assert_eq(count_files("snap-"), 2, "the newest and the one before");
	cr_assert_null(fixture_segment_of(&world.disk, 1), "what nothing needs is gone");
}

Test(snapshot, nothing_is_trimmed_that_is_to_be_retained)
{
	world.retain = UINT64_MAX;
	for (uint32_t i = 0; i < 4; i++) {
		commit(40);
		cr_assert(write_snapshot(4));
	}
	cr_assert_not_null(fixture_segment_of(&world.disk, 1));
	close_log();
	check_restart();
}

Test(snapshot, is_not_written_where_the_last_one_says_it_all)
{
	cr_assert_null(begin());
	cr_assert_eq(world.error.code, ERROR_NONE);
	commit(10);
	cr_assert(write_snapshot(0));
	cr_assert_null(begin());
	cr_assert_eq(world.error.code, ERROR_NONE);
}

Test(snapshot, waits_for_what_its_copies_may_have)
{
	commit(30);
	struct snapshot_writer *writer = begin();
	const uint64_t before = world.logged;
	while (world.logged == before) {
		command();
	}
	enum snapshot_step step;
	do {
		step = snapshot_step(writer, &world.error);
	} while (step == SNAPSHOT_GOES_ON);
	cr_assert_eq(step, SNAPSHOT_WAITS);
	cr_assert_eq(count_files("snap-"), 1);
	cr_assert_not_null(sim_disk_file(&world.disk, SNAPSHOT_NEW_NAME));
	wal_pump(world.wal);
	sim_disk_settle(&world.disk);
	while ((step = snapshot_step(writer, &world.error)) == SNAPSHOT_GOES_ON) {
	}
	cr_assert_eq(step, SNAPSHOT_DONE);
	snapshot_close(writer);
	cr_assert_null(sim_disk_file(&world.disk, SNAPSHOT_NEW_NAME));
}

/* Two snapshots, and log behind them. */
static void two_snapshots(uint64_t *older, uint64_t *newer)
{
	commit(60);
	cr_assert(write_snapshot(2));
	*older = world.previous_lsn;
	commit(60);
	cr_assert(write_snapshot(2));
	*newer = world.previous_lsn;
	commit(15);
	close_log();
}

Test(snapshot, with_any_bit_flipped_gives_way_to_the_one_before)
{
	uint64_t older, newer;
	two_snapshots(&older, &newer);
	struct sim_file *file = file_of(newer);
	/* Every bit is too many for whole restarts: each is looked at, every 1009th restarted from. Under a sanitizer, which is
	 * there for the code and not for the bits, one in 61. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	const uint64_t stride = 61;
#else
	const uint64_t stride = 1;
#endif
	for (uint64_t bit = 0; bit < file->size * 8; bit += stride) {
		struct snapshot_found found;
		file->cache[bit / 8] ^= (uint8_t)(1u << bit % 8);
		cr_assert(snapshot_load(&world.disk.port, NULL, &found, &world.error) ||
			  world.error.code == ERROR_NEWER);
		cr_assert(world.error.code == ERROR_NEWER || (found.info.lsn == older && found.damaged == 1));
		if (bit / stride % 1009 == 0 && world.error.code != ERROR_NEWER) {
			check_restart();
		}
		world.error.code = ERROR_NONE;
		file->cache[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	check_restart();
	cr_assert_eq(world.rebuild.found.info.lsn, newer);
}

Test(snapshot, cut_or_lengthened_gives_way_to_the_one_before)
{
	uint64_t older, newer;
	two_snapshots(&older, &newer);
	struct sim_file *file = file_of(newer);
	const uint64_t size = file->size;
	static struct sim_disk whole;
	sim_disk_init(&whole, 1);
	sim_disk_copy(&whole, &world.disk);
	for (uint64_t to = 0; to <= size + DISK_ALIGN; to += 512) {
		struct snapshot_found found;
		sim_disk_copy(&world.disk, &whole);
		sim_file_resize(file_of(newer), to);
		cr_assert(snapshot_load(&world.disk.port, NULL, &found, &world.error));
		cr_assert_eq(found.info.lsn, to == size ? newer : older, "cut to %" PRIu64, to);
	}
	sim_disk_fini(&whole);
}

Test(snapshot, of_another_name_or_place_is_none)
{
	uint64_t older, newer;
	two_snapshots(&older, &newer);
	snapshot_format_name(newer + 1, file_of(newer)->name);
	struct snapshot_found found;
	cr_assert(snapshot_load(&world.disk.port, NULL, &found, &world.error));
	cr_assert_eq(found.info.lsn, older);
	cr_assert_eq(found.damaged, 1);
}

Test(snapshot, a_trimmed_log_without_one_is_refused)
{
	uint64_t older, newer;
	two_snapshots(&older, &newer);
	sim_file_clear(file_of(newer));
	check_restart();
	sim_file_clear(file_of(older));
	cr_assert_not(restart());
	cr_assert_eq(world.error.code, ERROR_DAMAGED);
	cr_assert_not_null(strstr(world.error.text, "missing"), "%s", world.error.text);
}

Test(snapshot, a_log_that_ends_before_it_is_refused)
{
	uint64_t older, newer;
	two_snapshots(&older, &newer);
	bool kept = false;
	for (uint64_t number = 1; number < 64; number++) {
		struct sim_file *segment = fixture_segment_of(&world.disk, number);
		if (segment != NULL && kept) {
			sim_file_clear(segment);
		}
		kept = kept || segment != NULL;
	}
	cr_assert_not(restart());
	cr_assert_eq(world.error.code, ERROR_DAMAGED);
	cr_assert_not_null(strstr(world.error.text, "a snapshot knows to be durable"), "%s", world.error.text);
}

/* From the same begin, the power goes in the n-th operation from now, for every n. */
Test(snapshot, a_power_cut_at_any_step_leaves_one_to_start_from)
{
	uint64_t snapshots_seen = 0;
	bool done = false;
	for (uint64_t n = 1; !done; n++) {
		tear_down();
		set_up();
		world.prng.state = n;
		commit(60);
		cr_assert(write_snapshot(2));
		const uint64_t first = world.previous_lsn;
		commit(60);
		world.disk.power_cut_in = n;
		done = write_snapshot(2) && !world.disk.powerless;
		world.disk.powerless = true;
		sim_disk_crash(&world.disk);
		wal_close(world.wal);
		world.wal = NULL;
		check_restart();
		cr_assert_geq(world.rebuild.found.info.lsn, first);
		snapshots_seen += world.rebuild.found.info.lsn > first;
		cr_assert_eq(world.rebuild.found.damaged, 0, "n=%" PRIu64 ": %s", n, world.rebuild.found.damage.text);
		/* And again: what the first restart left is sound. */
		check_restart();
	}
	cr_assert_gt(snapshots_seen, 3, "some power cuts come behind the renaming");
}

Test(snapshot, one_that_is_done_survives_a_power_cut)
{
	for (uint64_t seed = 1; seed < 12; seed++) {
		tear_down();
		set_up();
		world.disk.prng.state = seed;
		commit(40);
		cr_assert(write_snapshot(2));
		const uint64_t lsn = world.previous_lsn;
		world.disk.powerless = true;
		sim_disk_crash(&world.disk);
		wal_close(world.wal);
		world.wal = NULL;
		check_restart();
		cr_assert_eq(world.rebuild.found.info.lsn, lsn, "seed %" PRIu64, seed);
	}
}

Test(snapshot, a_failure_at_any_step_ends_it_and_harms_nothing)
{
	bool done = false;
	uint32_t failures = 0;
	for (uint64_t n = 1; !done; n++) {
		tear_down();
		set_up();
		commit(60);
		struct snapshot_writer *writer;
		enum snapshot_step step = SNAPSHOT_FAILED;
		world.disk.fail_in = n;
		writer = begin();
		if (writer != NULL) {
			while ((step = snapshot_step(writer, &world.error)) == SNAPSHOT_GOES_ON) {
			}
			snapshot_close(writer);
		}
		done = world.disk.fail_in != 0;
		world.disk.fail_in = 0;
		/* It may have its name though the flush of the directory failed: then nothing was trimmed. */
		cr_assert(step == SNAPSHOT_FAILED || count_files("snap-0") == 1, "n=%" PRIu64, n);
		cr_assert(step == SNAPSHOT_DONE || world.error.code != ERROR_NONE, "n=%" PRIu64, n);
		failures += step == SNAPSHOT_FAILED;
		if (step == SNAPSHOT_FAILED && sim_disk_file(&world.disk, SNAPSHOT_NEW_NAME) != NULL) {
			/* Only if removing it was what failed; the next one removes it. */
			cr_assert(write_snapshot(2), "%s", world.error.text);
		}
		commit(20);
		cr_assert_not(wal_failed(world.wal, NULL));
		close_log();
		check_restart();
	}
	cr_assert_gt(failures, 8);
}

Test(snapshot, a_full_disk_ends_it_and_it_works_again_when_there_is_space)
{
	commit(60);
	world.disk.space = 0;
	for (size_t i = 0; i < SIM_FILES_MAX; i++) {
		world.disk.space += world.disk.files[i].size;
	}
	world.disk.space += 2 * DISK_ALIGN;
	cr_assert_not(write_snapshot(0));
	cr_assert_eq(world.error.code, ERROR_NO_SPACE);
	cr_assert_eq(count_files("snap-"), 0);
	world.disk.space = UINT64_MAX;
	commit(10);
	cr_assert(write_snapshot(2));
	close_log();
	check_restart();
}
