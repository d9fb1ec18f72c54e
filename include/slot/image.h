/*
 * image: the table copied record by record while others change it, and the table again from such copies and the log.
 *
 * A copy of one record (a slot, a session, a token) is what the record was, settled, at some moment of the copying; the
 * moments of different records differ. What makes one state of them is the log. Let S be durable before the first record
 * was copied, and E appended after the last:
 *
 *   lsn <= S          every copy has it
 *   S < lsn <= E      a copy may have it or not: apply it blindly (table_redo_*), in order
 *   lsn == E          table_redo_done: the table is now that of lsn E, and is checked
 *   lsn > E           no copy has it: apply it strictly (table_restore_*)
 *
 * Why blind redo ends in the state of lsn E, whatever the copies had [I4]. A record says what its slot and session are from
 * then on, without asking what they were, so the last one up to E that concerns a slot decides; a slot that no record after
 * S concerns was copied as it was at S, which is as it is at E. In detail:
 *
 *   OPEN     the slot's word is OPEN with this lsn. Overlap is not asked: what it would hit may be about to be closed.
 *   CLOSE    the slot is no more; it may be missing already, since the copying did not see it any more.
 *   BOOK,    the slot's word is SESSION with this id, the slot made if it is missing (the record has its minutes); the
 *   HOLD     session's record is this session, booked or held, version 1, even if the copy is of a later session in the same
 *            place or of a later state: the records that led there follow.
 *   CANCEL,  those that build on what was (a version counts): skipped if the copied state has this lsn or a later one.
 *   STATUS
 *   MOVE     the slot it left is OPEN with this lsn (an unlisted one no more), the one it took has the session, as for BOOK and
 *            OPEN; the session as for STATUS.
 *   BUSY     the source has these intervals in the window. An update of an older generation than the copy's is ignored:
 *            then the copy had it before. Whether a slot is blocked is not copied, but derived at the end of replay.
 *   HOURS,   the whole setting, whatever the copy had: the last one counts.
 *   CALENDAR
 *   GROUP    each of its records, in their order, all of one lsn. A copy may have some of it and not the rest, as of any
 *            run of records: each says on its own what its slot and session are from then on, as no two are of the same
 *            session.
 *   IMPORT   there is none: an import has ended before the first snapshot begins.
 *   PURGE    the horizon rises. Below it slots and sessions may still come and go, until table_redo_done takes them out: the
 *            slots whatever they mean, the sessions giving up their id, as reclaiming does.
 *
 * Ids [I10]: a free session record is copied with its generation, so that no id is given out again. A session below the
 * horizon that was not reclaimed yet is given up at the end, which makes the same generation.
 *
 * Not copied: day cards (made again), whether a slot is blocked, unlisted slots that were never booked (no record made
 * them), counts of memory. Tokens are copied last, so that every number a copy uses is among them; they keep their numbers.
 *
 * Threads: copying, any, beside anything but restoring. Put: any that put, before there are others (of one session, one
 * thread). Redo: one, then.
 */
#pragma once

#include <slot/table.h>

struct slot_image {
	uint64_t key;
	uint64_t word;
};

/* A free record with a generation, too. */
struct session_image {
	uint64_t state;
	uint64_t key;
	uint64_t created_ms;
	uint64_t updated_ms;
	uint32_t number;
	uint32_t generation;
	uint32_t client;
	uint16_t minutes;
	uint16_t hold_seconds; /* of a held one; else 0 */
};

/* Copies the next records behind number *cursor (0: from the first), looking at up to `looks` records; there is room for
 * as many. Returns how many there are in `images`; *more is false once there is none behind. */
uint32_t table_copy_slots(const struct table *table, uint32_t *cursor, struct slot_image *images, uint32_t looks,
			  bool *more);
uint32_t table_copy_sessions(const struct table *table, uint32_t *cursor, struct session_image *images, uint32_t looks,
			     bool *more);

/* So many copies are to come: a hint, which saves the index from growing on the way. */
void table_expect_copies(struct table *table, uint64_t slots, uint64_t tokens);
/* Puts copies into a table that is being restored. Of one slot there may be several copies, of which one is as good as the
 * other (a slot that was closed and opened again is another record). False, with the reason, for what cannot be a copy
 * (ERROR_DAMAGED), or when address space is spent. */
bool table_put_slots(struct table *table, const struct slot_image *images, uint32_t count, struct error *error);
bool table_put_sessions(struct table *table, const struct session_image *images, uint32_t count, struct error *error);

bool table_redo_booking(struct table *table, uint64_t key, uint32_t client, uint64_t id, uint16_t minutes, uint64_t lsn,
			uint64_t at_ms, uint16_t hold_seconds, struct error *error);
bool table_redo_change(struct table *table, uint64_t id, enum session_status status, uint64_t lsn, uint64_t at_ms,
		       uint16_t hold_seconds, struct error *error);
bool table_redo_move(struct table *table, uint64_t id, uint64_t from_key, uint16_t from_minutes, uint64_t key,
		     uint16_t minutes, uint64_t lsn, uint64_t at_ms, struct error *error);
bool table_redo_open(struct table *table, uint64_t key, uint16_t minutes, uint64_t lsn, struct error *error);
void table_redo_close(struct table *table, uint64_t key, uint64_t lsn);
void table_redo_purge(struct table *table, uint16_t day, uint64_t lsn);

/* The last of S < lsn <= E has been applied, or there is none: takes out what is below the horizon, does the accounts of
 * memory, and sees that slots and sessions mean each other [I1]; a crew of so many does it. From here on table_restore_* apply.
 * False, with what contradicts itself, if copies and log cannot be of one table (ERROR_DAMAGED). */
bool table_redo_done(struct table *table, uint32_t crew, struct error *error);

/* As table_restore_booking and the like, of a session of another log that comes without its history (a record IMPORT):
 * if it keeps its slot, that is open, or (minutes 0) is added as an unlisted one; `unlisted`: so it is if it is free again. A
 * free image uses up the ids of its number below its generation. The lsn of the image is `lsn`. */
bool table_restore_session(struct table *table, const struct session_image *image, bool unlisted, uint64_t lsn,
			   struct error *error);

/* The whole table in words, in a defined order, one line a slot, session and used-up id: two tables that say the same are
 * the same to everybody, now and after any further records. Nobody else may be at work. */
void table_dump(const struct table *table, struct buffer *out);
