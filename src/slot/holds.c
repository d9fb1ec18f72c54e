/*
 * holds: see the header. Every function takes the lock, does a few steps of a binary heap or a short chain, and gives it.
 */
#include <assert.h>
#include <base/check.h>
#include <base/hash.h>
#include <slot/holds.h>
#include <stdlib.h>

struct hold {
	uint64_t session;    /* 0: reserved */
	uint64_t expires_ms; /* UINT64_MAX: reserved */
	uint32_t client;
	uint32_t next; /* of its client's bucket, or of those given back */
	uint32_t at;   /* its place in the heap */
};

/* There are less than two buckets for each entry. */
static_assert(sizeof(struct hold) + 3 * sizeof(uint32_t) <= HOLDS_BYTES_PER_HOLD, "one entry, all in all");

bool holds_init(struct holds *holds, struct memory *memory, uint32_t count_max, uint32_t per_client_max, uint32_t held,
		struct error *error)
{
	const uint32_t capacity = held > count_max ? held : count_max;
	uint32_t buckets = 1;
	while (buckets < capacity) {
		buckets *= 2;
	}
	*holds = (struct holds){.memory = memory,
				.count_max = count_max,
				.per_client_max = per_client_max,
				.capacity = capacity,
				.bucket_mask = buckets - 1};
	lock_init(&holds->lock);
	holds->holds = calloc((size_t)capacity + 1, sizeof *holds->holds);
	holds->heap = calloc((size_t)capacity + 1, sizeof *holds->heap);
	holds->buckets = calloc(buckets, sizeof *holds->buckets);
	if (holds->holds == NULL || holds->heap == NULL || holds->buckets == NULL) {
		holds_fini(holds);
		return error_set(error, ERROR_NO_MEMORY, "no memory for holds-max: lower it");
	}
	return true;
}

void holds_fini(struct holds *holds)
{
	lock_fini(&holds->lock);
	free(holds->holds);
	free(holds->heap);
	free(holds->buckets);
	*holds = (struct holds){0};
}

/* ------------------------------------------------------------------------------------------------------------ the heap */

/* Entries stand at 1 .. heap_count; above each one that is over no later. */
static void put_at(struct holds *holds, uint32_t at, uint32_t hold)
{
	holds->heap[at] = hold;
	holds->holds[hold].at = at;
}

static uint64_t expiry_at(const struct holds *holds, uint32_t at)
{
	return holds->holds[holds->heap[at]].expires_ms;
}

/* The entry is at its place, but for the order: moves it up or down. */
static void sift(struct holds *holds, uint32_t hold)
{
	const uint64_t expires_ms = holds->holds[hold].expires_ms;
	uint32_t at = holds->holds[hold].at;
	for (; at > 1 && expiry_at(holds, at / 2) > expires_ms; at /= 2) {
		put_at(holds, at, holds->heap[at / 2]);
	}
	for (uint32_t below = 2 * at; below <= holds->heap_count; below = 2 * at) {
		below += below < holds->heap_count && expiry_at(holds, below + 1) < expiry_at(holds, below);
		if (expiry_at(holds, below) >= expires_ms) {
			break;
		}
		put_at(holds, at, holds->heap[below]);
		at = below;
	}
	put_at(holds, at, hold);
}

static void heap_add(struct holds *holds, uint32_t hold)
{
	CHECK(holds->heap_count < holds->capacity);
	put_at(holds, ++holds->heap_count, hold);
	sift(holds, hold);
}

static void heap_remove(struct holds *holds, uint32_t hold)
{
	const uint32_t at = holds->holds[hold].at;
	const uint32_t last = holds->heap[holds->heap_count--];
	if (last != hold) {
		put_at(holds, at, last);
		sift(holds, last);
	}
}

/* ---------------------------------------------------------------------------------------------------------- the chains */

static uint32_t *bucket_of(const struct holds *holds, uint32_t client)
{
	return &holds->buckets[hash_u64(client, 0) & holds->bucket_mask];
}

static uint32_t take(struct holds *holds, uint32_t client)
{
	uint32_t hold = holds->free;
	if (hold != 0) {
		holds->free = holds->holds[hold].next;
	} else {
		CHECK(holds->used < holds->capacity);
		hold = ++holds->used;
	}
	uint32_t *bucket = bucket_of(holds, client);
	holds->holds[hold] = (struct hold){.expires_ms = UINT64_MAX, .client = client, .next = *bucket};
	*bucket = hold;
	holds->count++;
	return hold;
}

static void give(struct holds *holds, uint32_t hold)
{
	uint32_t *link = bucket_of(holds, holds->holds[hold].client);
	while (*link != hold) {
		CHECK(*link != 0);
		link = &holds->holds[*link].next;
	}
	*link = holds->holds[hold].next;
	holds->holds[hold] = (struct hold){.next = holds->free};
	holds->free = hold;
	holds->count--;
	memory_give(holds->memory, HOLDS_BYTES_PER_HOLD);
}

/* The entry of a session, or 0. */
static uint32_t find(const struct holds *holds, uint32_t client, uint64_t session)
{
	uint32_t hold = *bucket_of(holds, client);
	while (hold != 0 && holds->holds[hold].session != session) {
		hold = holds->holds[hold].next;
	}
	return hold;
}

static uint32_t count_live(const struct holds *holds, uint32_t client, uint64_t now_ms)
{
	uint32_t count = 0;
	for (uint32_t hold = *bucket_of(holds, client); hold != 0; hold = holds->holds[hold].next) {
		count += holds->holds[hold].client == client && holds->holds[hold].expires_ms > now_ms;
	}
	return count;
}

/* ------------------------------------------------------------------------------------------------------ for the others */

enum holds_room holds_reserve(struct holds *holds, uint32_t client, uint32_t ending, uint64_t now_ms, uint32_t *hold)
{
	enum holds_room room = HOLDS_ROOM;
	lock_take(&holds->lock);
	if (count_live(holds, client, now_ms) >= holds->per_client_max + ending) {
		room = HOLDS_CLIENT_FULL;
	} else if (holds->count >= holds->count_max) {
		room = HOLDS_FULL;
	} else if (!memory_take(holds->memory, HOLDS_BYTES_PER_HOLD)) {
		room = HOLDS_NO_MEMORY;
	} else {
		*hold = take(holds, client);
	}
	lock_give(&holds->lock);
	return room;
}

void holds_release(struct holds *holds, uint32_t hold)
{
	lock_take(&holds->lock);
	CHECK(holds->holds[hold].session == 0);
	give(holds, hold);
	lock_give(&holds->lock);
}

static void begin(struct holds *holds, uint32_t hold, uint64_t session, uint64_t expires_ms)
{
	CHECK(session != 0);
	CHECK(holds->holds[hold].session == 0);
	holds->holds[hold].session = session;
	holds->holds[hold].expires_ms = expires_ms;
	heap_add(holds, hold);
}

void holds_begin(struct holds *holds, uint32_t hold, uint64_t session, uint64_t expires_ms)
{
	lock_take(&holds->lock);
	begin(holds, hold, session, expires_ms);
	lock_give(&holds->lock);
}

void holds_restore(struct holds *holds, uint32_t client, uint64_t session, uint64_t expires_ms)
{
	lock_take(&holds->lock);
	memory_force(holds->memory, HOLDS_BYTES_PER_HOLD);
	begin(holds, take(holds, client), session, expires_ms);
	lock_give(&holds->lock);
}

void holds_renew(struct holds *holds, uint32_t client, uint64_t session, uint64_t expires_ms)
{
	lock_take(&holds->lock);
	const uint32_t hold = find(holds, client, session);
	if (hold != 0) {
		holds->holds[hold].expires_ms = expires_ms;
		sift(holds, hold);
	}
	lock_give(&holds->lock);
}

void holds_end(struct holds *holds, uint32_t client, uint64_t session)
{
	lock_take(&holds->lock);
	const uint32_t hold = find(holds, client, session);
	if (hold != 0) {
		heap_remove(holds, hold);
		give(holds, hold);
	}
	lock_give(&holds->lock);
}

bool holds_due(struct holds *holds, uint64_t now_ms, uint32_t *client, uint64_t *session)
{
	lock_take(&holds->lock);
	const bool due = holds->heap_count > 0 && expiry_at(holds, 1) <= now_ms;
	if (due) {
		*client = holds->holds[holds->heap[1]].client;
		*session = holds->holds[holds->heap[1]].session;
	}
	lock_give(&holds->lock);
	return due;
}

void holds_check(struct holds *holds)
{
	lock_take(&holds->lock);
	uint32_t chained = 0;
	uint32_t reserved = 0;
	for (uint32_t bucket = 0; bucket <= holds->bucket_mask; bucket++) {
		for (uint32_t hold = holds->buckets[bucket]; hold != 0; hold = holds->holds[hold].next) {
			CHECK(bucket_of(holds, holds->holds[hold].client) == &holds->buckets[bucket]);
			chained++;
			reserved += holds->holds[hold].session == 0;
		}
	}
	CHECK(chained == holds->count);
	CHECK(chained == holds->heap_count + reserved);
	for (uint32_t at = 1; at <= holds->heap_count; at++) {
		CHECK(holds->holds[holds->heap[at]].at == at);
		CHECK(at == 1 || expiry_at(holds, at / 2) <= expiry_at(holds, at));
	}
	lock_give(&holds->lock);
}
