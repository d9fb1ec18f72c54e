/*
 * Proves: I1, I4, I10 for tables that move: the records of an export, applied strictly to an empty table, make the same slots,
 * sessions, ids, versions, times and calendars, in every word of the dump but the lsn; no record, whatever it says, brings
 * replay down: it is applied or refused.
 * Method: random commands on few slots of few days, some of them unlisted, and random calendars; then logs of all format
 * versions whose records are changed, doubled, left out and exchanged at random. SEED= repeats a run.
 */
#include <criterion/criterion.h>
#include <io/disk_posix.h>
#include <log/export.h>
#include <log/reader.h>
#include <log/replay.h>
#include <model/random.h>
#include <model/toy_desk.h>
#include <slot/image.h>
#include <stdio.h>

#define ROUNDS       300
#define STEPS        300
#define RECENT       16
#define FIRST_DAY    1000
#define MEMORY_LIMIT (UINT64_C(16) << 20)

struct run {
	struct memory memory;
	struct table table;
	struct toy_desk toy;
	uint32_t lee;
	uint64_t random;
	uint64_t seed;
	uint16_t first_day;
	uint64_t generation; /* of the calendars */
	uint64_t recent[RECENT];
};

static uint32_t below(struct run *run, uint32_t count)
{
	return random_below(&run->random, count);
}

static void new_table(struct memory *memory, struct table *table)
{
	struct error error;
	memory_init(memory, MEMORY_LIMIT);
	const struct table_options options = {.stripe_count = 2, .seed = 77};
	cr_assert(table_init(table, memory, &options, &error));
}

static uint64_t newest_lsn(void *context)
{
	return toy_lsn(context);
}

static void sync_calendar(struct run *run)
{
	static const char *const names[] = {"google", "work"};
	const uint32_t day = (run->first_day + below(run, 3)) * MINUTES_PER_DAY;
	const uint32_t start = day + 15 * below(run, 8);
	const struct busy_interval interval = {start, start + 20};
	const struct busy_update update = {
	    .psychologist = run->lee,
	    .source = span_of(names[below(run, 2)]),
	    .generation = ++run->generation,
	    .at_ms = toy_now_ms(&run->toy),
	    .window = {day, day + MINUTES_PER_DAY},
	    .intervals = &interval,
	    .count = below(run, 4) == 0 ? 0 : 1,
	};
	uint64_t lsn;
	busy_update(&run->table.busy, &update, NULL, newest_lsn, &run->toy, &lsn);
}

static void set_calendar(struct run *run)
{
	static const char *const urls[] = {"https://example.org/1?key=a", "https://example.org/2", ""};
	const uint32_t psychologist = toy_psychologist(&run->table, 1 + below(run, 3));
	uint64_t lsn;
	table_set(&run->table, SETTING_CALENDAR, psychologist, span_of(urls[below(run, 3)]), true, newest_lsn,
		  &run->toy, &lsn);
}

static void change(struct run *run, uint64_t session, uint64_t key)
{
	static const enum life_command commands[] = {LIFE_CANCEL, LIFE_CANCEL, LIFE_CONFIRM, LIFE_COMPLETE,
						     LIFE_NO_SHOW};
	const uint32_t draw = below(run, 8);
	if (draw < 5) {
		toy_change(&run->toy, session, commands[draw], LIFE_HAS_STARTED);
	} else if (draw < 6) {
		toy_renew(&run->toy, session, 5);
	} else {
		toy_move(&run->toy, session, key);
	}
}

static void step(struct run *run)
{
	struct toy_desk *toy = &run->toy;
	const uint32_t dice = below(run, 100);
	const uint64_t key =
	    key_make(run->lee, (uint16_t)(run->first_day + below(run, 3)), (uint16_t)(30 * below(run, 4)));
	bool opened;
	uint64_t id = 0;
	if (dice < 35) {
		const uint32_t client = 1 + below(run, 5);
		atomic_fetch_add_explicit(&toy->now_ms, 500, memory_order_relaxed);
		if ((dice < 25 ? toy_book(toy, key, client, &id) : toy_hold(toy, key, client, 5, &id)) == MODEL_DONE) {
			run->recent[below(run, RECENT)] = id;
		}
	} else if (dice < 60) {
		change(run, run->recent[below(run, RECENT)], key);
	} else if (dice < 78) {
		toy_open(toy, key, below(run, 4) == 0 ? 60 : 30, &opened);
	} else if (dice < 92) {
		toy_close(toy, key);
	} else if (dice < 95) {
		sync_calendar(run);
	} else if (dice < 97) {
		set_calendar(run);
	} else {
		toy_purge(toy, ++run->first_day, 1 + below(run, 10));
	}
}

/* The dump without the lsn: without " lsn=17", and with "removed by lsn 0". */
static char *dump(const struct table *table)
{
	struct buffer out = {0};
	table_dump(table, &out);
	buffer_add(&out, "", 1);
	char *text = (char *)out.at;
	for (char *at = text; (at = strstr(at, "lsn")) != NULL; at++) {
		char *number = at + strlen("lsn ");
		const size_t digits = strspn(number, "0123456789");
		memmove(number, number + digits, strlen(number + digits) + 1);
	}
	return text;
}

/* The target of an export. */
struct target {
	struct table *table;
	uint64_t lsn;
	struct error error;
};

static bool take(void *context, const struct record *record)
{
	struct target *target = context;
	uint8_t bytes[RECORD_SIZE_MAX];
	struct record read;
	const size_t size = record_encode(record, bytes);
	cr_assert_eq(record_decode((struct span){bytes, size}, &read, &target->error), size, "%s", target->error.text);
	return replay_apply(target->table, &read, ++target->lsn, &target->error);
}

static void check_same(struct run *run)
{
	static struct memory memory;
	static struct table table;
	struct target target = {.table = &table};
	new_table(&memory, &table);
	table_export(&run->table, toy_now_ms(&run->toy), take, &target);
	cr_assert_eq(target.error.code, ERROR_NONE, "%s; repeat with SEED=0x%llx", target.error.text,
		     (unsigned long long)run->seed);
	/* What a purge has not reclaimed yet is gone all the same. */
	struct purge_cursor cursor = {0};
	cr_assert_not(table_purge_reclaim(&run->table, &cursor, UINT32_MAX));
	table_restore_done(&run->table);
	table_restore_done(&table);
	char *before = dump(&run->table);
	char *after = dump(&table);
	cr_assert_str_eq(after, before, "repeat with SEED=0x%llx", (unsigned long long)run->seed);
	cr_assert_eq(atomic_load_explicit(&memory.promised, memory_order_relaxed),
		     atomic_load_explicit(&run->memory.promised, memory_order_relaxed));
	table_check(&table);
	free(before);
	free(after);
	table_fini(&table);
}

static void run_round(uint64_t seed, bool unlisted_slots)
{
	static struct run run;
	run = (struct run){.random = seed, .seed = seed, .first_day = FIRST_DAY};
	new_table(&run.memory, &run.table);
	toy_init(&run.toy, &run.table, 4 * STEPS);
	run.toy.unlisted_slots = unlisted_slots;
	run.lee = toy_psychologist(&run.table, 1);
	for (uint32_t i = below(&run, STEPS); i < STEPS; i++) {
		step(&run);
	}
	if (below(&run, 3) == 0) {
		/* A purge that has reclaimed nothing yet. */
		table_purge_horizon(&run.table, ++run.first_day, toy_lsn(&run.toy) + 1);
	}
	check_same(&run);
	toy_fini(&run.toy);
	table_fini(&run.table);
}

Test(export, makes_the_same_table)
{
	uint64_t seed = random_seed();
	for (uint32_t i = 0; i < ROUNDS; i++) {
		run_round(seed++, i % 2 != 0);
	}
}

Test(export, says_more_intervals_than_a_record_takes)
{
	static struct run run;
	static struct busy_interval intervals[3 * BUSY_COUNT_MAX + 1];
	const uint32_t count = sizeof intervals / sizeof intervals[0];
	new_table(&run.memory, &run.table);
	toy_init(&run.toy, &run.table, 1);
	run.lee = toy_psychologist(&run.table, 1);
	for (uint32_t i = 0; i < count; i++) {
		intervals[i] = (struct busy_interval){100 * i, 100 * i + 50};
	}
	const struct busy_update update = {.psychologist = run.lee,
					   .source = span_of("google"),
					   .generation = 7,
					   .at_ms = 1700000000000,
					   .window = {0, 100 * count},
					   .intervals = intervals,
					   .count = count};
	uint64_t lsn;
	cr_assert_eq(busy_update(&run.table.busy, &update, NULL, newest_lsn, &run.toy, &lsn), BUSY_CHANGED);
	check_same(&run);
}

/* ---- hostile records ---- */

#define RECORDS_MAX 512
#define ATTACKS     3000

struct records {
	uint8_t *bytes[RECORDS_MAX];
	size_t sizes[RECORDS_MAX];
	size_t count;
};

static bool keep(struct records *records, const struct record *record)
{
	if (records->count < RECORDS_MAX) {
		uint8_t *bytes = malloc(RECORD_SIZE_MAX);
		records->sizes[records->count] = record_encode(record, bytes);
		records->bytes[records->count++] = bytes;
	}
	return true;
}

static bool keep_visited(void *context, const struct record *record, uint64_t lsn, struct error *error)
{
	(void)lsn;
	(void)error;
	return keep(context, record);
}

static bool keep_exported(void *context, const struct record *record)
{
	return keep(context, record);
}

static void read_log(const char *directory, struct records *records)
{
	struct disk disk;
	struct reader reader;
	struct reader_block block;
	struct error error = {0};
	cr_assert(disk_posix_open(&disk, directory, DISK_READ_ONLY, &error), "%s", error.text);
	cr_assert(reader_open(&reader, &disk, &(struct log_start){0}, &error), "%s", error.text);
	while (reader_next(&reader, &block, &error) == READER_BLOCK) {
		cr_assert(reader_records(&reader, &block, keep_visited, records, &error), "%s", error.text);
	}
	cr_assert_eq(error.code, ERROR_NONE, "%s", error.text);
	reader_close(&reader);
	disk_posix_close(&disk);
}

/* What a random table is exported as, so that there are all kinds of sessions. */
static void export_some(struct records *records, uint64_t seed)
{
	static struct run run;
	run = (struct run){.random = seed, .first_day = FIRST_DAY};
	new_table(&run.memory, &run.table);
	toy_init(&run.toy, &run.table, 4 * STEPS);
	run.lee = toy_psychologist(&run.table, 1);
	for (uint32_t i = 0; i < STEPS; i++) {
		step(&run);
	}
	table_export(&run.table, toy_now_ms(&run.toy), keep_exported, records);
	toy_fini(&run.toy);
	table_fini(&run.table);
}

/* A record with some bits turned that still is one; as it was, if there is none in a few tries. */
static void turn_bits(uint64_t *random, const struct records *records, size_t i, uint8_t *bytes)
{
	for (uint32_t tries = 0; tries < 20; tries++) {
		struct record read;
		memcpy(bytes, records->bytes[i], records->sizes[i]);
		for (uint32_t bits = 1 + random_below(random, 2); bits > 0; bits--) {
			bytes[random_below(random, (uint32_t)records->sizes[i])] ^=
			    (uint8_t)(1u << random_below(random, 8));
		}
		if (record_decode((struct span){bytes, records->sizes[i]}, &read, NULL) == records->sizes[i]) {
			return;
		}
	}
	memcpy(bytes, records->bytes[i], records->sizes[i]);
}

/* Applies the records with some wrong; returns whether all were taken. */
static bool attack(uint64_t *random, const struct records *records)
{
	static struct memory memory;
	static struct table table;
	struct error error = {0};
	const uint32_t victim = random_below(random, (uint32_t)records->count);
	const uint32_t way = random_below(random, 8);
	bool taken = true;
	new_table(&memory, &table);
	for (size_t i = 0; taken && i < records->count; i++) {
		uint8_t bytes[RECORD_SIZE_MAX];
		struct record record;
		if (i == victim && way == 0) {
			continue; /* left out */
		}
		/* A few others take its place, or come once more. */
		const size_t other = i == victim && way == 1 ? random_below(random, (uint32_t)records->count) : i;
		memcpy(bytes, records->bytes[other], records->sizes[other]);
		if ((i == victim && way > 1) || (way == 7 && random_below(random, 8) == 0)) {
			turn_bits(random, records, other, bytes);
		}
		cr_assert_gt(record_decode((struct span){bytes, records->sizes[other]}, &record, &error), 0);
		taken = replay_apply(&table, &record, i + 1, &error);
		cr_assert(taken || (error.code != ERROR_NONE && error.text[0] != '\0'));
	}
	table_restore_done(&table);
	table_check(&table);
	table_fini(&table);
	return taken;
}

Test(export, no_record_brings_replay_down, .timeout = 120)
{
	static const char *const directories[] = {"data/golden/v3", "data/golden/v4", NULL};
	uint64_t random = random_seed();
	fprintf(stderr, "SEED=0x%llx\n", (unsigned long long)random);
	for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++) {
		static struct records records;
		uint32_t refused = 0;
		if (directories[i] != NULL) {
			read_log(directories[i], &records);
		} else {
			export_some(&records, random_next(&random));
		}
		for (uint32_t round = 0; round < ATTACKS; round++) {
			refused += !attack(&random, &records);
		}
		cr_assert(refused > ATTACKS / 20 && refused < ATTACKS, "%u of %u refused", refused, ATTACKS);
		for (; records.count > 0; records.count--) {
			free(records.bytes[records.count - 1]);
		}
	}
}
