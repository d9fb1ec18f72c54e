/*
 * handoff: how a new connection gets to a worker other than the one that accepted it.
 *
 * All workers accept from the same sockets, and the kernel wakes the same one for nearly every connection. So whoever accepts
 * one gives it to the worker that has fewest.
 *
 * Threads: give and waiting any; the others its worker's.
 */
#pragma once

#include <base/bytes.h>
#include <base/lock.h>
#include <stdbool.h>
#include <stdint.h>

/* Zero-initialised is closed. */
struct handoff {
	/* shared: written by its worker, under lock from open to close. Release, pairs with handoff_give: the lock is there */
	_Atomic bool open;
	/* shared: written under lock; how many wait to be taken */
	_Atomic uint32_t waiting;
	/* guarded by lock */
	struct lock lock;
	struct buffer descriptors; /* ints, the last first */
};

void handoff_open(struct handoff *handoff);
/* No more are taken; those that wait are closed. */
void handoff_close(struct handoff *handoff);

/* The descriptor is the worker's from here on, who is to be woken; false: it takes none. */
bool handoff_give(struct handoff *handoff, int descriptor);
/* One that was given; false: there is none. */
bool handoff_take(struct handoff *handoff, int *descriptor);
/* How many will be taken soon: a guess. */
uint32_t handoff_waiting(const struct handoff *handoff);
