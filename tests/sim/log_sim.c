/*
 * log_sim: the write-ahead log, in one thread, over a disk that loses power.
 *
 * A history is a few lives of one log. In a life the production code, unchanged, opens the log (recovery), random
 * records are appended, batches sent and completed in any order, and at a random moment the power goes, or only the
 * process; also in the middle of recovery, of preparing a segment, of cutting a torn tail. Some operations fail. After
 * each crash:
 *
 *   - the log opens, or says that the disk failed; a sound log is never refused                                 [I7]
 *   - what it replays is, byte for byte, the beginning of what was appended                                     [I4]
 *   - nothing that was reported durable is missing, and durable_lsn never went back                         [I2, I3]
 *   - a failed write or flush was the last word: nothing became durable after it                                [I6]
 *   - a full disk was no failure                                                                              [I5]
 *
 * On a copy of the disk, a block that was never durable is put back over one that was: the log must refuse, or not
 * differ. On another, a bit is flipped: the log must refuse, or still have all that was vouched for.              [I7]
 *
 * Four bugs can be planted (--canary) and must then be found; without --canary each of them is, before the real run:
 *   early-ack        what was sent counts as durable
 *   forgotten-flush  the log is written without flushing it
 *   no-chain         recovery does not see that a block follows another history
 *   early-vouch      what is durable counts as vouched for, without a heartbeat
 *
 * usage: log_sim [--seconds N | --crashes N] [--seed N] [--canary NAME|all]
 * History k of a run has the seed N + k, so that a violation is repeated by the command it prints.
 */
#include <base/check.h>
#include <base/hash.h>
#include <getopt.h>
#include <inttypes.h>
#include <log/wal.h>
#include <sim/sim_disk.h>
#include <sim/sim_ghost.h>
#include <sim/sim_records.h>
#include <sim/sim_region.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define LIVES_MAX            8
#define STEPS_MAX            48
#define CANARY_CRASHES_MAX   200000
#define HISTORY_RECORDS_MAX  400
#define SEGMENT_BLOCKS_LEAST 5 /* header, and a batch of 4 KiB with one more record of the widest */

enum canary {
	CANARY_NONE,
	CANARY_EARLY_ACK,
	CANARY_FORGOTTEN_FLUSH,
	CANARY_NO_CHAIN,
	CANARY_EARLY_VOUCH,
	CANARY_ALL,
};

static const char *const canary_names[] = {"none", "early-ack", "forgotten-flush", "no-chain", "early-vouch", "all"};

struct history {
	struct prng prng;
	struct sim_disk *disk;
	struct sim_disk *copy; /* where the ghost returns */
	struct sim_ghost ghost;
	struct sim_records records;
	struct clock clock;
	uint64_t now_ms;
	struct wal_options options;
	enum canary canary;
	uint64_t reported; /* highest lsn that somebody was told is durable */
	uint64_t vouched;  /* up to here damage must be refused */
	char violation[512];
};

struct totals {
	uint64_t crashes;
	uint64_t records;
	uint64_t recoveries_cut; /* that ended in the middle */
	uint64_t ghosts;
	uint64_t full; /* steps with no space left for the log */
	uint64_t flips;
	uint64_t refusals; /* of logs with a flipped bit */
};

__attribute__((format(printf, 2, 3))) static bool violated(struct history *history, const char *format, ...)
{
	if (history->violation[0] == '\0') {
		va_list arguments;
		va_start(arguments, format);
		vsnprintf(history->violation, sizeof history->violation, format, arguments);
		va_end(arguments);
	}
	return false;
}

static uint64_t sim_wall_ms(void *context)
{
	return ++((struct history *)context)->now_ms;
}

static uint64_t sim_monotonic_ns(void *context)
{
	return ((struct history *)context)->now_ms * 1000000;
}

/* What a log replays while it opens, compared with what was appended. Whether a difference matters is known only in the
 * end: a log that is refused may have replayed anything. */
struct comparison {
	const struct sim_records *records;
	uint64_t replayed;
	uint64_t different_lsn; /* the first that is not as appended; 0: none */
};

static bool on_replay(void *context, const struct record *record, uint64_t lsn, struct error *error)
{
	(void)error;
	struct comparison *comparison = context;
	const bool same = lsn == comparison->replayed + 1 && sim_records_match(comparison->records, lsn, record);
	if (!same && comparison->different_lsn == 0) {
		comparison->different_lsn = lsn;
	}
	comparison->replayed = lsn;
	return true;
}

/* An opened log must hold the beginning of what was appended, and all that was reported. */
static void compare(struct history *history, const struct comparison *comparison, const struct wal_recovery *found,
		    const char *when)
{
	if (comparison->different_lsn != 0) {
		violated(history, "%s lsn %" PRIu64 " is not the record that was appended", when,
			 comparison->different_lsn);
	}
	if (found->last_lsn != comparison->replayed) {
		violated(history, "%s %" PRIu64 " records were replayed, but the last lsn is %" PRIu64, when,
			 comparison->replayed, found->last_lsn);
	}
	if (found->last_lsn < history->reported) {
		violated(history, "%s lsn %" PRIu64 " was reported durable, but the log ends with %" PRIu64, when,
			 history->reported, found->last_lsn);
	}
}

/* Opens the log and compares it with what was appended. NULL if the disk failed, or on a violation. */
static struct wal *open_log(struct history *history)
{
	struct sim_disk *disk = history->disk;
	const uint64_t failures = disk->failures;
	struct wal *wal;
	struct wal_recovery found;
	struct error error = {0};
	struct comparison comparison = {.records = &history->records};
	if (!wal_open(&wal, &history->options, &disk->port, &history->clock, on_replay, &comparison, &found, &error)) {
		const bool excused = (error.code == ERROR_IO || error.code == ERROR_NO_SPACE) &&
				     (disk->powerless || disk->failures != failures);
		if (!excused) {
			violated(history, "a sound log was refused: %s", error.text);
		}
		return NULL;
	}
	compare(history, &comparison, &found, "after recovery");
	if (wal_durable_lsn(wal) != found.last_lsn) {
		violated(history, "durable_lsn starts at %" PRIu64 " instead of %" PRIu64, wal_durable_lsn(wal),
			 found.last_lsn);
	}
	if (history->violation[0] != '\0') {
		wal_close(wal);
		return NULL;
	}
	sim_records_cut(&history->records, found.last_lsn);
	history->reported = found.last_lsn;
	return wal;
}

static void report(struct history *history, const struct wal *wal, bool failed_before)
{
	const uint64_t durable = wal_durable_lsn(wal);
	if (durable < history->reported && history->canary != CANARY_EARLY_ACK) {
		violated(history, "durable_lsn went back from %" PRIu64 " to %" PRIu64, history->reported, durable);
	}
	if (failed_before && durable != history->reported && history->canary != CANARY_EARLY_ACK) {
		violated(history, "durable_lsn moved to %" PRIu64 " after the log had failed", durable);
	}
	if (durable > history->records.count) {
		violated(history, "durable_lsn %" PRIu64 " is beyond what was appended", durable);
	}
	history->reported = durable > history->reported ? durable : history->reported;
}

static void append_one(struct history *history, struct wal *wal)
{
	if (!wal_has_room(wal) || history->records.count >= HISTORY_RECORDS_MAX) {
		return;
	}
	const struct record record = sim_records_add(&history->records, &history->prng);
	const uint64_t lsn = wal_append(wal, &record);
	if (lsn != history->records.count || wal_appended_lsn(wal) != lsn) {
		violated(history, "record %" PRIu64 " got lsn %" PRIu64, history->records.count, lsn);
	}
}

/* Time passes, more or less of it; a full disk may have space again. */
static void rest(struct history *history, struct wal *wal)
{
	history->now_ms += prng_below(&history->prng, 120) * (prng_one_in(&history->prng, 4) ? 16 : 1);
	if (prng_one_in(&history->prng, 4)) {
		history->disk->space = UINT64_MAX;
	}
	wal_rest(wal, history->now_ms * 1000000);
}

static void live(struct history *history, struct wal *wal, struct totals *totals)
{
	struct error error;
	const uint32_t steps = prng_below(&history->prng, STEPS_MAX);
	for (uint32_t i = 0; i < steps && history->violation[0] == '\0'; i++) {
		const bool failed = wal_failed(wal, NULL);
		const uint32_t draw = prng_below(&history->prng, 10);
		if (draw < 3) {
			append_one(history, wal);
		} else if (draw >= 8) {
			rest(history, wal);
		} else if (draw < 5) {
			wal_pump(wal);
			if (history->canary == CANARY_EARLY_ACK && !failed) {
				history->reported = wal_appended_lsn(wal);
			}
		} else {
			sim_disk_step(history->disk);
		}
		report(history, wal, failed);
		totals->full += wal_space(wal) == WAL_SPACE_NONE;
		if (wal_failed(wal, &error) && error.code == ERROR_NO_SPACE) {
			violated(history, "the log failed for lack of space");
		}
	}
}

static void crash(struct history *history, struct wal *wal, struct totals *totals)
{
	struct sim_disk *disk = history->disk;
	if (wal != NULL && prng_one_in(&history->prng, 2)) {
		sim_ghost_see(&history->ghost, disk);
	}
	/* A process that dies alone leaves what it wrote in the cache; after a failed flush nobody knows what that is
	 * worth, so that case is a matter of not reading it back, which this cache cannot show. */
	const bool killed = disk->failures == 0 && prng_one_in(&history->prng, 4);
	(killed ? sim_disk_kill : sim_disk_crash)(disk);
	if (wal != NULL) {
		history->vouched = history->canary == CANARY_EARLY_VOUCH ? wal_durable_lsn(wal) : wal_vouched_lsn(wal);
		wal_close(wal);
	}
	totals->crashes++;
}

/* The ghost returns on a copy of the disk. Whatever is not refused must be what was appended. */
static void haunt(struct history *history, struct totals *totals)
{
	sim_disk_copy(history->copy, history->disk);
	if (!sim_ghost_return(&history->ghost, history->copy)) {
		return;
	}
	totals->ghosts++;
	if (history->canary == CANARY_NO_CHAIN) {
		sim_mend_chain(history->copy);
	}
	struct wal *wal;
	struct wal_recovery found;
	struct error error = {0};
	struct comparison comparison = {.records = &history->records};
	if (wal_open(&wal, &history->options, &history->copy->port, &history->clock, on_replay, &comparison, &found,
		     &error)) {
		compare(history, &comparison, &found, "with a returned block");
		wal_close(wal);
	}
}

/* A bit of a copy of the disk flips. Whatever is not refused must be what was appended, up to what was vouched for. */
static void rot(struct history *history, struct totals *totals)
{
	sim_disk_copy(history->copy, history->disk);
	struct sim_file *files = history->copy->files;
	uint32_t chosen = prng_below(&history->prng, 8);
	while (chosen < SIM_FILES_MAX && files[chosen].size == 0) {
		chosen++;
	}
	if (chosen == SIM_FILES_MAX) {
		return;
	}
	struct sim_file *file = &files[chosen];
	const uint64_t at = prng_below(&history->prng, (uint32_t)file->size);
	const uint8_t flipped = file->cache[at] ^ (uint8_t)(1u << prng_below(&history->prng, 8));
	sim_file_patch(file, at, &flipped, 1);
	totals->flips++;
	struct wal *wal;
	struct wal_recovery found;
	struct error error = {0};
	struct comparison comparison = {.records = &history->records};
	if (!wal_open(&wal, &history->options, &history->copy->port, &history->clock, on_replay, &comparison, &found,
		      &error)) {
		totals->refusals++;
		return;
	}
	if (comparison.different_lsn != 0) {
		violated(history, "with a flipped bit lsn %" PRIu64 " is not the record that was appended",
			 comparison.different_lsn);
	}
	if (found.last_lsn < history->vouched) {
		violated(history,
			 "with a flipped bit at %s + %" PRIu64 " lsn %" PRIu64
			 " was vouched for, but the log ends with %" PRIu64,
			 file->name, at, history->vouched, found.last_lsn);
	}
	wal_close(wal);
}

static void arm(struct history *history)
{
	struct prng *prng = &history->prng;
	if (prng_one_in(prng, 4)) {
		history->disk->power_cut_in = 1 + prng_below(prng, 24);
	} else if (prng_one_in(prng, 8)) {
		history->disk->fail_in = 1 + prng_below(prng, 32);
	} else if (prng_one_in(prng, 8)) {
		history->disk->space = prng_below(prng, 32) * (uint64_t)DISK_ALIGN;
	}
	history->disk->failures = 0;
}

/* One log from its first record to the last life. False on a violation. */
static bool run_history(struct history *history, uint64_t seed, struct totals *totals)
{
	history->prng.state = hash_u64(seed, 0);
	sim_disk_reset(history->disk, hash_u64(seed, 1));
	sim_records_cut(&history->records, 0);
	history->reported = 0;
	history->vouched = 0;
	history->ghost.there = false;
	history->violation[0] = '\0';
	const uint32_t lives = 1 + prng_below(&history->prng, LIVES_MAX);
	for (uint32_t life = 0; life < lives; life++) {
		history->options.segment_size =
		    (SEGMENT_BLOCKS_LEAST + prng_below(&history->prng, 8)) * (uint64_t)DISK_ALIGN;
		arm(history);
		struct wal *wal = open_log(history);
		totals->recoveries_cut += wal == NULL;
		if (wal != NULL) {
			live(history, wal, totals);
		}
		crash(history, wal, totals);
		if (history->ghost.there && history->violation[0] == '\0') {
			haunt(history, totals);
		}
		if (history->violation[0] == '\0') {
			rot(history, totals);
		}
		if (history->violation[0] != '\0') {
			return false;
		}
	}
	totals->records += history->records.count;
	return true;
}

struct run {
	uint64_t seed;
	uint64_t crashes_max;
	uint64_t seconds_max; /* 0: no limit */
};

/* Histories until the run is over or one is violated; returns the seed of that one in *seed. */
static bool run_all(struct history *history, const struct run *run, struct totals *totals, uint64_t *seed)
{
	const struct clock clock = clock_real();
	const uint64_t end_ns = clock_monotonic_ns(&clock) + run->seconds_max * UINT64_C(1000000000);
	for (*seed = run->seed; totals->crashes < run->crashes_max; (*seed)++) {
		if (run->seconds_max != 0 && *seed % 16 == 0 && clock_monotonic_ns(&clock) > end_ns) {
			break;
		}
		if (!run_history(history, *seed, totals)) {
			return false;
		}
	}
	return true;
}

/* Plants a bug; true if it was found. */
static bool run_canary(struct history *history, enum canary canary, uint64_t seed)
{
	const struct run run = {.seed = seed, .crashes_max = CANARY_CRASHES_MAX};
	struct totals totals = {0};
	uint64_t found_seed;
	history->canary = canary;
	history->options.flush = canary != CANARY_FORGOTTEN_FLUSH;
	const bool found = !run_all(history, &run, &totals, &found_seed);
	history->canary = CANARY_NONE;
	history->options.flush = true;
	printf("sim: canary %s %s after %" PRIu64 " crashes%s%s\n", canary_names[canary], found ? "found" : "NOT FOUND",
	       totals.crashes, found ? ": " : "", found ? history->violation : "");
	return found;
}

static bool run_real(struct history *history, const struct run *run)
{
	struct totals totals = {0};
	uint64_t seed;
	const struct clock clock = clock_real();
	const uint64_t start_ns = clock_monotonic_ns(&clock);
	if (!run_all(history, run, &totals, &seed)) {
		printf("sim: VIOLATION, seed %" PRIu64 ": %s\nagain: build/release/sim/log_sim --seed %" PRIu64
		       " --crashes 1\n",
		       seed, history->violation, seed);
		return false;
	}
	const uint64_t took_ms = (clock_monotonic_ns(&clock) - start_ns) / 1000000;
	printf("sim: %" PRIu64 " crashes a second, %" PRIu64 " during recovery, %" PRIu64 " returned blocks, %" PRIu64
	       " steps on a full disk, %" PRIu64 " flipped bits, %" PRIu64 " of them refused, seeds %" PRIu64
	       " to %" PRIu64 "\n",
	       totals.crashes * 1000 / (took_ms + 1), totals.recoveries_cut, totals.ghosts, totals.full, totals.flips,
	       totals.refusals, run->seed, seed - 1);
	printf("sim: %" PRIu64 " crashes, %" PRIu64 " records, 0 violations\n", totals.crashes, totals.records);
	return true;
}

static int usage(void)
{
	fputs("usage: log_sim [--seconds N | --crashes N] [--seed N]\n"
	      "               [--canary early-ack|forgotten-flush|no-chain|early-vouch|all]\n",
	      stderr);
	return 2;
}

static bool parse(int argc, char **argv, struct run *run, enum canary *canary)
{
	static const struct option options[] = {
	    {"seconds", required_argument, NULL, 's'},
	    {"crashes", required_argument, NULL, 'c'},
	    {"seed", required_argument, NULL, 'r'},
	    {"canary", required_argument, NULL, 'b'},
	    {0},
	};
	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		uint64_t number = 0;
		if (option != 'b' && (option == '?' || !span_number(span_of(optarg), UINT64_MAX, &number))) {
			return false;
		}
		if (option == 's') {
			run->seconds_max = number;
		} else if (option == 'c') {
			run->crashes_max = number;
		} else if (option == 'r') {
			run->seed = number;
		} else {
			*canary = CANARY_EARLY_ACK;
			while (*canary <= CANARY_ALL && strcmp(optarg, canary_names[*canary]) != 0) {
				(*canary)++;
			}
		}
	}
	if (run->seconds_max == 0 && run->crashes_max == UINT64_MAX) {
		run->seconds_max = 10;
	}
	return optind == argc && *canary <= CANARY_ALL;
}

int main(int argc, char **argv)
{
	struct run run = {.seed = hash_seed_random() % 1000000000, .crashes_max = UINT64_MAX};
	enum canary canary = CANARY_NONE;
	if (!parse(argc, argv, &run, &canary)) {
		return usage();
	}
	sim_region_use();
	static struct sim_disk disk;
	static struct sim_disk copy;
	sim_disk_init(&disk, 0);
	sim_disk_init(&copy, 0);
	struct history history = {
	    .disk = &disk,
	    .copy = &copy,
	    .clock = {.wall_ms = sim_wall_ms, .monotonic_ns = sim_monotonic_ns},
	    .options = {.batch_size = DISK_ALIGN, .appenders = 1, .flush = true},
	};
	history.clock.context = &history;
	sim_records_init(&history.records);

	bool passed = true;
	for (enum canary each = CANARY_EARLY_ACK; each < CANARY_ALL; each++) {
		if (canary == CANARY_NONE || canary == CANARY_ALL || canary == each) {
			passed = run_canary(&history, each, run.seed) && passed;
		}
	}
	if (canary == CANARY_NONE) {
		passed = run_real(&history, &run) && passed;
	}
	sim_records_fini(&history.records);
	sim_ghost_fini(&history.ghost);
	sim_disk_fini(&copy);
	sim_disk_fini(&disk);
	return passed ? 0 : 1;
}
