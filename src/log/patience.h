/*
 * patience: notices that the device keeps the log waiting for too long.
 *
 *   patience_look(waits)      once a loop: does the log wait for the device, for a commit or for room?
 *   patience_answered         the device has done something of what the log waits for
 *
 *   idle --waits--> waiting --the limit passes without an answer--> stuck --answered, or nothing to wait for any more--> idle
 *
 * It measures between two calls of the loop and asks no clock, so it costs a commit nothing.
 *
 * Threads: the one that owns the log, but for patience_stuck, which is any thread's.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct patience {
	/* const */
	uint64_t limit_ns; /* 0: without end */
	/* owned by the log's thread */
	bool waiting;
	uint64_t waiting_ns; /* since when */
	/* shared: written by the log's thread, any thread reads; relaxed, since nothing hangs on when it is seen */
	_Atomic uint64_t stuck_since_ns; /* 0: not stuck */
};

/* *since_ns, unless NULL: since when it waits. */
bool patience_stuck(const struct patience *patience, uint64_t *since_ns);

/* Returns when to look again even if nothing happens, WAL_NEVER if that does not matter. */
uint64_t patience_look(struct patience *patience, bool waits, uint64_t now_ns);

void patience_answered(struct patience *patience);
