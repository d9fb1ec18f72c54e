/*
 * table_image: records copied beside those who change them, and one put back. See slot/image.h.
 *
 * A copy is one consistent look, as a reader's: it waits for what is not settled, so no copy says what the log does not
 * (yet) have by the end of the copying.
 */
#include "records.h"
#include <base/check.h>
#include <slot/image.h>

static_assert(sizeof(struct slot_image) == 16, "as docs/LOG_FORMAT.md has it");
static_assert(sizeof(struct session_image) == 48, "as docs/LOG_FORMAT.md has it");

uint32_t table_copy_slots(const struct table *table, uint32_t *cursor, struct slot_image *images, uint32_t looks,
			  bool *more)
{
	uint32_t count = 0;
	for (; looks > 0 && pool_has(&table->slots, *cursor + 1); looks--) {
		const uint32_t number = ++*cursor;
		const uint64_t key = slot_key(slot_of(table, number));
		struct slot_view view;
		/* lsn 0: an unlisted slot that was never booked. */
		if (key != 0 && key_minute(key) != KEY_MINUTE_CARD && table_view(table, number, key, &view) &&
		    view.lsn != 0) {
			/* Blocked follows from the sets, which are copied, too. */
			const bool blocked = view.kind == CLAIM_BLOCKED;
			const uint64_t open = claim_make(CLAIM_OPEN, view.minutes, view.lsn);
			images[count++] = (struct slot_image){.key = key, .word = blocked ? open : view.word};
		}
	}
	*more = pool_has(&table->slots, *cursor + 1);
	return count;
}

static void copy_session(const struct table *table, uint32_t number, struct session_image *image)
{
	const struct session *session = session_of(table, number);
	/* Each round but the last saw a change succeed. */
	do {
		/* Acquire, each: as in table_session_view. */
		*image = (struct session_image){.number = number, .state = session_wait_settled(session)};
		image->generation = atomic_load_explicit(&session->generation, memory_order_acquire);
		image->key = session_key(session);
		const uint64_t made = atomic_load_explicit(&session->made, memory_order_acquire);
		image->created_ms = session_created_ms(made);
		image->minutes = session_minutes(made);
		const uint64_t updated = session_updated_of(table, number, image->state, made);
		image->updated_ms = session_updated_ms(updated);
		image->hold_seconds = session_hold_seconds(updated);
		image->client = atomic_load_explicit(&session->client, memory_order_acquire);
		/* Relaxed: ordered by the acquire loads above. */
	} while (atomic_load_explicit(&session->state, memory_order_relaxed) != image->state);
	if (session_status(image->state) == SESSION_FREE) {
		*image = (struct session_image){.number = number, .generation = image->generation};
	}
}

uint32_t table_copy_sessions(const struct table *table, uint32_t *cursor, struct session_image *images, uint32_t looks,
			     bool *more)
{
	uint32_t count = 0;
	for (; looks > 0 && pool_has(&table->sessions, *cursor + 1); looks--) {
		struct session_image *image = &images[count];
		copy_session(table, ++*cursor, image);
		/* A number that never was anybody's says nothing. */
		count += image->generation != 0 || session_status(image->state) != SESSION_FREE;
	}
	*more = pool_has(&table->sessions, *cursor + 1);
	return count;
}

bool slot_put(struct table *table, uint64_t key, uint64_t word, struct error *error)
{
	const uint32_t there = slot_find(table, key);
	const bool carded = !claim_listed(word) || card_mark(table, key, true);
	if (there != 0 && carded) {
		atomic_store_explicit(&slot_of(table, there)->word, word,
				      memory_order_release); /* pairs with slot_word */
		return true;
	}
	const uint32_t slot = carded ? slot_take(table, true) : 0;
	if (slot == 0) {
		return error_set(error, ERROR_NO_MEMORY, "no address space for another slot: raise maxmemory");
	}
	CHECK(slot_insert(table, slot, key, word) == slot);
	return true;
}

void session_write(struct table *table, const struct session_image *image)
{
	struct session *session = session_of(table, image->number);
	/* Relaxed would do: see table_put.c. */
	session_set_made(session, image->key, image->created_ms, image->minutes);
	if (!session_is_new(image->state) && session_status(image->state) != SESSION_FREE) {
		session_set_updated(table, image->number, session_updated(image->updated_ms, image->hold_seconds));
	}
	atomic_store_explicit(&session->client, image->client, memory_order_relaxed);
	atomic_store_explicit(&session->generation, (uint16_t)image->generation, memory_order_relaxed);
	atomic_store_explicit(&session->state, image->state, memory_order_relaxed);
}

bool session_put(struct table *table, const struct session_image *image, struct error *error)
{
	if (!pool_place(&table->sessions, image->number)) {
		return error_set(error, ERROR_NO_MEMORY, "no address space for another session: raise maxmemory");
	}
	session_write(table, image);
	return true;
}
