/*
 * sim_crew: histories of a simulation, one after the other, in as many processes as there are cores.
 *
 * Process k of n takes the seeds k, k + n, k + 2n, ... behind the first. Each counts for itself; in the end the counts are
 * added up. The first violation ends the run, and so does a process that dies (a CHECK): its seed is known all the same.
 *
 * Threads: one in each process.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SIM_VIOLATION_SIZE 512
#define SIM_PROCESSES_MAX  64

struct sim_crew {
	/* Runs one history, all of it drawn from the seed; false if it violated something, as told by `violation`. */
	bool (*run)(void *context, uint64_t seed);
	/* Called in each process when it has run its histories; may be NULL. */
	void (*end)(void *context);
	void *context;
	char *violation;     /* SIM_VIOLATION_SIZE bytes of the context's */
	uint64_t *counts;    /* the context's; the first is of what is limited by count_limit */
	uint32_t count_size; /* how many numbers they are */

	uint32_t processes;
	uint64_t seed;
	uint64_t seconds;     /* 0: no limit */
	uint64_t count_limit; /* as far as the ends of histories meet it */

	/* results */
	uint64_t histories;
	uint64_t took_ms;
	uint64_t used_ms; /* of processors, all together */
	uint64_t violated_seed;
};

/* True if nothing was violated. Adds what the processes counted to `counts`. */
bool sim_crew_run(struct sim_crew *crew);

/* The cores there are. */
uint32_t sim_crew_cores(void);
