/*
 * memory: the budget that `maxmemory` sets, and address space reserved under it.
 *
 * What holds slots, sessions and tokens takes its bytes from one budget: a fixed price a record, index cells included,
 * from when it is taken to when it is given back. A region is a contiguous piece of address space, reserved once and
 * made usable step by step from its start, so that records never move and a number is an address. Reserving costs no
 * memory.
 *
 * "A BOOK on an open slot never fails for memory" [I5]: OPEN promises, beside what it takes, what the booking of that
 * slot will take (a session, a client token). A promise counts as used, so one number bounds both; who redeems it first
 * takes with memory_force, which does not refuse, and then gives the promise up. slot/table.h says who does what.
 *
 * Threads: any; the counters are atomic and relaxed, since they only bound and order nothing.
 */
#pragma once

#include <base/error.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memory {
	/* const after memory_init */
	uint64_t limit; /* bytes, the option `maxmemory` */
	/* shared: all threads */
	_Atomic uint64_t used;     /* bytes taken and promised: what the limit bounds */
	_Atomic uint64_t promised; /* how many of them are promises */
};

void memory_init(struct memory *memory, uint64_t limit);

/* Nothing is taken or promised any more: whoever had it has been thrown away. */
void memory_clear(struct memory *memory);

/* Takes `bytes` if used + bytes stays within the limit; also when several threads ask at once. */
bool memory_take(struct memory *memory, uint64_t bytes);
/* Takes `bytes` whatever the limit says; redeems a promise, or obeys the log. */
void memory_force(struct memory *memory, uint64_t bytes);
void memory_give(struct memory *memory, uint64_t bytes);

/* Sets `bytes` aside for a later memory_force, if the limit allows. */
bool memory_promise(struct memory *memory, uint64_t bytes);
/* Sets them aside whatever the limit says: a slot that was freed is bookable again. */
void memory_promise_again(struct memory *memory, uint64_t bytes);
/* Ends a promise: it was used, or is not needed any more. */
void memory_redeem(struct memory *memory, uint64_t bytes);

/* Address space reserved for each kind of record is for this many times what the limit could hold of it alone. Promises
 * that are renewed (above) and a smaller maxmemory after a restart may go past the limit, but not past this. */
#define MEMORY_ADDRESS_FACTOR 2

struct region {
	/* const after region_reserve */
	uint8_t *base;
	size_t size;
	bool sparse; /* most of it will never be touched: no huge pages. Set before the first region_commit */
	bool
	    unready; /* not used in order of addresses, or made ready by who does so: nothing is ahead. Set as sparse */
	/* owned by: whoever grows the region, under its own lock */
	size_t committed;
};

/* So much of a region is committed beyond what was asked for, and made ready (base/ready.h), once that fills huge pages. */
#define REGION_AHEAD ((size_t)512 << 10)

/* Reserves `size` bytes of address space (rounded up to pages) without using memory. */
bool region_reserve(struct region *region, size_t size, struct error *error);
/* Makes the first `size` bytes usable, zero-filled where new, and the next ones ready. False if the kernel refuses or the
 * region is smaller. */
bool region_commit(struct region *region, size_t size);
void region_release(struct region *region);
