/*
 * load: clients that book and cancel the same few unlisted slots until the server is gone, each answer held against the
 * ledger.
 *
 * Beside them, in every other load, one more asks for a snapshot again and again, so that the end may come while one is
 * written, renamed, or makes old segments unnecessary.
 *
 * A client sends a burst of requests for different slots, then reads the answers. What it asks for follows from the seed;
 * how the clients interleave does not.
 *
 * Threads: started and joined by one; each client is a thread of its own.
 */
#pragma once

#include "ledger.h"
#include <base/bytes.h>
#include <drive/server.h>
#include <pthread.h>

#define LOAD_CLIENTS   8
#define LOAD_BURST_MAX 32

struct load;

struct load_client {
	pthread_t thread;
	struct load *load;
	int number;
	uint64_t step;
};

struct load {
	/* the owner's, unchanged while clients run */
	const struct server *server;
	struct ledger *ledger;
	uint64_t seed;
	/* shared: answers that are none, relaxed, read by the owner when the clients are gone */
	_Atomic uint64_t broken;
	_Atomic uint64_t unknown;   /* that say that the log failed and the outcome is not known, relaxed as well */
	_Atomic uint64_t snapshots; /* that were answered +OK, relaxed as well */
	struct load_client clients[LOAD_CLIENTS];
	pthread_t photographer;
	bool has_photographer;
};

/* Starts the clients. `seed` is for this load alone. */
void load_start(struct load *load, uint64_t seed);
/* Waits for their end, which is that of the server. */
void load_join(struct load *load);

/* The slot's words: psychologist, date, time. */
void load_format_slot(uint32_t slot, char *text, size_t size);
