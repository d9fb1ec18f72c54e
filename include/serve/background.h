/*
 * background: what of a worker's loop goes to what can wait [I8].
 *
 * A booking, and a read that is over at once, is executed as soon as it has come. What can wait has turns instead: requests of
 * the classes hours and sync, and every request that takes several slices. Their connections queue by class and are
 * served once a loop, behind the bookings that came with it and before the commit that takes them along: reads, then
 * hours, then sync, until background-slice is over; of each class at least one slice, so that none waits for ever. Those
 * of one class take turns.
 *
 * Then they rest: while others ask for something, for background-rest times as long as they had. So a booking waits for
 * background-slice and three slices more at most, however many connections sync or open hours, a commit carries no more of
 * theirs than that time appends, and most of the processor is left to those who book and to the kernel that flushes for
 * them. A worker with nothing else to do goes on without a rest.
 *
 *   conn_step: a request out of turn --add--> queued --run: its turn--> executes; more to do? --add--> queued
 *
 * Threads: a worker's own.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct conn;
struct worker;

/* In the order they are served. */
enum background_class {
	BACKGROUND_READ,  /* what takes several slices and is neither of the others */
	BACKGROUND_HOURS, /* and a step of the availability service */
	BACKGROUND_SYNC,
	BACKGROUND_CLASSES,
};

/* Zero-initialised is empty. */
struct background {
	struct conn *first[BACKGROUND_CLASSES];
	struct conn *last[BACKGROUND_CLASSES];
	struct conn *running; /* whose turn it is, or NULL */
	bool granted;         /* it may have one slice whatever the time */
	bool hours;           /* worker 0: the availability service has a step to do, in a turn of that class */
	uint64_t until_ns;    /* monotonic; when this loop's share is over */
	uint64_t others_ns;   /* the same; when something was last executed that cannot wait */
	uint64_t resume_ns;   /* the same; when there is another */
};

bool background_pending(const struct background *background);

/* Nanoseconds until there is a share again: 0 or more; UINT64_MAX when nothing waits. */
uint64_t background_due(const struct background *background, uint64_t now_ns);

/* Queues the connection, unless it is queued already. */
void background_add(struct background *background, struct conn *conn, enum background_class class);
/* Takes it out, if it is in a queue. */
void background_remove(struct background *background, struct conn *conn);

/* May this connection have a slice now? Asked before each. */
bool background_has_turn(struct worker *worker, const struct conn *conn);

/* So many requests of the connection were executed: somebody is there, unless it was its turn. */
void background_note(struct worker *worker, const struct conn *conn, uint32_t requests);

/* This loop's share: gives turns (conn_go_on). */
void background_run(struct worker *worker);
