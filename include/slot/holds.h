/*
 * holds: which sessions are held, by when they are over and by client, so that nobody has to search the table for them.
 *
 * What is held is said by the table alone; this is a list beside it. A hold that is over is so whether anybody tidied up here
 * or not, and an entry too many (of a session that was purged) goes when its time has come.
 *
 *   heap      entries by expiry, the first to be over on top
 *   buckets   chains of entries by client: for the limit of live holds, and to find an entry by its session
 *
 * Room is settled before the claim [I5]: holds_reserve counts the entry, holds_begin fills it in between the append and the
 * settling of the session, before anybody else can change it.
 *
 * Threads: any. One lock, a leaf, guards everything; it is taken for holds alone, never for a plain BOOK.
 */
#pragma once

#include <base/lock.h>
#include <base/memory.h>

struct hold;

struct holds {
	/* const after holds_init */
	struct memory *memory;
	uint32_t count_max; /* options holds-max and holds-per-client */
	uint32_t per_client_max;
	uint32_t capacity;
	uint32_t bucket_mask;
	/* guarded by lock */
	struct lock lock;
	struct hold *holds; /* numbers from 1 */
	uint32_t *heap;
	uint32_t *buckets;
	uint32_t used;       /* numbers that ever were anybody's */
	uint32_t free;       /* a chain of those given back */
	uint32_t count;      /* reserved, or in the heap */
	uint32_t heap_count; /* in the heap */
};

/* What an entry takes from the budget, its places in heap and buckets included. Bytes. */
#define HOLDS_BYTES_PER_HOLD 48

/* Room for `held` entries that are there already or for count_max, whichever is more; the kernel gives memory as it is used.
 * `memory` is borrowed. */
bool holds_init(struct holds *holds, struct memory *memory, uint32_t count_max, uint32_t per_client_max, uint32_t held,
		struct error *error);
void holds_fini(struct holds *holds);

enum holds_room {
	HOLDS_ROOM,
	HOLDS_CLIENT_FULL, /* the client has as many live ones as any may have */
	HOLDS_FULL,        /* there are as many as there may be, those included that are over and not tidied up yet */
	HOLDS_NO_MEMORY,
};

/* An entry for a claim that is to come; counts among the client's from now on. `ending`: so many of the client's live ones end
 * together with it (serve/group.h), and do not count. */
enum holds_room holds_reserve(struct holds *holds, uint32_t client, uint32_t ending, uint64_t now_ms, uint32_t *hold);
/* The claim was lost. */
void holds_release(struct holds *holds, uint32_t hold);
/* The claim was won. */
void holds_begin(struct holds *holds, uint32_t hold, uint64_t session, uint64_t expires_ms);
/* A session that is held already, at start: whatever the limits say. There is room: holds_init was told. */
void holds_restore(struct holds *holds, uint32_t client, uint64_t session, uint64_t expires_ms);

/* The session's hold is over at another time; it is held no more. Nothing, if there is no entry for it. */
void holds_renew(struct holds *holds, uint32_t client, uint64_t session, uint64_t expires_ms);
void holds_end(struct holds *holds, uint32_t client, uint64_t session);

/* The first that is over by now. False if none is. */
bool holds_due(struct holds *holds, uint64_t now_ms, uint32_t *client, uint64_t *session);

/* CHECKs that heap, chains and counts agree. For tests. */
void holds_check(struct holds *holds);
