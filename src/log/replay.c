/*
 * replay: one function a type of record. Keeps I4; used by the server at start-up and by slotd-replay --verify.
 */
#include <base/check.h>
#include <inttypes.h>
#include <log/import_mark.h>
#include <log/replay.h>
#include <slot/hours.h>
#include <slot/image.h>

static bool purged(const struct table *table, uint16_t day)
{
	/* Relaxed: replay is one thread. */
	return day < atomic_load_explicit(&table->purged_before_day, memory_order_relaxed);
}

static bool no_space(struct error *error)
{
	return error_set(error, ERROR_NO_MEMORY, "no address space for another token: raise maxmemory");
}

static uint32_t number_of(struct intern *intern, struct span token, struct error *error)
{
	const uint32_t number = intern_add(intern, token, true);
	if (number == 0) {
		no_space(error);
	}
	return number;
}

static bool is_booking(const struct record *record)
{
	return record->type == RECORD_BOOK || record->type == RECORD_HOLD;
}

bool rebuild_booking_of(const struct record *record, uint64_t lsn, struct rebuild_tokens tokens,
			struct rebuild_booking *booking, struct error *error)
{
	CHECK(is_booking(record));
	*booking = (struct rebuild_booking){
	    .lsn = lsn,
	    .session = record->session,
	    .at_ms = record->at_ms,
	    .psychologist = tokens.psychologist,
	    .client = tokens.client,
	    .day = record->day,
	    .minute = record->minute,
	    .minutes = record->minutes,
	    .hold_seconds = record->hold_seconds,
	};
	return (booking->psychologist != 0 && booking->client != 0) || no_space(error);
}

/* Also for a purged day: its session id is used up all the same. */
static bool take_tokens(struct table *table, const struct record *record, uint64_t lsn, struct rebuild_booking *booking,
			struct error *error)
{
	const struct rebuild_tokens tokens = {
	    .psychologist = intern_add(&table->psychologists, record->psychologist, true),
	    .client = intern_add(&table->clients, record->client, true),
	};
	return rebuild_booking_of(record, lsn, tokens, booking, error);
}

static bool book(struct table *table, const struct rebuild_booking *booking, struct error *error)
{
	const uint64_t key = key_make(booking->psychologist, booking->day, booking->minute);
	return table_restore_booking(table, key, booking->client, booking->session, booking->lsn, booking->at_ms,
				     booking->minutes, booking->hold_seconds, error);
}

static bool apply_book(struct table *table, const struct record *record, uint64_t lsn, struct error *error)
{
	struct rebuild_booking booking;
	return take_tokens(table, record, lsn, &booking, error) && book(table, &booking, error);
}

static bool apply_cancel(struct table *table, const struct record *record, uint64_t lsn, struct error *error)
{
	return purged(table, record->day) ||
	       table_restore_change(table, record->session, SESSION_CANCELLED, lsn, record->at_ms, 0, error);
}

static bool apply_status(struct table *table, const struct record *record, uint64_t lsn, struct error *error)
{
	return purged(table, record->day) || table_restore_change(table, record->session, record->status, lsn,
								  record->at_ms, record->hold_seconds, error);
}

/* Both places of a MOVE; false: no address space for a token. */
static bool places_of(struct table *table, const struct record *move, uint64_t *from_key, uint64_t *key,
		      struct error *error)
{
	const uint32_t left = number_of(&table->psychologists, move->from.psychologist, error);
	const uint32_t taken = number_of(&table->psychologists, move->psychologist, error);
	*from_key = key_make(left, move->from.day, move->from.minute);
	*key = key_make(taken, move->day, move->minute);
	return left != 0 && taken != 0;
}

static bool apply_move(struct table *table, const struct record *record, uint64_t lsn, struct error *error)
{
	uint64_t from_key;
	uint64_t key;
	return places_of(table, record, &from_key, &key, error) &&
	       table_restore_move(table, record->session, from_key, record->from.minutes, key, record->minutes, lsn,
				  record->at_ms, error);
}

static bool apply_slots(struct table *table, const struct record *record, uint64_t lsn, struct error *error)
{
	const uint32_t psychologist = number_of(&table->psychologists, record->psychologist, error);
	if (psychologist == 0) {
		return false;
	}
	for (uint16_t i = 0; i < record->slot_count; i++) {
		const struct record_slot at = record_slot(record, i);
		const uint64_t key = key_make(psychologist, at.day, at.minute);
		if (purged(table, at.day)) {
			continue;
		}
		if (!(record->type == RECORD_OPEN ? table_restore_open(table, key, record->minutes, lsn, error)
						  : table_restore_close(table, key, lsn, error))) {
			return false;
		}
	}
	return true;
}

static uint64_t its_lsn(void *context)
{
	return *(const uint64_t *)context;
}

/* Both ways: an update of a window is the same again, and one that the sets are past is ignored (slot/image.h). */
static bool apply_busy(struct table *table, const struct record *record, uint64_t lsn, struct error *error)
{
	const uint32_t psychologist = number_of(&table->psychologists, record->psychologist, error);
	if (psychologist == 0) {
		return false;
	}
	struct busy_interval intervals[BUSY_COUNT_MAX];
	for (uint16_t i = 1; i < record->busy_count; i++) {
		const struct record_busy busy = record_busy(record, i);
		intervals[i - 1] = (struct busy_interval){busy.start, busy.end};
	}
	const struct record_busy window = record_busy(record, 0);
	const struct busy_update update = {
	    .psychologist = psychologist,
	    .source = record->source,
	    .generation = record->generation,
	    .at_ms = record->at_ms,
	    .window = {window.start, window.end},
	    .intervals = intervals,
	    .count = (uint32_t)record->busy_count - 1,
	};
	uint64_t seen_lsn;
	return busy_update(&table->busy, &update, NULL, its_lsn, &lsn, &seen_lsn) != BUSY_NO_MEMORY ||
	       error_set(error, ERROR_NO_MEMORY, "no memory for what a calendar says");
}

/* Both ways: each record says the whole setting, so the last one counts (slot/image.h). */
static bool apply_setting(struct table *table, const struct record *record, uint64_t lsn, struct error *error)
{
	struct hours_plan plan;
	if (record->type == RECORD_HOURS && record->text.size > 0 && !hours_plan_read(record->text, &plan)) {
		return error_set(error, ERROR_DAMAGED, "lsn %" PRIu64 ": hours that cannot be read", lsn);
	}
	const uint32_t psychologist = number_of(&table->psychologists, record->psychologist, error);
	uint64_t seen_lsn;
	return psychologist != 0 && (table_set(table, record_setting(record->type), psychologist, record->text, true,
					       its_lsn, &lsn, &seen_lsn) != SETTINGS_NO_MEMORY ||
				     error_set(error, ERROR_NO_MEMORY, "no memory for a setting of a psychologist"));
}

/* The session as the record has it, its lsn that of the record. */
static struct session_image imported_session(struct table *table, const struct record *record, uint64_t lsn)
{
	struct session_image image = {.number = (uint32_t)record->session,
				      .generation = (uint32_t)(record->session >> 32)};
	if (record->status != SESSION_FREE) {
		image.state = session_state(record->status, record->version, lsn);
		image.key = key_make(intern_add(&table->psychologists, record->psychologist, true), record->day,
				     record->minute);
		image.client = intern_add(&table->clients, record->client, true);
		image.created_ms = record->created_ms;
		image.updated_ms = record->at_ms;
		image.minutes = record->minutes;
		image.hold_seconds = record->hold_seconds;
	}
	return image;
}

static bool apply_import(struct table *table, const struct record *record, uint64_t lsn, struct error *error)
{
	const bool is_session = record->status != SESSION_FREE;
	if (is_session && (number_of(&table->psychologists, record->psychologist, error) == 0 ||
			   number_of(&table->clients, record->client, error) == 0)) {
		return false;
	}
	const struct session_image image = imported_session(table, record, lsn);
	return table_restore_session(table, &image, record->unlisted, lsn, error);
}

static void apply_purge(struct table *table, const struct record *record, uint64_t lsn)
{
	table_purge_horizon(table, record->day, lsn);
	struct purge_cursor cursor = {0};
	while (table_purge_reclaim(table, &cursor, UINT32_MAX)) {
	}
}

/* Strictly or blindly: replay_apply, redo. */
typedef bool apply_f(struct table *table, const struct record *record, uint64_t lsn, struct error *error);

/* The members in their order, with the lsn of all. */
static bool apply_members(apply_f *apply, struct table *table, const struct record *group, uint64_t lsn,
			  struct error *error)
{
	struct span rest = group->members;
	struct record member;
	while (record_next_member(&rest, &member)) {
		if (!apply(table, &member, lsn, error)) {
			return false;
		}
	}
	return true;
}

bool replay_apply(struct table *table, const struct record *record, uint64_t lsn, struct error *error)
{
	switch (record->type) {
	case RECORD_BOOK:
	case RECORD_HOLD:
		return apply_book(table, record, lsn, error);
	case RECORD_CANCEL:
		return apply_cancel(table, record, lsn, error);
	case RECORD_OPEN:
	case RECORD_CLOSE:
		return apply_slots(table, record, lsn, error);
	case RECORD_PURGE:
		apply_purge(table, record, lsn);
		return true;
	case RECORD_GROUP:
		return apply_members(replay_apply, table, record, lsn, error);
	case RECORD_STATUS:
		return apply_status(table, record, lsn, error);
	case RECORD_MOVE:
		return apply_move(table, record, lsn, error);
	case RECORD_BUSY:
		return apply_busy(table, record, lsn, error);
	case RECORD_HOURS:
	case RECORD_CALENDAR:
		return apply_setting(table, record, lsn, error);
	case RECORD_IMPORT:
		return apply_import(table, record, lsn, error);
	}
	WRONG("record_decode lets no other type pass");
}

/* ---- onto a snapshot ---- */

static bool redo_slots(struct table *table, const struct record *record, uint64_t lsn, struct error *error)
{
	const uint32_t psychologist = number_of(&table->psychologists, record->psychologist, error);
	if (psychologist == 0) {
		return false;
	}
	for (uint16_t i = 0; i < record->slot_count; i++) {
		const struct record_slot at = record_slot(record, i);
		const uint64_t key = key_make(psychologist, at.day, at.minute);
		if (record->type == RECORD_CLOSE) {
			table_redo_close(table, key, lsn);
		} else if (!table_redo_open(table, key, record->minutes, lsn, error)) {
			return false;
		}
	}
	return true;
}

static bool book_again(struct table *table, const struct rebuild_booking *booking, struct error *error)
{
	const uint64_t key = key_make(booking->psychologist, booking->day, booking->minute);
	return table_redo_booking(table, key, booking->client, booking->session, booking->minutes, booking->lsn,
				  booking->at_ms, booking->hold_seconds, error);
}

static bool redo_book(struct table *table, const struct record *record, uint64_t lsn, struct error *error)
{
	struct rebuild_booking booking;
	return take_tokens(table, record, lsn, &booking, error) && book_again(table, &booking, error);
}

static bool redo_move(struct table *table, const struct record *record, uint64_t lsn, struct error *error)
{
	uint64_t from_key;
	uint64_t key;
	return places_of(table, record, &from_key, &key, error) &&
	       table_redo_move(table, record->session, from_key, record->from.minutes, key, record->minutes, lsn,
			       record->at_ms, error);
}

/* As replay_apply, for a record that the snapshot may have or not. */
static bool redo(struct table *table, const struct record *record, uint64_t lsn, struct error *error)
{
	switch (record->type) {
	case RECORD_BOOK:
	case RECORD_HOLD:
		return redo_book(table, record, lsn, error);
	case RECORD_CANCEL:
		return purged(table, record->day) ||
		       table_redo_change(table, record->session, SESSION_CANCELLED, lsn, record->at_ms, 0, error);
	case RECORD_OPEN:
	case RECORD_CLOSE:
		return redo_slots(table, record, lsn, error);
	case RECORD_PURGE:
		table_redo_purge(table, record->day, lsn);
		return true;
	case RECORD_GROUP:
		return apply_members(redo, table, record, lsn, error);
	case RECORD_STATUS:
		return purged(table, record->day) || table_redo_change(table, record->session, record->status, lsn,
								       record->at_ms, record->hold_seconds, error);
	case RECORD_MOVE:
		return redo_move(table, record, lsn, error);
	case RECORD_BUSY:
		return apply_busy(table, record, lsn, error);
	case RECORD_HOURS:
	case RECORD_CALENDAR:
		return apply_setting(table, record, lsn, error);
	case RECORD_IMPORT:
		/* No snapshot is begun before an import has ended. */
		return error_set(error, ERROR_DAMAGED,
				 "the record at lsn %" PRIu64 " imports a session behind the begin of a snapshot", lsn);
	}
	WRONG("record_decode lets no other type pass");
}

bool rebuild_begin(struct rebuild *rebuild, const struct snapshot_target *into, struct disk *disk,
		   struct log_start *start, struct error *error)
{
	*rebuild = (struct rebuild){.table = into->table, .crew = into->crew};
	if (!import_mark_absent(disk, error) || !snapshot_load(disk, into, &rebuild->found, error)) {
		return false;
	}
	const struct snapshot_found *found = &rebuild->found;
	const struct snapshot_info *info = &found->info;
	*start = snapshot_start(info);
	rebuild->newest_ms = info->created_at_ms > found->newest_ms ? info->created_at_ms : found->newest_ms;
	const bool done =
	    info->lsn == 0 || info->lsn != info->end_lsn || table_redo_done(rebuild->table, rebuild->crew, error);
	table_rest(rebuild->table, true);
	return done;
}

/* What the bookings among them will look at; returns how many. */
static size_t expect(const struct table *table, const struct record *records, size_t count,
		     struct table_prospect *prospects)
{
	size_t bookings = 0;
	for (size_t i = 0; i < count && bookings < TABLE_PROSPECTS_MAX; i++) {
		if (is_booking(&records[i])) {
			prospects[bookings] =
			    (struct table_prospect){.day = records[i].day, .minute = records[i].minute};
			table_expect(table, &prospects[bookings++], records[i].psychologist, records[i].client);
		}
	}
	return bookings;
}

void rebuild_ahead(const struct rebuild *rebuild, const struct record *records, size_t count)
{
	struct table_prospect prospects[TABLE_PROSPECTS_MAX];
	table_approach(rebuild->table, prospects, expect(rebuild->table, records, count, prospects));
}

void rebuild_tokens(const struct rebuild *rebuild, const struct record *records, size_t count,
		    struct rebuild_tokens *tokens)
{
	struct table *table = rebuild->table;
	uint64_t psychologists[RECORDS_AHEAD_MAX];
	uint64_t clients[RECORDS_AHEAD_MAX];
	CHECK(count <= RECORDS_AHEAD_MAX);
	for (size_t i = 0; i < count; i++) {
		if (is_booking(&records[i])) {
			psychologists[i] = intern_hash(&table->psychologists, records[i].psychologist);
			clients[i] = intern_hash(&table->clients, records[i].client);
			intern_prefetch(&table->psychologists, psychologists[i]);
			intern_prefetch(&table->clients, clients[i]);
		}
	}
	for (size_t i = 0; i < count; i++) {
		if (is_booking(&records[i])) {
			tokens[i] = (struct rebuild_tokens){
			    .psychologist =
				intern_restore_known(&table->psychologists, records[i].psychologist, psychologists[i]),
			    .client = intern_restore_new(&table->clients, records[i].client, clients[i]),
			};
		}
	}
}

/* Of what the snapshot covers, and what it may have? */
static bool is_covered(struct rebuild *rebuild, uint64_t lsn, uint64_t at_ms)
{
	rebuild->newest_ms = at_ms > rebuild->newest_ms ? at_ms : rebuild->newest_ms;
	rebuild->records += lsn > rebuild->found.info.lsn;
	return lsn <= rebuild->found.info.lsn;
}

/* The record has been applied. Was it the last that the snapshot may have? */
static bool passed(struct rebuild *rebuild, uint64_t lsn, struct error *error)
{
	if (lsn != rebuild->found.info.end_lsn) {
		return true;
	}
	table_rest(rebuild->table, false); /* for the crew */
	const bool done = table_redo_done(rebuild->table, rebuild->crew, error);
	table_rest(rebuild->table, true);
	return done;
}

bool rebuild_record(struct rebuild *rebuild, const struct record *record, uint64_t lsn, struct error *error)
{
	if (is_covered(rebuild, lsn, record->at_ms)) {
		return true;
	}
	apply_f *apply = lsn > rebuild->found.info.end_lsn ? replay_apply : redo;
	return apply(rebuild->table, record, lsn, error) && passed(rebuild, lsn, error);
}

bool rebuild_book(struct rebuild *rebuild, const struct rebuild_booking *booking, struct error *error)
{
	if (is_covered(rebuild, booking->lsn, booking->at_ms)) {
		return true;
	}
	const bool strictly = booking->lsn > rebuild->found.info.end_lsn;
	return (strictly ? book : book_again)(rebuild->table, booking, error) && passed(rebuild, booking->lsn, error);
}
