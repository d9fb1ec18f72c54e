/*
 * replay: the table again, from the log [I4], or from a snapshot and the log.
 *
 * Every record is applied by a restore function of the table, which refuses what cannot have been: a slot booked twice, a
 * session cancelled twice, hours that overlap. One tolerance: what concerns days that an earlier PURGE took away is skipped.
 * A worker may have appended such a record just behind the PURGE of another worker; both orders end in the same table.
 *
 * Threads: one, before anybody else looks at the table; or two, as log/relay.h says.
 */
#pragma once

#include <log/record.h>
#include <log/snapshot.h>
#include <slot/table.h>

/* From the newest sound snapshot, if there is one, and every record of the log in order:
 *
 *   rebuild_begin      the snapshot; *start is for opening the log
 *   rebuild_record     each record, those the snapshot covers too
 *   table_restore_done */
struct rebuild {
	struct table *table;
	uint32_t crew;
	struct snapshot_found found;
	uint64_t records;   /* applied */
	uint64_t newest_ms; /* the latest moment that any record, or the snapshot, says */
};

/* The table of `into` is empty, and borrowed. False as snapshot_load, if the snapshot contradicts itself, or if an import into
 * the directory was not finished. */
bool rebuild_begin(struct rebuild *rebuild, const struct snapshot_target *into, struct disk *disk,
		   struct log_start *start, struct error *error);
/* Of the next records, before the first is handed on (a record_ahead_f but for the type of the rebuild): a hint. */
void rebuild_ahead(const struct rebuild *rebuild, const struct record *records, size_t count);
/* Skips what the snapshot covers, applies blindly what it may have (slot/image.h), and strictly what comes then. */
bool rebuild_record(struct rebuild *rebuild, const struct record *record, uint64_t lsn, struct error *error);

/* rebuild_record of a BOOK or HOLD in two steps, which two threads can do one behind the other: first its tokens become
 * numbers, which concerns the tokens of the table and nothing else in it, and nobody else has to do with these meanwhile; then
 * the rest. Of some next records, up to RECORDS_AHEAD_MAX; 0 where there is no address space, of other types nothing. */
struct rebuild_tokens {
	uint32_t psychologist;
	uint32_t client;
};
void rebuild_tokens(const struct rebuild *rebuild, const struct record *records, size_t count,
		    struct rebuild_tokens *tokens);
struct rebuild_booking {
	uint64_t lsn;
	uint64_t session;
	uint64_t at_ms;
	uint32_t psychologist;
	uint32_t client;
	uint16_t day;
	uint16_t minute;
	uint16_t minutes;
	uint16_t hold_seconds;
};
bool rebuild_booking_of(const struct record *record, uint64_t lsn, struct rebuild_tokens tokens,
			struct rebuild_booking *booking, struct error *error);
bool rebuild_book(struct rebuild *rebuild, const struct rebuild_booking *booking, struct error *error);

/* Applies one record; false, with what contradicts it, if the table cannot be in the state it was written in. */
bool replay_apply(struct table *table, const struct record *record, uint64_t lsn, struct error *error);
