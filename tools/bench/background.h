/*
 * background: the two services that run beside the bookings, as loads of their own connections.
 *
 * availability    stands for the service that opens hours and removes past ones: opens a day of hours of many
 *                 psychologists, purges it, goes on to the next day. Days go forward from 2001-01-01, since what was
 *                 purged stays purged; on a server that has purged further already it starts there.
 * calendar sync   what slotd-calsync asks for: says that a psychologist whose slot was raced for is busy then, lists the day
 *                 and looks at that slot. What it is told is checked, too: a conflict, and exactly that slot is
 *                 booked, by the winner.
 *
 * Each goes on all the time at `rate` operations a second, or as fast as the server answers. An answer that should not
 * be fails the run.
 *
 * Threads: start and stop the main thread; each load has its own.
 */
#pragma once

#include <bench/connection.h>
#include <bench/ledger.h>
#include <bench/report.h>
#include <pthread.h>
#include <semaphore.h>

struct load {
	struct background *background; /* const */
	const char *name;
	pthread_t thread;
	/* owned by the load's thread until it is joined */
	struct connection connection;
	uint64_t due_ns;      /* when the next step may start */
	uint64_t requests[2]; /* by kind: OPEN and PURGE; BUSY, and SLOTS and SLOT */
	uint64_t slots[2];    /* that were opened and purged */
	uint16_t day;         /* availability: the day to open next */
	uint32_t race;        /* calendar sync: the race to look at next */
	uint64_t generation;  /* the same: of the last BUSY */
};

struct background {
	/* const after background_start */
	const struct ledger *ledger;
	struct report *report;
	const struct address *address;
	uint32_t rate;
	uint32_t timeout_ms;
	int stop;      /* an eventfd: readable once the loads are to end */
	sem_t started; /* posted by each load after its first step */
	uint64_t start_ns;
	struct load availability;
	struct load sync;
};

/* Starts both loads and returns when each has done its first work, so that whatever follows has them beside it. */
bool background_start(struct background *background, const struct ledger *ledger, struct report *report,
		      const struct address *address, uint32_t rate, uint32_t timeout_ms, struct error *error);
/* Ends both loads and prints what they did. */
void background_stop(struct background *background);
