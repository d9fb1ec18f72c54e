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
#include <inttypes.h>
#include <sim/sim_log.h>
#include <sim/sim_options.h>
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

static bool run_real(const struct sim_options *options)
{
	sim_log_init(&history, SIM_BUG_NONE);
	struct sim_crew crew = crew_of(options->seed, options->processes);
	crew.seconds = options->seconds;
	crew.count_limit = options->crashes;
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
	       counts->points * 1000 / (crew.took_ms + 1), options->processes,
	       counts->points * 1000 / (crew.used_ms + 1), crew.histories, options->seed);
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

/* Plants the bugs; true if each was found. */
static bool run_canaries(const struct sim_options *options)
{
	bool found = true;
	for (uint32_t bug = options->canary_first; bug < options->canary_end; bug++) {
		found = run_canary(bug, options->seed) && found;
	}
	return found;
}

int main(int argc, char **argv)
{
	struct sim_options options;
	if (!sim_options_read(&options, argc, argv, sim_bug_names, SIM_BUGS)) {
		return 2;
	}
	sim_region_use();
	return run_canaries(&options) && (!options.real || run_real(&options)) ? EXIT_SUCCESS : EXIT_FAILURE;
}
