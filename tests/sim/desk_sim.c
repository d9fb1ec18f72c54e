/*
 * desk_sim: desk, gates and log in one thread, over a disk that loses power: what anybody was told must still be true.
 *
 * A history is a few lives of one server. In a life, random commands for few slots of a few days come over a few
 * connections; the production desk executes them, their replies wait in production gates, batches are sent and completed,
 * days pass and are purged, and at a random moment the power goes, or only the process; now and then a snapshot is written
 * beside the commands, step by step, and the power may go in the middle of a step, too. The model executes the same commands
 * in the same order and must answer the same, also to readers. The simulation says, on its own, on which record each answer
 * depends: the last one that changed a slot asked about. After each crash:
 *
 *   - every reply that had left its gate depends on records that were recovered: winners, losers, readers     [I2]
 *   - the table is what the model makes of the recovered commands, slot by slot and session by session    [I1, I4]
 *   - whoever has a slot and asks again gets the same id                                                     [I10]
 *
 * Ten bugs can be planted (--canary) and must then be found; without --canary each of them is, before the real run:
 *   eager-gate       replies leave without waiting
 *   losers-at-once   only replies to changes wait
 *   lost-cancel      replay skips cancellations
 *   lost-status      replay skips what else becomes of sessions
 *   lost-move        replay skips sessions that go to another slot
 *   lost-busy        replay skips what calendars say
 *   lost-purge       replay skips purges
 *   revived-hold     the hold clock goes back with the wall clock
 *   lost-redo        replay skips the records that a snapshot may have or not
 *   half-group       replay applies only the first member of a group
 *
 * usage: desk_sim [--seconds N] [--crashes N] [--seed N] [--processes N] [--canary NAME|all]
 * A run ends with the first that is reached, without either after 10 seconds.
 * History k of a run has the seed N + k, so that a violation is repeated by the command it prints.
 */
#include <inttypes.h>
#include <sim/sim_history.h>
#include <sim/sim_options.h>
#include <sim/sim_region.h>
#include <stdio.h>
#include <stdlib.h>

#define CANARY_CRASHES_MAX 20000

static struct sim_history history; /* some hundred KiB */

static bool run_history(void *context, uint64_t seed)
{
	return sim_history_run(context, seed);
}

static struct sim_crew crew_of(uint64_t seed, uint32_t processes)
{
	return (struct sim_crew){
	    .run = run_history,
	    .context = &history,
	    .violation = history.violation,
	    .counts = &history.counts.crashes,
	    .count_size = sizeof history.counts / sizeof(uint64_t),
	    .processes = processes,
	    .seed = seed,
	};
}

static bool find_canary(enum sim_canary canary, uint64_t seed)
{
	struct sim_crew crew = crew_of(seed, 1);
	crew.count_limit = CANARY_CRASHES_MAX;
	history.canary = canary;
	const bool found = !sim_crew_run(&crew);
	printf("canary %s: %s %" PRIu64 " crashes", sim_canary_names[canary], found ? "found after" : "NOT found in",
	       history.counts.crashes);
	if (found) {
		printf(": %s\nagain: desk_sim --canary %s --seed %" PRIu64, history.violation, sim_canary_names[canary],
		       crew.violated_seed);
	}
	putchar('\n');
	return found;
}

static bool simulate(const struct sim_options *options)
{
	struct sim_crew crew = crew_of(options->seed, options->processes);
	crew.seconds = options->seconds;
	crew.count_limit = options->crashes;
	history.canary = CANARY_NONE;
	if (!sim_crew_run(&crew)) {
		printf("VIOLATION: %s\nagain: desk_sim --canary none --crashes 1 --processes 1 --seed %" PRIu64 "\n",
		       history.violation, crew.violated_seed);
		return false;
	}
	const struct sim_counts *counts = &history.counts;
	printf("sim: %" PRIu64 " crashes of the desk (%" PRIu64 " a second on %" PRIu32 " cores, %" PRIu64
	       " in a second of each), 0 violations; %" PRIu64 " snapshots written, %" PRIu64 " starts from one\n",
	       counts->crashes, counts->crashes * 1000 / (crew.took_ms + 1), options->processes,
	       counts->crashes * 1000 / (crew.used_ms + 1), counts->snapshots, counts->loaded);
	return true;
}

int main(int argc, char **argv)
{
	struct sim_options options;
	if (!sim_options_read(&options, argc, argv, sim_canary_names, CANARIES)) {
		return 2;
	}
	sim_region_use();
	sim_disk_init(&history.disk, options.seed);
	for (uint32_t canary = options.canary_first; canary < options.canary_end; canary++) {
		if (!find_canary(canary, options.seed)) {
			return EXIT_FAILURE;
		}
	}
	const bool passed = !options.real || simulate(&options);
	sim_disk_fini(&history.disk);
	return passed ? EXIT_SUCCESS : EXIT_FAILURE;
}
