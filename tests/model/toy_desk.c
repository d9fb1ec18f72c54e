/*
 * toy_desk: see model/toy_desk.h.
 */
#include <base/check.h>
#include <model/toy_desk.h>
#include <slot/image.h>
#include <stdio.h>
#include <stdlib.h>

void toy_init(struct toy_desk *toy, struct table *table, uint64_t capacity)
{
	*toy = (struct toy_desk){.table = table, .capacity = capacity};
	toy->records = calloc(capacity, sizeof *toy->records);
	CHECK(toy->records != NULL);
	lock_init(&toy->lock);
}

void toy_fini(struct toy_desk *toy)
{
	lock_fini(&toy->lock);
	free(toy->records);
}

uint64_t toy_lsn(const struct toy_desk *toy)
{
	return atomic_load_explicit(&toy->count, memory_order_acquire); /* pairs with append */
}

uint64_t toy_now_ms(const struct toy_desk *toy)
{
	return 1 + atomic_load_explicit(&toy->now_ms, memory_order_relaxed); /* a time, which orders nothing */
}

static bool is_over(const struct toy_desk *toy, uint64_t expires_ms)
{
	return expires_ms != 0 && toy_now_ms(toy) >= expires_ms;
}

static uint64_t append(struct toy_desk *toy, const struct toy_record *record)
{
	lock_take(&toy->lock);
	const uint64_t before = atomic_load_explicit(&toy->count, memory_order_relaxed); /* written under this lock */
	CHECK(before < toy->capacity);
	toy->records[before] = *record;
	atomic_store_explicit(&toy->count, before + 1, memory_order_release); /* pairs with toy_lsn */
	lock_give(&toy->lock);
	return before + 1;
}

static uint32_t add_token(struct intern *intern, char kind, uint32_t n, bool promised)
{
	char token[16];
	snprintf(token, sizeof token, "%c-%u", kind, n);
	return intern_add(intern, span_of(token), promised);
}

uint32_t toy_psychologist(struct table *table, uint32_t n)
{
	return add_token(&table->psychologists, 'p', n, true);
}

uint32_t toy_client(struct table *table, uint32_t n, bool promised)
{
	return add_token(&table->clients, 'c', n, promised);
}

static bool is_purged(const struct table *table, uint64_t key)
{
	/* Acquire; pairs with table_purge_horizon. */
	return key_day(key) < atomic_load_explicit(&table->purged_before_day, memory_order_acquire);
}

struct toy_look toy_look(const struct toy_desk *toy, uint64_t key)
{
	struct toy_look look = {.there = false};
	const uint32_t slot = table_find(toy->table, key);
	look.there = slot != 0 && table_view(toy->table, slot, key, &look.view);
	look.lsn = slot != 0 ? look.view.lsn : table_removed_lsn(toy->table);
	return look;
}

static enum model_outcome open_slot(struct toy_desk *toy, uint64_t key, uint16_t minutes, bool *opened)
{
	const struct toy_look look = toy_look(toy, key);
	if (look.there) {
		return look.view.minutes == minutes || look.view.minutes == 0 ? MODEL_DONE : MODEL_OVERLAP;
	}
	uint64_t other;
	if (table_overlap(toy->table, key, minutes, &other)) {
		return MODEL_OVERLAP;
	}
	const uint32_t slot = table_add(toy->table, key, claim_make(CLAIM_CLOSED, minutes, 0), false, opened);
	CHECK(slot != 0);
	if (*opened) {
		table_open(toy->table, slot,
			   append(toy, &(struct toy_record){.type = TOY_OPEN, .key = key, .minutes = minutes}));
	}
	return MODEL_DONE;
}

enum model_outcome toy_open(struct toy_desk *toy, uint64_t key, uint16_t minutes, bool *opened)
{
	*opened = false;
	if (is_purged(toy->table, key)) {
		return MODEL_PAST;
	}
	const uint32_t psychologist = key_psychologist(key);
	table_hours_lock(toy->table, psychologist);
	const enum model_outcome outcome = open_slot(toy, key, minutes, opened);
	table_hours_unlock(toy->table, psychologist);
	return outcome;
}

static enum model_outcome close_slot(struct toy_desk *toy, uint64_t key)
{
	for (;;) {
		const uint32_t slot = table_find(toy->table, key);
		struct slot_view view;
		/* An unlisted slot nobody booked: no record knows it. */
		if (slot == 0 || !table_view(toy->table, slot, key, &view) || (view.free && view.lsn == 0)) {
			return MODEL_NOSLOT;
		}
		if (is_over(toy, view.expires_ms)) {
			toy_change(toy, view.session, LIFE_EXPIRE, 0);
			continue;
		}
		if (!view.free) {
			return MODEL_OCCUPIED;
		}
		if (table_close(toy->table, slot, &view)) {
			const uint64_t lsn = append(toy, &(struct toy_record){.type = TOY_CLOSE, .key = key});
			table_remove(toy->table, slot, lsn);
			return MODEL_DONE;
		}
	}
}

enum model_outcome toy_close(struct toy_desk *toy, uint64_t key)
{
	if (is_purged(toy->table, key)) {
		return MODEL_PAST;
	}
	const uint32_t psychologist = key_psychologist(key);
	table_hours_lock(toy->table, psychologist);
	const enum model_outcome outcome = close_slot(toy, key);
	table_hours_unlock(toy->table, psychologist);
	return outcome;
}

/* One attempt. False: the slot has changed since the look. */
static bool claim(struct toy_desk *toy, uint32_t slot, const struct slot_view *seen, uint32_t client, uint16_t seconds,
		  uint64_t *id)
{
	const uint64_t at_ms = toy_now_ms(toy);
	struct table *table = toy->table;
	const uint32_t session = table_session_take(table, seen->minutes != 0);
	CHECK(session != 0);
	if (toy->blind) {
		struct slot *record = pool_at(&table->slots, slot);
		atomic_store_explicit(&record->word, seen->word, memory_order_release);
	}
	*id = seconds != 0 ? table_hold(table, slot, seen, session, client, at_ms, seconds)
			   : table_claim(table, slot, seen, session, client, at_ms);
	if (*id == 0) {
		table_session_give(table, session);
		return false;
	}
	table_settle(table, *id,
		     append(toy, &(struct toy_record){.type = TOY_BOOK,
						      .key = seen->key,
						      .client = client,
						      .session = *id,
						      .minutes = seen->minutes,
						      .at_ms = at_ms,
						      .hold_seconds = seconds}));
	return true;
}

/* BOOK, or HOLD for so many seconds. */
static enum model_outcome book(struct toy_desk *toy, uint64_t key, uint32_t client_n, uint16_t seconds,
			       uint64_t *session)
{
	for (;;) {
		if (is_purged(toy->table, key)) {
			return MODEL_PAST;
		}
		bool added;
		uint32_t slot = table_find(toy->table, key);
		if (slot == 0 && toy->unlisted_slots) {
			slot = table_add(toy->table, key, claim_make(CLAIM_OPEN, 0, 0), false, &added);
			CHECK(slot != 0);
		}
		if (slot == 0) {
			return MODEL_NOSLOT;
		}
		struct slot_view view;
		if (!table_view(toy->table, slot, key, &view)) {
			continue; /* closed since it was found */
		}
		const uint32_t client = toy_client(toy->table, client_n, view.minutes != 0);
		CHECK(client != 0);
		if (is_over(toy, view.expires_ms)) {
			toy_change(toy, view.session, LIFE_EXPIRE, 0);
			continue;
		}
		if (!view.free && view.client == client) {
			*session = view.session;
			/* A BOOK of what it holds commits that; if the time is over by now, look again. */
			if (view.status != SESSION_HELD || seconds != 0 ||
			    toy_change(toy, view.session, LIFE_COMMIT, 0) == MODEL_DONE) {
				return MODEL_DONE;
			}
			continue;
		}
		if (!view.free) {
			return view.status == SESSION_HELD ? MODEL_HELD : MODEL_TAKEN;
		}
		if (claim(toy, slot, &view, client, seconds, session)) {
			return MODEL_DONE;
		}
	}
}

enum model_outcome toy_book(struct toy_desk *toy, uint64_t key, uint32_t client_n, uint64_t *session)
{
	return book(toy, key, client_n, 0, session);
}

enum model_outcome toy_hold(struct toy_desk *toy, uint64_t key, uint32_t client_n, uint16_t seconds, uint64_t *session)
{
	CHECK(seconds != 0);
	return book(toy, key, client_n, seconds, session);
}

enum model_outcome toy_renew(struct toy_desk *toy, uint64_t session, uint16_t seconds)
{
	struct session_view seen;
	while (table_session_view(toy->table, session, &seen)) {
		if (seen.status != SESSION_HELD) {
			return MODEL_STATE;
		}
		const uint64_t at_ms = toy_now_ms(toy);
		if (table_renew(toy->table, &seen, at_ms, seconds)) {
			const struct toy_record record = {.type = TOY_CHANGE,
							  .key = seen.key,
							  .session = session,
							  .status = SESSION_HELD,
							  .at_ms = at_ms,
							  .hold_seconds = seconds};
			table_settle(toy->table, session, append(toy, &record));
			return MODEL_DONE;
		}
	}
	return MODEL_NOSESSION;
}

enum model_outcome toy_change(struct toy_desk *toy, uint64_t session, enum life_command command, unsigned facts)
{
	static const enum model_outcome outcomes[] = {
	    [LIFE_REFUSED] = MODEL_STATE, [LIFE_EXPIRED] = MODEL_EXPIRED, [LIFE_EARLY] = MODEL_EARLY,
	    [LIFE_STANDS] = MODEL_DONE,   [LIFE_CHANGES] = MODEL_DONE,
	};
	for (;;) {
		struct session_view seen;
		if (!table_session_view(toy->table, session, &seen)) {
			return MODEL_NOSESSION;
		}
		enum session_status status = seen.status;
		const unsigned over = is_over(toy, seen.expires_ms) ? LIFE_IS_OVER : 0;
		const enum life_verdict verdict = life_judge(seen.status, command, facts | over, &status);
		if (verdict != LIFE_CHANGES) {
			return outcomes[verdict];
		}
		const uint64_t at_ms = 1 + toy_now_ms(toy);
		if (table_change(toy->table, &seen, status, at_ms)) {
			const struct toy_record record = {
			    .type = TOY_CHANGE, .key = seen.key, .session = session, .status = status, .at_ms = at_ms};
			table_settle(toy->table, session, append(toy, &record));
			return MODEL_DONE;
		}
	}
}

enum model_outcome toy_cancel(struct toy_desk *toy, uint64_t session)
{
	return toy_change(toy, session, LIFE_CANCEL, 0);
}

/* A canary: what nobody may see. */
static void leave_first(struct toy_desk *toy, const struct session_view *seen)
{
	struct slot *left = pool_at(&toy->table->slots, table_find(toy->table, seen->key));
	const uint64_t word = atomic_load_explicit(&left->word, memory_order_acquire);
	atomic_store_explicit(&left->word, claim_make(CLAIM_OPEN, seen->minutes, 1), memory_order_release);
	for (int i = 0; i < 1000; i++) {
		atomic_load_explicit(&left->word, memory_order_acquire); /* some time, in which others may look */
	}
	atomic_store_explicit(&left->word, word, memory_order_release);
}

/* One attempt. False: something has changed since the looks. */
static bool move(struct toy_desk *toy, const struct session_view *seen, uint32_t slot, const struct slot_view *to)
{
	const struct toy_record record = {.type = TOY_MOVE,
					  .key = to->key,
					  .from_key = seen->key,
					  .from_minutes = seen->minutes,
					  .session = seen->id,
					  .minutes = to->minutes,
					  .at_ms = toy_now_ms(toy)};
	uint64_t lsn = 0;
	table_moves_lock(toy->table);
	if (toy->hasty == seen->id) {
		leave_first(toy, seen);
	}
	if (table_move(toy->table, seen, slot, to, record.at_ms)) {
		lsn = append(toy, &record);
	}
	table_moves_unlock(toy->table);
	if (lsn != 0) {
		table_moved(toy->table, seen, lsn);
	}
	return lsn != 0;
}

enum model_outcome toy_move(struct toy_desk *toy, uint64_t session, uint64_t key)
{
	for (;;) {
		struct session_view seen;
		struct slot_view view;
		enum session_status to;
		if (!table_session_view(toy->table, session, &seen)) {
			return MODEL_NOSESSION;
		}
		if (life_judge(seen.status, LIFE_RESCHEDULE, 0, &to) != LIFE_CHANGES) {
			return MODEL_STATE;
		}
		if (seen.key == key) {
			return MODEL_THERE;
		}
		if (is_purged(toy->table, key)) {
			return MODEL_PAST;
		}
		const uint32_t slot = table_find(toy->table, key);
		if (slot == 0 || !table_view(toy->table, slot, key, &view)) {
			return MODEL_NOSLOT;
		}
		if (!view.free) {
			return MODEL_TAKEN;
		}
		if (move(toy, &seen, slot, &view)) {
			return MODEL_DONE;
		}
	}
}

static void purge(struct table *table, uint16_t day, uint64_t lsn, uint32_t slice)
{
	struct purge_cursor cursor = {0};
	table_purge_horizon(table, day, lsn);
	while (table_purge_reclaim(table, &cursor, slice)) {
	}
}

void toy_purge(struct toy_desk *toy, uint16_t day, uint32_t slice)
{
	table_moves_lock(toy->table);
	const uint64_t lsn = append(toy, &(struct toy_record){.type = TOY_PURGE, .day = day});
	table_purge_horizon(toy->table, day, lsn);
	table_moves_unlock(toy->table);
	purge(toy->table, day, lsn, slice);
}

uint64_t toy_key_in(const struct toy_desk *toy, struct table *table, uint64_t key)
{
	const struct span token = intern_token(&toy->table->psychologists, key_psychologist(key));
	return key_make(intern_add(&table->psychologists, token, true), key_day(key), key_minute(key));
}

static bool apply(const struct toy_desk *toy, struct table *table, const struct toy_record *record, uint64_t lsn,
		  struct error *error)
{
	if (record->type == TOY_PURGE) {
		purge(table, record->day, lsn, UINT32_MAX);
		return true;
	}
	const uint64_t key = toy_key_in(toy, table, record->key);
	if (record->type == TOY_BOOK) {
		const struct span token = intern_token(&toy->table->clients, record->client);
		const uint32_t client = intern_add(&table->clients, token, true);
		return table_restore_booking(table, key, client, record->session, lsn, record->at_ms, record->minutes,
					     record->hold_seconds, error);
	}
	if (record->type == TOY_MOVE) {
		return table_restore_move(table, record->session, toy_key_in(toy, table, record->from_key),
					  record->from_minutes, key, record->minutes, lsn, record->at_ms, error);
	}
	if (is_purged(table, key)) {
		return true; /* appended by a thread that the purge overtook */
	}
	switch (record->type) {
	case TOY_CHANGE:
		return table_restore_change(table, record->session, record->status, lsn, record->at_ms,
					    record->hold_seconds, error);
	case TOY_OPEN:
		return table_restore_open(table, key, record->minutes, lsn, error);
	default:
		return table_restore_close(table, key, lsn, error);
	}
}

/* As `apply`, for a record that the copies in `table` may have or not (slot/image.h). */
static bool redo(const struct toy_desk *toy, struct table *table, const struct toy_record *record, uint64_t lsn,
		 struct error *error)
{
	if (record->type == TOY_PURGE) {
		table_redo_purge(table, record->day, lsn);
		return true;
	}
	const uint64_t key = toy_key_in(toy, table, record->key);
	switch (record->type) {
	case TOY_BOOK: {
		const struct span token = intern_token(&toy->table->clients, record->client);
		const uint32_t client = intern_add(&table->clients, token, true);
		return table_redo_booking(table, key, client, record->session, record->minutes, lsn, record->at_ms,
					  record->hold_seconds, error);
	}
	case TOY_CHANGE:
		return is_purged(table, key) || table_redo_change(table, record->session, record->status, lsn,
								  record->at_ms, record->hold_seconds, error);
	case TOY_MOVE:
		return table_redo_move(table, record->session, toy_key_in(toy, table, record->from_key),
				       record->from_minutes, key, record->minutes, lsn, record->at_ms, error);
	case TOY_OPEN:
		return table_redo_open(table, key, record->minutes, lsn, error);
	default:
		table_redo_close(table, key, lsn);
		return true;
	}
}

bool toy_replay(const struct toy_desk *toy, struct table *table, struct error *error)
{
	for (uint64_t lsn = 1; lsn <= toy_lsn(toy); lsn++) {
		if (!apply(toy, table, &toy->records[lsn - 1], lsn, error)) {
			return false;
		}
	}
	table_restore_done(table);
	return true;
}

bool toy_replay_onto(const struct toy_desk *toy, struct table *table, uint64_t begin_lsn, uint64_t end_lsn,
		     struct error *error)
{
	for (uint64_t lsn = begin_lsn + 1; lsn <= end_lsn; lsn++) {
		if (!redo(toy, table, &toy->records[lsn - 1], lsn, error)) {
			return false;
		}
	}
	if (!table_redo_done(table, 1, error)) {
		return false;
	}
	for (uint64_t lsn = end_lsn + 1; lsn <= toy_lsn(toy); lsn++) {
		if (!apply(toy, table, &toy->records[lsn - 1], lsn, error)) {
			return false;
		}
	}
	table_restore_done(table);
	return true;
}
