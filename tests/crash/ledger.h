/*
 * ledger: what clients were told about a few slots, and whether the server still stands by it after a crash.
 *
 * Clients write down what they ask before they send it and what they were told when the answer is there; of one slot, a
 * client asks nothing new before it has its answer. So the ledger knows of each slot:
 *
 *   - the holder: whose booking was acknowledged last, with its id, and whether its cancel is under way (its answer may
 *     never come, so afterwards it may hold or be free)
 *   - who asked to book it and has no answer (may hold it afterwards)
 *   - whether somebody was told TAKEN while no cancel was under way: then the booking that stood in the way must still
 *     be there, even if its own client was never answered [I2]
 *
 * What is counted: lost - an acknowledged booking, or one a loser was told of, is gone; doubled - two clients hold a
 * slot, or an id was given out twice; ghosts - a booking nobody asked for.
 *
 * Threads: any; each slot has its lock. ledger_verify: nobody else.
 */
#pragma once

#include "journal.h"
#include <base/lock.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define LEDGER_CLIENTS 32
#define LEDGER_SLOTS   256 /* a power of two */
#define LEDGER_NOBODY  (-1)

struct ledger_slot {
	struct lock lock;
	int holder;  /* or LEDGER_NOBODY */
	uint64_t id; /* 0: won by CLAIM, which does not tell */
	bool cancelling;
	uint64_t cancelled_id; /* of the last cancel that was acknowledged */
	uint32_t cancels_sent;
	uint32_t cancels_done;
	bool occupied;       /* somebody was told TAKEN, and no cancel was sent since */
	uint32_t told_taken; /* by whom: a bit for each client */
	uint32_t asking;     /* bookings without an answer: a bit for each client */
};

struct ledger {
	struct journal *journal; /* or NULL: gets every step; of a slot, in the order they were taken here */
	struct ledger_slot slots[LEDGER_SLOTS];
	/* relaxed: only counts, read when the threads are gone */
	_Atomic uint64_t claims; /* that were answered: won or lost */
	_Atomic uint64_t won;
	_Atomic uint64_t cancels;
	_Atomic uint64_t lost;
	_Atomic uint64_t doubled;
	_Atomic uint64_t ghosts;
};

void ledger_init(struct ledger *ledger);
void ledger_fini(struct ledger *ledger);
/* The slots are nobody's again: the log starts anew. The counts go on. */
void ledger_forget(struct ledger *ledger);
/* What is said of the slots becomes what `source` says of them. The counts go on. */
void ledger_copy(struct ledger *ledger, struct ledger *source);

enum ledger_verb {
	LEDGER_BOOK,   /* expects an id or TAKEN */
	LEDGER_CANCEL, /* of `id` */
};

/* One request, from before it is sent until it is answered. */
struct ledger_entry {
	uint32_t slot;
	int client;
	enum ledger_verb verb;
	uint64_t id;           /* of the booking the client has */
	bool mine;             /* the client has the slot, as it was told */
	bool quiet;            /* no cancel was under way */
	uint32_t cancels_sent; /* then */
};

/* Writes down that this client is about to ask: to book, or, if it has the slot and `give_up`, to cancel. */
struct ledger_entry ledger_ask(struct ledger *ledger, uint32_t slot, int client, bool give_up);

/* Writes down the answer. */
void ledger_won(struct ledger *ledger, const struct ledger_entry *entry, uint64_t id); /* id 0: CLAIM's :1 */
void ledger_taken(struct ledger *ledger, const struct ledger_entry *entry);
void ledger_cancelled(struct ledger *ledger, const struct ledger_entry *entry);
/* It was not executed, and never will be. */
void ledger_refused(struct ledger *ledger, const struct ledger_entry *entry);

/* After the restart: holds what is there now against what was said, and goes on from there. `client` is who has the slot,
 * or LEDGER_NOBODY. */
void ledger_verify(struct ledger *ledger, uint32_t slot, int client, uint64_t id);
