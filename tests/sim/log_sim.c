/*
 * log_sim: the write-ahead log, in one thread, over a disk that loses power, at as many moments as there is time for.
 *
 * What happens in a history and how it is judged says sim/sim_log.h. Here they are run, on every core, and counted: a run
 * says how often each fault occurred and each decision of recovery was taken, and a long one fails if one of them never
 * was, for then it has not covered what it says.
 *
 * Bugs can be planted (--canary, the names are in sim_log.c) and must then be found; without --canary each of them is,
 * before the real run.
 *
 * usage: log_sim [--seconds N] [--crashes N] [--seed N] [--processes N] [--canary NAME|all]
 * A run ends with the first that is reached, without either after 10 seconds.
 * History k of a run has the seed N + k, so that a violation is repeated by the command it prints.
 */
#include <base/check.h>
#include <base/hash.h>
#include <getopt.h>
#include <inttypes.h>
#include <sim/sim_log.h>
#include <sim/sim_region.h>
#include <stdio.h>
#include <stdlib.h>

#define CANARY_CRASHES_MAX 200000
/* From so many crash points on every fault and every decision must have occurred; the rarest does once in 100,000. */
#define COVERED_CRASHES 2000000

static struct sim_log history; /* with its disks, a few hundred KiB */

static bool run_history(void *context, uint64_t seed)
{
	return sim_log_run(context, seed);
}

static void end_history(void *context)
{
	sim_log_count(context);
}

static struct sim_crew crew_of(uint64_t seed, uint32_t processes)
{
	return (struct sim_crew){
	    .run = run_history,
	    .end = end_history,
	    .context = &history,
	    .violation = history.violation,
	    .counts = &history.counts.points,
	    .count_size = sizeof history.counts / sizeof(uint64_t),
	    .processes = processes,
	    .seed = seed,
	};
}

/* Plants a bug; true if it was found. */
static bool run_canary(enum sim_bug bug, uint64_t seed)
{
	sim_log_init(&history, bug);
	struct sim_crew crew = crew_of(seed, 1);
	crew.count_limit = CANARY_CRASHES_MAX;
	const bool found = !sim_crew_run(&crew);
	printf("sim: canary %s ", sim_bug_names[bug]);
	if (found) {
		printf("found after %" PRIu64 " crashes, seed %" PRIu64 ": %s\n", history.counts.points,
		       crew.violated_seed, history.violation);
		printf("sim:   again: build/release/sim/log_sim --canary %s --seed %" PRIu64 "\n", sim_bug_names[bug],
		       crew.violated_seed);
	} else {
		printf("NOT FOUND in %" PRIu64 " crashes from seed %" PRIu64 " on\n", history.counts.points, seed);
	}
	sim_log_fini(&history);
	return found;
}

static uint32_t print_count(uint64_t count, const char *what)
{
	printf("sim: %12" PRIu64 "  %s\n", count, what);
	return count == 0;
}

/* What was covered. Returns how many things never occurred. */
static uint32_t print_coverage(const struct sim_log_counts *counts)
{
	uint32_t missing = 0;
	for (uint32_t i = 0; i < SIM_EVENTS; i++) {
		missing += print_count(counts->events[i], sim_event_names[i]);
	}
	for (uint32_t i = 0; i < SIM_ROTS; i++) {
		printf("sim: %12" PRIu64 "  %s, %" PRIu64 " refused\n", counts->rots[i], sim_rot_names[i],
		       counts->refused[i]);
		missing += counts->refused[i] == 0;
	}
	missing += print_count(counts->ghosts, "block of another history returned");
	missing += print_count(counts->recoveries_cut, "recovery that failed in the middle");
	missing += print_count(counts->heartbeats_missed, "crash before the heartbeat");
	missing += print_count(counts->hangs, "step in which the disk hung");
	missing += print_count(counts->full, "step on a full disk");
	missing += print_count(counts->trims, "segment removed behind a snapshot");
	return missing + sim_verdicts_print(&counts->verdicts);
}

static bool run_real(uint64_t seconds, uint64_t crashes, uint64_t seed, uint32_t processes)
{
	sim_log_init(&history, SIM_BUG_NONE);
	struct sim_crew crew = crew_of(seed, processes);
	crew.seconds = seconds;
	crew.count_limit = crashes;
	const bool passed = sim_crew_run(&crew);
	const struct sim_log_counts *counts = &history.counts;
	if (!passed) {
		printf("sim: VIOLATION, seed %" PRIu64
		       ": %s\nagain: build/release/sim/log_sim --canary none --seed %" PRIu64
		       " --crashes 1 --processes 1\n",
		       crew.violated_seed, history.violation, crew.violated_seed);
		return false;
	}
	const uint32_t missing = print_coverage(counts);
	printf("sim: %" PRIu64 " crashes a second on %" PRIu32 " cores (%" PRIu64 " in a second of each), %" PRIu64
	       " histories, first seed %" PRIu64 "\n",
	       counts->points * 1000 / (crew.took_ms + 1), processes, counts->points * 1000 / (crew.used_ms + 1),
	       crew.histories, seed);
	printf("sim: %" PRIu64 " crashes, %" PRIu64 " of them without damage: 0 refused; %" PRIu64
	       " records, 0 violations\n",
	       counts->points, counts->sound, counts->records);
	sim_log_fini(&history);
	if (counts->points >= COVERED_CRASHES && missing > 0) {
		printf("sim: NOT COVERED: %" PRIu32 " of the above never occurred\n", missing);
		return false;
	}
	return true;
}

static int usage(void)
{
	fputs("usage: log_sim [--seconds N] [--crashes N] [--seed N] [--processes N] [--canary none|all|", stderr);
	for (enum sim_bug bug = SIM_BUG_NONE + 1; bug < SIM_BUGS; bug++) {
		fprintf(stderr, "%s%s", sim_bug_names[bug], bug + 1 < SIM_BUGS ? "|" : "]\n");
	}
	return 2;
}

/* The bug of that name; SIM_BUGS if there is none. */
static enum sim_bug bug_of(const char *name)
{
	enum sim_bug bug = SIM_BUG_NONE;
	while (bug < SIM_BUGS && strcmp(name, sim_bug_names[bug]) != 0) {
		bug++;
	}
	return bug;
}

/* Plants one bug, or all of them (SIM_BUGS); true if each was found. */
static bool run_canaries(enum sim_bug asked_for, uint64_t seed)
{
	bool found = true;
	for (enum sim_bug bug = SIM_BUG_NONE + 1; bug < SIM_BUGS; bug++) {
		if (asked_for == bug || asked_for == SIM_BUGS) {
			found = run_canary(bug, seed) && found;
		}
	}
	return found;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"seconds", required_argument, NULL, 's'}, {"crashes", required_argument, NULL, 'c'},
	    {"seed", required_argument, NULL, 'r'},    {"processes", required_argument, NULL, 'p'},
	    {"canary", required_argument, NULL, 'b'},  {0},
	};
	uint64_t seconds = 0;
	uint64_t crashes = UINT64_MAX;
	uint64_t seed = hash_seed_random() % 1000000000;
	uint64_t processes = sim_crew_cores();
	const char *canary = NULL;
	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		uint64_t *number = option == 's'   ? &seconds
				   : option == 'c' ? &crashes
				   : option == 'r' ? &seed
						   : &processes;
		if (option == 'b') {
			canary = optarg;
		} else if (option == '?' || !span_number(span_of(optarg), UINT64_MAX, number)) {
			return usage();
		}
	}
	const bool all = canary == NULL || strcmp(canary, "all") == 0;
	const enum sim_bug bug = all ? SIM_BUGS : bug_of(canary);
	const bool known = all || bug != SIM_BUGS;
	if (optind != argc || processes == 0 || processes > SIM_PROCESSES_MAX || !known) {
		return usage();
	}
	sim_region_use();
	if (!run_canaries(bug, seed)) {
		return EXIT_FAILURE;
	}
	if (canary != NULL && bug != SIM_BUG_NONE) {
		return EXIT_SUCCESS;
	}
	seconds = seconds == 0 && crashes == UINT64_MAX ? 10 : seconds;
	return run_real(seconds, crashes, seed, (uint32_t)processes) ? EXIT_SUCCESS : EXIT_FAILURE;
}
