/*
 * crew: one job done by several threads at once, each taking the next part of it.
 *
 * A job must be done in the end by however many do it, by one, too: a simulator has one, and so has who cannot start more.
 *
 * Threads: any; whoever calls crew_run is one of the crew.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define CREW_MAX 16

/* How many the processors this process may run on are, at most CREW_MAX. */
uint32_t crew_size(void);

/* Takes parts until there are none left. */
typedef void crew_work_f(void *context);

/* Calls `work` on this thread and on up to size - 1 others, which end with it. Returns when all have: what they did happened
 * before. */
void crew_run(uint32_t size, crew_work_f *work, void *context);

/* The numbers 1 .. last, dealt out in parts. */
struct crew_parts {
	uint32_t last;
	_Atomic uint64_t done;
};
/* The next part, first .. last. False: there is none left. */
bool crew_take_part(struct crew_parts *parts, uint32_t *first, uint32_t *last);
