/*
 * table: every slot and session, and the claim.
 *
 * Slots are records of 16 bytes (key, claim word) that never move, found through a lock-striped index. The stripe lock
 * guards which slots there are; the claim word (slot/claim.h) guards whose a slot is. Claims and reads take no lock.
 *
 * A claim, in order [I1, I4, I5]:
 *   1. table_find, table_view: the slot and one consistent look at it
 *   2. table_session_take: a session record (everything that can fail is behind us now)
 *   3. table_claim: the compare-and-swap. Lost? Someone changed the slot since the look: look again.
 *   4. append the record to the log (serve/desk.c); it gives the lsn
 *   5. table_settle: the session's state now carries the lsn, and others may answer from it
 *
 * Several claims, moves and changes of sessions at once, all or none (serve/desk_group.c): steps 1 and 2 for all, then 3 for
 * all, first the states of sessions in order of their ids (also of one that is only to stay as it is: table_keep), then the
 * words of slots in order of their keys, without waiting for anybody: who is in step 3 holds what others wait for. If one is
 * lost, those that were made are taken back (table_unclaim, table_move_give, table_change_undo), and it starts from 1. Then one
 * record, and settle all.
 *
 * An OPEN, in order, the same way [I2, I4, I5], under the hours lock:
 *   1. table_overlap for each slot
 *   2. table_add for each, with a CLOSED word (everything that can fail is behind us now; if it fails, table_remove
 *      those that were added). From here on others who come across the slot wait, as for a state that is not settled.
 *      Not added: the slot is there already, made by a claim if it is unlisted; leave it out of the record.
 *   3. append the record of those that were added; it gives the lsn
 *   4. table_open for each
 * A CLOSE is table_close for each, append, table_remove for each.
 *
 * Days: for each psychologist and day with a listed slot there is a day card, an entry of the same index keyed by
 * KEY_MINUTE_CARD, whose word is a bitmap: bit b is set if a slot starts in the 24 minutes from b * 24. A day is listed
 * by asking for the 24 minutes of each set bit, without scanning the table. Bits are set before a slot appears and
 * never cleared while the day has slots; the card stays until its day is purged.
 *
 * A move of a session to another slot (RESCHEDULE), in order, under the lock of moves up to the append, waiting for
 * nobody in it:
 *   1. table_view of the new slot, table_session_view of the session: before the lock
 *   2. table_move: the session's state by compare-and-swap to (rescheduled, version + 1, not settled), then the new slot's
 *      word, so that nobody ever sees both slots free; lost it? the state is put back, and it starts from 1
 *   3. append the record; it gives the lsn
 *   4. table_moved: the old slot is open again (one that no OPEN made is no more), and the state is settled
 *
 * Overlap [I9]: which slots a psychologist has is changed under that psychologist's hours lock, so that OPEN can look
 * at the neighbours and add its own without others in between. Unlisted slots are outside the hours: found by their exact
 * key only, on no card, in no day, and they do not overlap.
 *
 * Blocked slots. A slot that nobody occupies is blocked, its word BLOCKED instead of OPEN, exactly while the psychologist is
 * busy (slot/busy.h) at some minute of it. Nothing remembers that but the word: whoever changes a set, or frees or opens a
 * slot, sees to it, and the end of replay derives it for all. Why nobody is missed:
 *   - who changes a set does it under the hours lock, and then looks at the slots again, a day at a time, each time under the
 *     hours lock: by then the set may have changed once more, which does no harm, since it goes by the present one
 *   - who opens a slot does so under the hours lock
 *   - who frees a slot looks at the set after it has changed the session's state and before that is settled
 *     (table_settle, table_moved). Is its look before the change of the set, then the one who changed that finds the
 *     session not settled, waits, and looks again; is it after, it sees the new set.
 * A claim does not look at sets at all: it compares with a word that says OPEN. One that wins while a set is being changed
 * is a conflict like any other, and stays.
 *
 * Memory [I5]. The table does its own accounts; callers only say whether a booking is promised, which it is if the slot
 * is listed (minutes != 0). What is promised at any moment is TABLE_BOOKING_BYTES for each listed slot that no session
 * occupies. In the order of a slot's life:
 *   table_add            takes TABLE_SLOT_BYTES; if the word is a listed slot's, as much again if the day needs its
 *                        card, and promises TABLE_BOOKING_BYTES
 *   intern_add, table_session_take      take their bytes
 *                        (these three refuse when memory is spent; with `promised`, they do not ask the limit)
 *   table_claim          if it wins a listed slot, ends the promise these two were taken on
 *   table_session_give   gives the bytes of the session back; a token stays
 *   table_change         if it frees a listed slot, promises again, regardless of the limit
 *   table_move           ends the promise of the slot it takes, and promises the one it leaves again, if they are listed
 *   table_remove, table_purge_reclaim   give back the slot's bytes, its promise if there is one, the sessions' bytes
 * Between its intern_add and the end of its table_claim a thread has up to TABLE_BOOKING_BYTES beyond the limit; a
 * client who loses leaves a token. Slots that are cancelled and booked again and again by new clients grow the table
 * beyond the limit until a purge: that a slot is bookable comes first.
 *
 * Synchronization (- free, H the caller holds the hours lock of that psychologist, X caller excludes everybody):
 *   find, view, claim, unclaim, change, settle, day, session take and give    -
 *   add (of an unlisted slot), purge_horizon, purge_reclaim           -
 *   add (of a listed slot), open, overlap, close, remove              H
 *   move                                                              holds the lock of moves
 *   restore_*, count, check                                           X
 *
 * Lock order: hours lock or lock of moves, then stripe lock or pool lock; of either pair never both.
 */
#pragma once

#include <base/intern.h>
#include <base/pool.h>
#include <slot/busy.h>
#include <slot/claim.h>
#include <slot/key.h>
#include <slot/session.h>
#include <slot/settings.h>
#include <slot/thread.h>
#include <slot/zone_map.h>

#define TABLE_HOURS_LOCKS 256

struct slot {
	_Atomic uint64_t key;
	_Atomic uint64_t word; /* slot/claim.h */
};

struct table {
	/* const after table_init */
	struct memory *memory;
	uint64_t seed;
	/* shared, each with its own protocol */
	struct pool slots;
	struct pool sessions;
	struct index index;
	struct intern psychologists;
	struct intern clients;
	/* A line apart from the tokens, which another thread takes in while the log is replayed (log/relay.h). */
	alignas(64) struct threads threads;
	/* guard which slots a psychologist has; psychologist number modulo TABLE_HOURS_LOCKS */
	struct lock hours[TABLE_HOURS_LOCKS];
	/* Held by who moves a session, from the look at the purge horizon to the append, and by a purge from its append until
	 * the horizon has risen: so the log never has a move of a session that an earlier purge took. Leaves below it: the
	 * log's staging lock. */
	struct lock moves;
	struct busy busy;
	struct settings settings;
	struct zone_map zones;
	bool
	    derives; /* false while records are restored, nobody else being at work; else true: see table_restore_done */
	_Atomic uint64_t removals; /* counts records given back to `slots`; the stamps of slot/claim.h */
	/* shared: written by table_remove and table_purge_horizon, read by all; each only grows */
	_Atomic uint32_t purged_before_day; /* days below it are gone */
	_Atomic uint64_t removed_lsn;       /* highest lsn that took slots out; stored before they go */
};

struct table_options {
	uint32_t stripe_count; /* a power of two */
	uint64_t seed;         /* of the hashes; secret */
};

/* `memory` is borrowed for the life of the table; what the table holds of it at the end is not credited. */
bool table_init(struct table *table, struct memory *memory, const struct table_options *options, struct error *error);
void table_fini(struct table *table);
/* Throws away what it holds: it is again as after table_init, and nothing of `memory` is taken. Nobody else may be at work, on
 * the table or on the memory. False: it is as after table_fini. */
bool table_clear(struct table *table, struct error *error);

/* What a listed slot costs when opened, and what is promised for its booking [I5]. Bytes. */
#define TABLE_SLOT_BYTES    (sizeof(struct slot) + INDEX_BYTES_PER_ENTRY)
#define TABLE_SESSION_BYTES (sizeof(struct session) + sizeof(session_change))
#define TABLE_BOOKING_BYTES (TABLE_SESSION_BYTES + INTERN_BYTES_MAX_WITH_WORD)

/* The slot with this key, or 0. */
uint32_t table_find(const struct table *table, uint64_t key);
void table_prefetch(const struct table *table, uint64_t key);

/* Of many claims at once, what each will look at is brought near before the first is made, so that the cache misses of
 * all overlap: a claim alone would wait for one after the other. Only hints: nothing is changed or depended on. */
struct table_prospect {
	uint64_t psychologist; /* hashes */
	uint64_t client;
	uint16_t day;
	uint16_t minute;
};
#define TABLE_PROSPECTS_MAX 32
/* The first step, for each: fills in the hashes of the tokens. */
void table_expect(const struct table *table, struct table_prospect *prospect, struct span psychologist,
		  struct span client);
/* The others, for all. */
void table_approach(const struct table *table, const struct table_prospect *prospects, size_t count);
/* Of many whose tokens are numbers by now: the slots with these keys, and what the clients' sessions hang on. */
void table_approach_slots(const struct table *table, const uint64_t *keys, const uint32_t *clients, size_t count);

/* What the answers "there is no such slot" and "no such session" depend on [I2]: the highest lsn that took any out.
 * Asked after looking in vain: it is stored before anything goes, so who misses something that went finds at least the
 * lsn that took it. (Asked before, the lsn of what goes between asking and looking would be missed.) Acquire; pairs
 * with table_remove and table_purge_horizon. */
uint64_t table_removed_lsn(const struct table *table);

/* One consistent look at a slot. */
struct slot_view {
	uint64_t word; /* what table_claim and table_close compare with */
	uint64_t key;
	uint64_t lsn; /* the highest lsn this look depends on; 0 for an unlisted slot that was never booked */
	enum claim_kind kind;
	bool free; /* OPEN, or the session no longer occupies it */
	uint16_t minutes;
	/* of the latest session, when kind is CLAIM_SESSION */
	uint64_t session;
	enum session_status status;
	uint32_t client;
	uint64_t expires_ms; /* of a held one; else 0 */
};

/* Looks, waiting for unsettled states. False if the record no longer is a slot with this key; view->lsn then says what
 * that depends on, and nothing else in it is set. A table_find from then on does not find this slot any more. */
bool table_view(const struct table *table, uint32_t slot, uint64_t key, struct slot_view *view);

/* A session record for a claim; 0 when memory is spent. `promised` as in pool_take. */
uint32_t table_session_take(struct table *table, bool promised);
/* Gives back a session that lost its claim and is not tried on another slot. */
void table_session_give(struct table *table, uint32_t session);

/* The claim: one compare-and-swap of the slot's word from what was seen (free) to this session, booked, not settled.
 * Fills in the session first. Returns its id, or 0 if the word was no longer the one seen; the session then is still
 * the caller's, to try again with or to give back. */
uint64_t table_claim(struct table *table, uint32_t slot, const struct slot_view *seen, uint32_t session,
		     uint32_t client, uint64_t at_ms);

/* The same for a hold: held, for so many seconds from at_ms on. */
uint64_t table_hold(struct table *table, uint32_t slot, const struct slot_view *seen, uint32_t session, uint32_t client,
		    uint64_t at_ms, uint16_t seconds);

/* Takes a claim back that was not settled, so that it never was: the slot has the word that was seen again, and the
 * session is given back. Who waits for the session finds it free, and looks at the slot again. */
void table_unclaim(struct table *table, uint32_t slot, const struct slot_view *seen, uint64_t id);

struct session_view {
	uint64_t state; /* what table_change compares with */
	uint64_t id;
	uint64_t key;
	uint64_t created_ms;
	uint64_t updated_ms;
	uint64_t lsn;
	enum session_status status;
	uint32_t version;
	uint32_t client;
	uint16_t minutes;
	uint64_t expires_ms; /* of a held one; else 0 */
};

/* One consistent, settled look at a session. False if there is none with this id. */
bool table_session_view(const struct table *table, uint64_t id, struct session_view *view);

/* Changes a session's status to one it may become: one compare-and-swap from the state seen to (status, version + 1,
 * not settled). False if the state was no longer the one seen. */
bool table_change(struct table *table, const struct session_view *seen, enum session_status status, uint64_t at_ms);
/* The same from held to held: for so many seconds from at_ms on. */
bool table_renew(struct table *table, const struct session_view *seen, uint64_t at_ms, uint16_t seconds);

/* The same in two steps, between which it can be taken back, the state then being the one seen again. `seconds`: 0 unless it
 * is held from now on. */
bool table_change_begin(struct table *table, const struct session_view *seen, enum session_status status);
void table_change_end(struct table *table, const struct session_view *seen, uint64_t at_ms, uint16_t seconds);
void table_change_undo(struct table *table, const struct session_view *seen);
/* Keeps everybody else from a session that is to stay as it is while others change with it: its state is not settled, by one
 * compare-and-swap from the state seen. table_change_undo ends that. False if the state was no longer the one seen. */
bool table_keep(struct table *table, const struct session_view *seen);

void table_moves_lock(struct table *table) ACQUIRE(table->moves);
void table_moves_unlock(struct table *table) RELEASE(table->moves);

/* Moves a session from its slot to another one that was seen free, minutes and all: rescheduled, version + 1, not settled.
 * False if either is no longer as it was seen, or its day has been purged: nothing has changed. */
bool table_move(struct table *table, const struct session_view *seen, uint32_t slot, const struct slot_view *to,
		uint64_t at_ms) REQUIRES(table->moves);
/* The same in steps, all of them and the append under the lock of moves:
 *   table_move_begin   the session's state; table_change_undo takes it back
 *   table_move_take    the word of the slot it goes to, which is as it was seen, or means a session that this group changed so
 *                      that it leaves the slot; table_move_give takes it back
 *   table_move_end     what else there is of the session: from here on it cannot be taken back */
bool table_move_begin(struct table *table, const struct session_view *seen, uint64_t key);
bool table_move_take(struct table *table, const struct session_view *seen, uint32_t slot, const struct slot_view *to);
void table_move_give(struct table *table, uint32_t slot, const struct slot_view *to);
void table_move_end(struct table *table, const struct session_view *seen, const struct slot_view *to, uint64_t at_ms);

/* The record of it is in the log at `lsn`: the slot it left (seen->key) is open from there on, or (true) blocked, or, if it was
 * unlisted, no more; or it is that of another session by now, which this group gave it to, and which is not settled. Settles
 * the session. */
bool table_moved(struct table *table, const struct session_view *seen, uint64_t lsn);

/* The ids of a client's sessions, the last made first, whatever their status: looks at up to `looks` sessions behind the cursor
 * (zeros: at the start); `ids` has room for as many. A session that was settled before the walk began, and whose day is not
 * purged, is among those of a walk from start to end; table_session_view says what became of it. */
enum thread_walk {
	THREAD_MORE,
	THREAD_END,
	THREAD_LOST, /* a purge took out where the walk was: it begins again, and what it gave so far counts for nothing */
};
uint32_t table_client_sessions(const struct table *table, uint32_t client, struct thread_cursor *cursor, uint64_t *ids,
			       uint32_t looks, enum thread_walk *walk);

/* Says which record made the session's present state; links a new session to its client's (slot/thread.h). Release; pairs
 * with session_wait_settled. True: by that the slot was freed, and it is blocked. */
bool table_settle(struct table *table, uint64_t id, uint64_t lsn);

/* Adds a slot with this key and word (OPEN or CLOSED; an unlisted one: claim_make(CLAIM_OPEN, 0, 0)) unless there is
 * one; a listed one is marked on its day card. Returns the slot that is there now and says in *added whether it is this
 * one. 0 when memory is spent; with `promised`, which does not ask the limit, only when address space is. */
uint32_t table_add(struct table *table, uint64_t key, uint64_t word, bool promised, bool *added);

/* The slot was added CLOSED, and the record that opens it is in the log at `lsn`: from here on it is open, or (true)
 * blocked. */
bool table_open(struct table *table, uint32_t slot, uint64_t lsn);

/* What the psychologist's calendars make of a slot that was looked at. */
enum table_busy {
	TABLE_BUSY_STANDS,    /* it is as they say */
	TABLE_BUSY_BLOCKED,   /* from now on */
	TABLE_BUSY_UNBLOCKED, /* from now on it is open */
	TABLE_BUSY_CONFLICT,  /* occupied, although they are busy */
	TABLE_BUSY_AGAIN,     /* it has changed since the look */
};
/* Are they busy at some minute of a listed slot that this group, or whoever asks, is about to free? *lsn is raised. */
bool table_is_busy(struct table *table, uint64_t key, uint16_t minutes, uint64_t *lsn);
/* Makes a listed slot as they say. *lsn is raised to what that depends on. Hours lock held. */
enum table_busy table_derive(struct table *table, uint32_t slot, const struct slot_view *seen, uint64_t *lsn);

/* Starts taking a free or blocked slot out: compare-and-swap of its word to CLOSED. Not for an unlisted slot that was never
 * booked (seen->lsn == 0): no record made it, so none can close it. */
bool table_close(struct table *table, uint32_t slot, const struct slot_view *seen);
/* Ends it, the record being in the log at `lsn`: out of the index, and back to the pool. Also takes back a table_add of
 * a CLOSED slot, with lsn 0. */
void table_remove(struct table *table, uint32_t slot, uint64_t lsn);

void table_hours_lock(struct table *table, uint32_t psychologist)
    ACQUIRE(table->hours[psychologist % TABLE_HOURS_LOCKS]);
void table_hours_unlock(struct table *table, uint32_t psychologist)
    RELEASE(table->hours[psychologist % TABLE_HOURS_LOCKS]);

/* settings_set, and, of hours, the zone of the psychologist's clock (zone_map_get). One change of a psychologist's hours at a
 * time: the hours lock, or replay. */
enum settings_outcome table_set(struct table *table, enum setting_kind kind, uint32_t psychologist, struct span text,
				bool promised, settings_append_f *append, void *context, uint64_t *lsn);

/* Most slots one day can have. */
#define TABLE_DAY_SLOTS_MAX MINUTES_PER_DAY

/* The listed slots of a psychologist's day in order of time; returns how many. `slots` has room for TABLE_DAY_SLOTS_MAX. Each
 * was there at some moment of the call; table_view tells whether it still is. */
size_t table_day(const struct table *table, uint32_t psychologist, uint16_t day, uint32_t *slots);

/* Would a slot of `minutes` at this key overlap a listed one (but for one at the very key)? Looks at the day before,
 * the day, and the day after. Sets *other to the key it hits. */
bool table_overlap(const struct table *table, uint64_t key, uint16_t minutes, uint64_t *other);

/* At least as many slots and clients as there are will be added, or (false) nobody knows (base/index.h). Any thread. */
void table_hurry(struct table *table, bool hurries);
/* One thread alone has to do with slots, sessions and threads from here on, or (false) no more: their locks rest. Tokens are
 * not meant. */
void table_rest(struct table *table, bool rests);

/* Replay [I4]: apply what a record says, strictly. False, with what contradicts it (ERROR_DAMAGED), if the table cannot
 * be in the state the record was written in. One thread, before the server serves. The limit of memory is not asked:
 * what was acknowledged is taken back in; ERROR_NO_MEMORY if not even address space is left. A booking of a day below
 * the purge horizon only uses up its session id. `minutes` are those of the slot, 0: no OPEN made it. `hold_seconds`: 0
 * unless held. */
bool table_restore_booking(struct table *table, uint64_t key, uint32_t client, uint64_t id, uint64_t lsn,
			   uint64_t at_ms, uint16_t minutes, uint16_t hold_seconds, struct error *error);
bool table_restore_change(struct table *table, uint64_t id, enum session_status status, uint64_t lsn, uint64_t at_ms,
			  uint16_t hold_seconds, struct error *error);
bool table_restore_move(struct table *table, uint64_t id, uint64_t from_key, uint16_t from_minutes, uint64_t key,
			uint16_t minutes, uint64_t lsn, uint64_t at_ms, struct error *error);
bool table_restore_open(struct table *table, uint64_t key, uint16_t minutes, uint64_t lsn, struct error *error);
bool table_restore_close(struct table *table, uint64_t key, uint64_t lsn, struct error *error);
/* Before the first record, in a table that was served from and has no slot and no session: as it was at the start. */
void table_restore_begin(struct table *table);
/* After the last record: makes the pools ready for others, and blocks what the calendars say. */
void table_restore_done(struct table *table);

/* PURGE. First table_purge_horizon (days below `day` are gone from now on: find and session_view no longer see them),
 * then table_purge_reclaim in slices until it returns false. Other threads may be in the middle of anything, also on
 * such a slot or session: reclaiming waits for states to be settled and takes records by compare-and-swap (session to
 * FREE, slot to CLOSED), so the other's own compare-and-swap fails or came first. What somebody who looked at the
 * horizon before it moved adds behind the cursor is out of sight, too, and goes with the next purge. */
void table_purge_horizon(struct table *table, uint16_t day, uint64_t lsn);
struct purge_cursor {
	uint32_t slot;               /* the last one done with */
	uint32_t session;            /* the same, of sessions: they come after the slots */
	struct thread_cursor thread; /* in the thread of the next one, which is being swept */
	uint64_t removed_open;       /* slots that were free, but for unlisted ones that were never booked */
	uint64_t removed_booked;     /* slots that were occupied */
	uint64_t removed_blocked;
	uint64_t removed_held;
};
/* Looks at up to `count` records, and links of threads, from the cursor on. False when there are no more. */
bool table_purge_reclaim(struct table *table, struct purge_cursor *cursor, uint32_t count);

/* How many slots there are in each state, counted as removed_open and so on; a walk over all of them by so many threads
 * (base/crew.h), after replay, while nobody else is at work. */
struct table_counts {
	uint64_t open;
	uint64_t booked;
	uint64_t held;
	uint64_t blocked;
};
void table_count(const struct table *table, uint32_t crew, struct table_counts *counts);

/* Walks everything and CHECKs what must hold: every indexed slot has its key and a valid word, every SESSION word
 * points to a session with that key and generation, no two listed slots of a psychologist overlap, every slot is on its
 * card. For tests; nobody else may be at work. */
void table_check(const struct table *table);
