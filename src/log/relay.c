/*
 * relay: see the header.
 *
 *   reader: fills batches[filled % BATCHES]        applier: takes batches[applied % BATCHES]
 *
 * Both counts only grow, under the lock; a batch is the reader's while filled - applied < BATCHES, and the applier's behind
 * that.
 *
 * Tokens: the reader makes numbers of those of some dozen bookings at a time, the applier of those of a record that goes over
 * as it is; each under one lock, under which all locks of the tokens rest.
 *
 * Accounts of memory: one counter for two threads would go back and forth between their processors with each record, so what
 * the reader takes is counted apart, and added in the end.
 */
#include <base/check.h>
#include <base/lock.h>
#include <log/relay.h>
#include <pthread.h>
#include <slot/image.h>
#include <stdalign.h>
#include <stdlib.h>

#define BATCHES     4
#define BATCH_STEPS 512
#define BATCH_BYTES (2 * RECORD_SIZE_MAX) /* of records that go over as they are: one at least */
#define STEPS_AHEAD TABLE_PROSPECTS_MAX

/* A booking, or (encoded_size > 0) another record. */
struct step {
	alignas(64) struct rebuild_booking booking; /* of another record, its lsn alone */
	uint32_t encoded_size;
	uint32_t encoded_at;
};
static_assert(sizeof(struct step) == 64, "a cache line goes from one processor to the other");

struct batch {
	alignas(64) struct step steps[BATCH_STEPS];
	uint8_t bytes[BATCH_BYTES];
	uint32_t count;
	uint32_t size;
};

struct relay {
	/* const after relay_begin */
	struct rebuild *rebuild;
	bool is_alone; /* one thread: no batches */
	pthread_t applier;
	/* the reader's */
	uint64_t filling;                                /* == filled */
	const struct record *named;                      /* the next of those whose tokens are numbers already */
	size_t named_count;                              /* that are left */
	struct rebuild_tokens tokens[RECORDS_AHEAD_MAX]; /* of the last so many */
	struct memory tokens_memory;
	bool joined;
	/* guards the tokens of the table, and is never held with the other */
	alignas(64) struct lock naming;
	/* guarded by lock */
	alignas(64) struct lock lock;
	pthread_cond_t changed;
	uint64_t filled;
	uint64_t applied;
	bool ended;  /* no more will be filled */
	bool failed; /* a record was refused: the reader stops */
	struct error error;
	struct batch batches[BATCHES];
};

/* ---- the applier ---- */

static void approach(const struct relay *relay, const struct batch *batch, uint32_t from, uint32_t to)
{
	const struct table *table = relay->rebuild->table;
	uint64_t keys[STEPS_AHEAD];
	uint32_t clients[STEPS_AHEAD];
	size_t count = 0;
	for (uint32_t i = from; i < to; i++) {
		const struct rebuild_booking *booking = &batch->steps[i].booking;
		if (batch->steps[i].encoded_size != 0) {
			continue;
		}
		const uint64_t key = key_make(booking->psychologist, booking->day, booking->minute);
		if (booking->minutes == 0) {
			/* Most likely there is no more of it yet. */
			table_prefetch(table, key);
			__builtin_prefetch(intern_word(&table->clients, booking->client), 1);
		} else {
			keys[count] = key;
			clients[count++] = booking->client;
		}
	}
	table_approach_slots(table, keys, clients, count);
}

static bool apply_step(struct relay *relay, const struct batch *batch, const struct step *step, struct error *error)
{
	if (step->encoded_size == 0) {
		return rebuild_book(relay->rebuild, &step->booking, error);
	}
	const struct span encoded = {batch->bytes + step->encoded_at, step->encoded_size};
	struct record record;
	lock_take(&relay->naming);
	const bool applied = record_decode(encoded, &record, error) != 0 &&
			     rebuild_record(relay->rebuild, &record, step->booking.lsn, error);
	lock_give(&relay->naming);
	return applied;
}

static bool apply_batch(struct relay *relay, const struct batch *batch, struct error *error)
{
	for (uint32_t from = 0; from < batch->count; from += STEPS_AHEAD) {
		const uint32_t to = batch->count - from < STEPS_AHEAD ? batch->count : from + STEPS_AHEAD;
		approach(relay, batch, from, to);
		for (uint32_t i = from; i < to; i++) {
			if (!apply_step(relay, batch, &batch->steps[i], error)) {
				return false;
			}
		}
	}
	return true;
}

/* The next batch that was filled; NULL when there will be none. */
static const struct batch *next_batch(struct relay *relay)
{
	lock_take(&relay->lock);
	while (relay->filled == relay->applied && !relay->ended) {
		pthread_cond_wait(&relay->changed, &relay->lock.mutex);
	}
	const bool more = relay->filled > relay->applied;
	const struct batch *batch = more ? &relay->batches[relay->applied % BATCHES] : NULL;
	lock_give(&relay->lock);
	return batch;
}

static void give_back(struct relay *relay, bool applied, const struct error *error)
{
	lock_take(&relay->lock);
	relay->applied++;
	relay->failed = !applied;
	relay->error = *error;
	lock_give(&relay->lock);
	pthread_cond_signal(&relay->changed);
}

static void *run(void *context)
{
	struct relay *relay = context;
	struct error error = {0};
	const struct batch *batch;
	bool applied = true;
	while (applied && (batch = next_batch(relay)) != NULL) {
		applied = apply_batch(relay, batch, &error);
		give_back(relay, applied, &error);
	}
	return NULL;
}

/* ---- the reader ---- */

static void rest_tokens(struct table *table, bool rests)
{
	intern_rest(&table->psychologists, rests);
	intern_rest(&table->clients, rests);
}

struct relay *relay_begin(struct rebuild *rebuild, uint32_t threads, struct error *error)
{
	struct relay *relay = aligned_alloc(alignof(struct relay), sizeof *relay);
	if (relay == NULL) {
		error_set(error, ERROR_NO_MEMORY, "no memory to replay the log");
		return NULL;
	}
	memset(relay, 0, offsetof(struct relay, batches));
	relay->batches[0].count = relay->batches[0].size = 0;
	relay->rebuild = rebuild;
	relay->is_alone = threads == 1;
	if (relay->is_alone) {
		return relay;
	}
	lock_init(&relay->lock);
	lock_init(&relay->naming);
	pthread_cond_init(&relay->changed, NULL);
	struct table *table = rebuild->table;
	rest_tokens(table, true);
	const int refused = pthread_create(&relay->applier, NULL, run, relay);
	if (refused != 0) {
		error_errno(error, refused, "cannot start the thread that applies the log");
		rest_tokens(table, false);
		pthread_cond_destroy(&relay->changed);
		lock_fini(&relay->naming);
		lock_fini(&relay->lock);
		free(relay);
		return NULL;
	}
	memory_init(&relay->tokens_memory, table->memory->limit);
	table->psychologists.memory = table->clients.memory = &relay->tokens_memory;
	return relay;
}

/* Hands the batch over that was filled, and waits for the next one to be free. */
static bool hand_over(struct relay *relay, struct error *error)
{
	lock_take(&relay->lock);
	relay->filled++;
	pthread_cond_signal(&relay->changed);
	while (relay->filled - relay->applied == BATCHES && !relay->failed) {
		pthread_cond_wait(&relay->changed, &relay->lock.mutex);
	}
	const bool failed = relay->failed;
	if (failed) {
		*error = relay->error;
	}
	lock_give(&relay->lock);
	struct batch *batch = &relay->batches[++relay->filling % BATCHES];
	batch->count = batch->size = 0; /* of one that failed, too: the applier has ended */
	return !failed;
}

/* Of the next record, if it is a booking. */
static struct rebuild_tokens next_tokens(struct relay *relay, const struct record *record)
{
	if (relay->named_count == 0 || record != relay->named) {
		relay_ahead(relay, record, 1); /* nobody has announced it */
	}
	relay->named++;
	return relay->tokens[RECORDS_AHEAD_MAX - relay->named_count--];
}

bool relay_record(struct relay *relay, const struct record *record, uint64_t lsn, struct error *error)
{
	if (relay->is_alone) {
		return rebuild_record(relay->rebuild, record, lsn, error);
	}
	struct batch *batch = &relay->batches[relay->filling % BATCHES];
	struct step *step = &batch->steps[batch->count];
	const struct rebuild_tokens tokens = next_tokens(relay, record);
	if (record->type == RECORD_BOOK || record->type == RECORD_HOLD) {
		if (!rebuild_booking_of(record, lsn, tokens, &step->booking, error)) {
			return false;
		}
		step->encoded_size = 0;
	} else {
		step->booking.lsn = lsn;
		step->encoded_at = batch->size;
		step->encoded_size = (uint32_t)record_encode(record, batch->bytes + batch->size);
		batch->size += step->encoded_size;
	}
	batch->count++;
	const bool full = batch->count == BATCH_STEPS || batch->size > BATCH_BYTES - RECORD_SIZE_MAX;
	return !full || hand_over(relay, error);
}

void relay_ahead(struct relay *relay, const struct record *records, size_t count)
{
	if (relay->is_alone) {
		rebuild_ahead(relay->rebuild, records, count);
		return;
	}
	relay->named = records;
	relay->named_count = count;
	lock_take(&relay->naming);
	rebuild_tokens(relay->rebuild, records, count, relay->tokens + RECORDS_AHEAD_MAX - count);
	lock_give(&relay->naming);
}

bool relay_finish(struct relay *relay, struct error *error)
{
	if (relay->is_alone || relay->joined) {
		return true;
	}
	const struct batch *batch = &relay->batches[relay->filling % BATCHES];
	const bool handed_over = batch->count == 0 || hand_over(relay, error);
	lock_take(&relay->lock);
	relay->ended = true;
	lock_give(&relay->lock);
	pthread_cond_signal(&relay->changed);
	CHECK(pthread_join(relay->applier, NULL) == 0);
	relay->joined = true;
	struct table *table = relay->rebuild->table;
	rest_tokens(table, false);
	table->psychologists.memory = table->clients.memory = table->memory;
	/* Relaxed: the applier has ended. */
	memory_force(table->memory, atomic_load_explicit(&relay->tokens_memory.used, memory_order_relaxed));
	if (relay->failed && handed_over) {
		*error = relay->error;
	}
	return !relay->failed;
}

void relay_end(struct relay *relay)
{
	struct error ignored;
	if (!relay->is_alone) {
		(void)relay_finish(relay, &ignored);
		pthread_cond_destroy(&relay->changed);
		lock_fini(&relay->naming);
		lock_fini(&relay->lock);
	}
	free(relay);
}
