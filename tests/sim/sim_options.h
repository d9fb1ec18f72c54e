/*
 * sim_options: the command line of a simulator.
 *
 * Threads: one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct sim_options {
	uint64_t seconds; /* 0: no limit */
	uint64_t crashes; /* UINT64_MAX: no limit */
	uint64_t seed;
	uint32_t processes;
	/* The bugs to plant, from one number to before another; and whether the real run follows. */
	uint32_t canary_first;
	uint32_t canary_end;
	bool real;
};

/* `canaries`: the names of the bugs; number 0 is "none", the real run alone. Without --canary each is planted before the real
 * run, with `all` each without it. If neither is limited, it is for 10 seconds. False, having said what is allowed: these are
 * other words. */
bool sim_options_read(struct sim_options *options, int argc, char **argv, const char *const *canaries, uint32_t count);
