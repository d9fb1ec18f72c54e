/*
 * table_restore: replay. Each record is applied to the table as it was when the record was written; what does not fit
 * means that the log, or the slotd that wrote it, is wrong, and is refused with the reason [I4]. See slot/table.h.
 *
 * The table is built by the same functions that serve claims, so there is one way for it to come into being.
 */
#include "records.h"
#include <base/check.h>
#include <inttypes.h>
#include <slot/civil.h>
#include <slot/image.h>
#include <stdio.h>

/* "dr-lee 2026-12-01 10:00" */
struct place_text {
	char text[TOKEN_SIZE_MAX + 1 + CIVIL_DATE_SIZE + 1 + CIVIL_TIME_SIZE + 1];
};

static struct place_text describe(const struct table *table, uint64_t key)
{
	const struct span token = intern_token(&table->psychologists, key_psychologist(key));
	struct place_text place;
	char date[CIVIL_DATE_SIZE];
	char time[CIVIL_TIME_SIZE];
	civil_format_date(key_day(key), date);
	civil_format_time(key_minute(key), time);
	snprintf(place.text, sizeof place.text, "%.*s %.*s %.*s", (int)token.size, (const char *)token.at,
		 CIVIL_DATE_SIZE, date, CIVIL_TIME_SIZE, time);
	return place;
}

/* A refusal: "the record at lsn 17 books a slot twice: dr-lee 2026-12-01 10:00". */
static bool refuse(const struct table *table, uint64_t key, uint64_t lsn, const char *what, struct error *error)
{
	return error_set(error, ERROR_DAMAGED, "the record at lsn %" PRIu64 " %s: %s", lsn, what,
			 describe(table, key).text);
}

static bool refuse_session(uint64_t id, uint64_t lsn, const char *what, struct error *error)
{
	return error_set(error, ERROR_DAMAGED, "the record at lsn %" PRIu64 " %s: session %" PRIu64, lsn, what, id);
}

static bool no_space(uint64_t lsn, struct error *error)
{
	return error_set(
	    error, ERROR_NO_MEMORY,
	    "the record at lsn %" PRIu64 " needs more memory than maxmemory could ever allow: raise maxmemory", lsn);
}

/* Is the place free, and was it never of this generation? Relaxed, here and below: replay is one thread. */
static bool may_be_next(const struct session *session, uint64_t generation)
{
	return session_status(atomic_load_explicit(&session->state, memory_order_relaxed)) == SESSION_FREE &&
	       generation >= atomic_load_explicit(&session->generation, memory_order_relaxed);
}

/* Makes the record of this number and generation free and ready, as pool_take would have. */
static bool place(struct table *table, uint64_t id, uint32_t generation_most, uint64_t lsn, struct error *error)
{
	const uint32_t number = (uint32_t)id;
	const uint32_t generation = (uint32_t)(id >> 32);
	if (number == 0 || generation > generation_most) {
		return refuse_session(id, lsn, "names a session that cannot be", error);
	}
	if (!pool_place(&table->sessions, number)) {
		return no_space(lsn, error);
	}
	struct session *session = session_of(table, number);
	if (!may_be_next(session, generation)) {
		return refuse_session(id, lsn, "gives out a session id twice", error);
	}
	atomic_store_explicit(&session->generation, (uint16_t)generation, memory_order_relaxed);
	return true;
}

/* The last generation is nobody's: its place is not used any more. */
static bool place_session(struct table *table, uint64_t id, uint64_t lsn, struct error *error)
{
	return place(table, id, SESSION_GENERATION_MAX - 1, lsn, error);
}

/* The slot a booking is for, as it must have been; 0 with the reason if it was not so. */
static uint32_t slot_to_book(struct table *table, uint64_t key, uint64_t lsn, uint16_t minutes, struct slot_view *view,
			     struct error *error)
{
	const bool unlisted = minutes == 0;
	uint32_t slot = table_find(table, key);
	if (slot == 0 && !unlisted) {
		refuse(table, key, lsn, "books a slot that nobody opened", error);
		return 0;
	}
	if (slot == 0) {
		bool added;
		slot = table_add(table, key, claim_make(CLAIM_OPEN, 0, 0), true, &added);
	}
	if (slot == 0) {
		no_space(lsn, error);
		return 0;
	}
	CHECK(table_view(table, slot, key, view));
	if (!view->free) {
		refuse(table, key, lsn, "books a slot twice", error);
		return 0;
	}
	if (unlisted != (view->minutes == 0)) {
		refuse(table, key, lsn, unlisted ? "books an open slot as unlisted" : "books an unlisted slot as open",
		       error);
		return 0;
	}
	if (view->minutes != minutes) {
		refuse(table, key, lsn, "books a slot of other minutes", error);
		return 0;
	}
	return slot;
}

/* The slot nobody opened with this key and word, if it was not there; else 0. */
static uint32_t add_unlisted(struct table *table, uint64_t key, uint64_t word)
{
	const uint32_t slot = pool_take(&table->slots);
	if (slot == 0) {
		return 0;
	}
	struct slot *record = slot_of(table, slot);
	atomic_store_explicit(&record->key, key, memory_order_relaxed);
	if (index_insert(&table->index, slot_hash(table, key), &key, slot) == slot) {
		atomic_store_explicit(&record->word, word, memory_order_relaxed);
		return slot;
	}
	atomic_store_explicit(&record->key, 0, memory_order_relaxed);
	pool_give(&table->slots, slot);
	return 0;
}

/* Most of a long log, where slots are not opened: a booking of a slot that is not there, by a session that never was. Each look
 * at what might be there is also the step that puts it there. False: it is not so, and nothing was done. */
static bool restore_new(struct table *table, uint64_t key, uint32_t client, uint64_t id, uint64_t lsn, uint64_t at_ms)
{
	const uint32_t number = (uint32_t)id;
	const uint64_t generation = id >> 32;
	if (number == 0 || generation >= SESSION_GENERATION_MAX || !pool_place(&table->sessions, number) ||
	    !may_be_next(session_of(table, number), generation) ||
	    add_unlisted(table, key, claim_make(CLAIM_SESSION, 0, generation << 32 | number)) == 0) {
		return false;
	}
	const struct session_image image = {
	    .state = session_state(SESSION_BOOKED, 1, lsn),
	    .key = key,
	    .created_ms = at_ms,
	    .number = number,
	    .generation = (uint32_t)generation,
	    .client = client,
	};
	session_write(table, &image);
	thread_push(table, number, client);
	memory_force(table->memory, TABLE_SLOT_BYTES + TABLE_SESSION_BYTES); /* the client's token: see below */
	return true;
}

bool table_restore_booking(struct table *table, uint64_t key, uint32_t client, uint64_t id, uint64_t lsn,
			   uint64_t at_ms, uint16_t minutes, uint16_t hold_seconds, struct error *error)
{
	struct slot_view view;
	uint32_t slot = 0;
	if (minutes == 0 && hold_seconds == 0 && !key_purged(table, key) &&
	    restore_new(table, key, client, id, lsn, at_ms)) {
		return true;
	}
	if (!key_purged(table, key)) {
		slot = slot_to_book(table, key, lsn, minutes, &view, error);
		if (slot == 0) {
			return false;
		}
	}
	if (!place_session(table, id, lsn, error)) {
		return false;
	}
	if (slot == 0) {
		struct session *session = session_of(table, (uint32_t)id);
		atomic_fetch_add_explicit(&session->generation, 1, memory_order_relaxed); /* as the purge did */
		return true;
	}
	memory_force(table->memory, TABLE_SESSION_BYTES); /* the client's token has been taken by the caller */
	const uint64_t claimed = hold_seconds != 0
				     ? table_hold(table, slot, &view, (uint32_t)id, client, at_ms, hold_seconds)
				     : table_claim(table, slot, &view, (uint32_t)id, client, at_ms);
	CHECK(claimed == id);
	table_settle(table, id, lsn);
	return true;
}

bool table_restore_change(struct table *table, uint64_t id, enum session_status status, uint64_t lsn, uint64_t at_ms,
			  uint16_t hold_seconds, struct error *error)
{
	struct session_view seen;
	if (!table_session_view(table, id, &seen)) {
		return refuse_session(id, lsn, "changes a session that was never booked", error);
	}
	if (!session_may_become(seen.status, status)) {
		return error_set(error, ERROR_DAMAGED,
				 "the record at lsn %" PRIu64 " makes session %" PRIu64 " %s, which is %s", lsn, id,
				 session_status_name(status), session_status_name(seen.status));
	}
	const bool changed = status == SESSION_HELD ? table_renew(table, &seen, at_ms, hold_seconds)
						    : table_change(table, &seen, status, at_ms);
	CHECK(changed);
	table_settle(table, id, lsn);
	return true;
}

bool table_restore_move(struct table *table, uint64_t id, uint64_t from_key, uint16_t from_minutes, uint64_t key,
			uint16_t minutes, uint64_t lsn, uint64_t at_ms, struct error *error)
{
	struct session_view seen;
	struct slot_view view;
	if (!table_session_view(table, id, &seen)) {
		return refuse_session(id, lsn, "moves a session that was never booked", error);
	}
	if (seen.key != from_key || seen.minutes != from_minutes || key == from_key) {
		return refuse(table, from_key, lsn, "moves a session from where it is not", error);
	}
	if (!session_may_become(seen.status, SESSION_RESCHEDULED)) {
		return error_set(error, ERROR_DAMAGED,
				 "the record at lsn %" PRIu64 " moves session %" PRIu64 ", which is %s", lsn, id,
				 session_status_name(seen.status));
	}
	const uint32_t slot = slot_to_book(table, key, lsn, minutes, &view, error);
	if (slot == 0) {
		return false;
	}
	table_moves_lock(table);
	const bool moved = table_move(table, &seen, slot, &view, at_ms);
	table_moves_unlock(table);
	if (!moved) {
		return refuse(table, key, lsn, "moves a session to a day that was purged", error);
	}
	table_moved(table, &seen, lsn);
	return true;
}

bool table_restore_open(struct table *table, uint64_t key, uint16_t minutes, uint64_t lsn, struct error *error)
{
	CHECK(minutes >= 1 && minutes <= SLOT_MINUTES_MAX);
	uint64_t other;
	if (table_find(table, key) != 0) {
		return refuse(table, key, lsn, "opens a slot that is there already", error);
	}
	if (table_overlap(table, key, minutes, &other)) {
		return refuse(table, key, lsn, "opens a slot that overlaps another", error);
	}
	bool added;
	const uint32_t slot = table_add(table, key, claim_make(CLAIM_CLOSED, minutes, 0), true, &added);
	if (slot == 0) {
		return no_space(lsn, error);
	}
	CHECK(added);
	table_open(table, slot, lsn);
	return true;
}

bool table_restore_close(struct table *table, uint64_t key, uint64_t lsn, struct error *error)
{
	struct slot_view view;
	const uint32_t slot = table_find(table, key);
	if (slot == 0 || !table_view(table, slot, key, &view)) {
		return refuse(table, key, lsn, "closes a slot that is not there", error);
	}
	if (!view.free) {
		return refuse(table, key, lsn, "closes a slot that is occupied", error);
	}
	CHECK(view.lsn != 0); /* an unlisted slot is only there because a booking was restored */
	CHECK(table_close(table, slot, &view));
	table_remove(table, slot, lsn);
	return true;
}

/* The slot that an imported session keeps, or left unlisted behind it, has this session from now on. */
static bool take_slot(struct table *table, const struct session_image *image, uint64_t lsn, struct error *error)
{
	struct slot_view view;
	const uint32_t slot = slot_to_book(table, image->key, lsn, image->minutes, &view, error);
	return slot != 0 && table_claim(table, slot, &view, image->number, image->client, image->created_ms) != 0;
}

bool table_restore_session(struct table *table, const struct session_image *image, bool unlisted, uint64_t lsn,
			   struct error *error)
{
	const enum session_status status = session_status(image->state);
	const uint64_t id = session_id(image->number, image->generation);
	if (status == SESSION_FREE) {
		return place(table, id, SESSION_GENERATION_MAX, lsn, error);
	}
	if (key_purged(table, image->key)) {
		return refuse(table, image->key, lsn, "imports a session of a day that was purged", error);
	}
	if (!place_session(table, id, lsn, error)) {
		return false;
	}
	memory_force(table->memory, TABLE_SESSION_BYTES);
	/* Of its slot it takes possession as by a booking; what became of it since is written over that. */
	if ((session_occupies(status) || unlisted) && !take_slot(table, image, lsn, error)) {
		return false;
	}
	session_write(table, image);
	thread_push(table, image->number, image->client);
	return true;
}

void table_hurry(struct table *table, bool hurries)
{
	index_hurry(&table->index, hurries);
	index_hurry(&table->clients.index, hurries);
}

void table_rest(struct table *table, bool rests)
{
	index_rest(&table->index, rests);
	lock_rest(&table->slots.lock, rests);
	lock_rest(&table->sessions.lock, rests);
}

static bool session_is_free(const void *record)
{
	const struct session *session = record;
	/* Relaxed: replay is one thread. */
	return session_status(atomic_load_explicit(&session->state, memory_order_relaxed)) == SESSION_FREE &&
	       !session_used_up(session);
}

void table_restore_begin(struct table *table)
{
	table->derives = false;
}

void table_restore_done(struct table *table)
{
	table_rest(table, false);
	table_hurry(table, false);
	pool_settle(&table->sessions, session_is_free);
	block_all(table);
}
