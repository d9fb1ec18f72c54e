/*
 * desk: a request in, an outcome out.
 *
 * The desk claims, the log remembers, the gate lets go. Every function here decides on the table, appends what it decided
 * to the log, and returns an outcome that carries the lsn it depends on; none of them waits for the disk and none writes a
 * reply. One BOOK:
 *
 *   find the slot -> look -> take a session -> compare-and-swap -> append -> settle -> outcome { id, lsn }
 *                                              [I1]                [I4]      [I2]
 *
 * Everything that can fail is behind us before the compare-and-swap [I5]: the worker has asked wal_has_room, memory was
 * promised when the slot was opened.
 *
 * Threads: any worker, at the same time; see slot/table.h for what keeps them apart.
 */
#pragma once

#include <base/bytes.h>
#include <log/wal.h>
#include <serve/service.h>
#include <slot/holds.h>
#include <slot/life.h>
#include <slot/table.h>

struct desk {
	/* const after start-up */
	struct service *service;
	struct memory *memory;
	struct table *table;
	const struct clock *clock;
	bool unlisted_slots;
	/* shared: each with its own protocol; holds from desk_restore on */
	struct holds holds;
	_Atomic int64_t hold_clock; /* ahead of the monotonic clock, ms; see desk_now_ms */
	/* shared: when hours are to be looked at next, wall clock; 0, now: at the start */
	_Atomic uint64_t hours_due_ms;
	uint64_t newest_ms; /* the newest moment in the log that was replayed; const from desk_restore_holds on */
	/* shared: NULL until replay is done, then stays; release by worker 0 (take_log), pairs with desk_wal */
	struct wal *_Atomic wal;
};

/* The log; NULL while it is being replayed. */
static inline struct wal *desk_wal(const struct desk *desk)
{
	return atomic_load_explicit(&desk->wal, memory_order_acquire);
}

/* An answer that depends on both depends on the later one [I2]. */
static inline uint64_t lsn_later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* The hold clock: by which holds are made and judged. It is the wall clock as long as that goes on; where the wall clock jumps
 * back it goes on by the monotonic clock, and over a restart from the newest moment in the log: so no hold that was over is
 * ever held again, whatever anybody does to the clock. Milliseconds since 1970. */
uint64_t desk_now_ms(struct desk *desk);

/* What became of a request. docs/PROTOCOL.md has the refusals. */
enum outcome_code {
	OUTCOME_DONE,         /* it happened, now or (asked again) before */
	OUTCOME_TAKEN,        /* another client has the slot */
	OUTCOME_HELD,         /* another client holds it for a while */
	OUTCOME_BLOCKED,      /* a calendar is busy over it */
	OUTCOME_NOSLOT,       /* nobody opened it */
	OUTCOME_PAST,         /* it has started, or was purged */
	OUTCOME_OVERLAP,      /* it would overlap a slot that is open */
	OUTCOME_STATE,        /* not from this status */
	OUTCOME_EXPIRED,      /* the session was a hold, which is over */
	OUTCOME_EARLY,        /* the slot has not started */
	OUTCOME_THERE,        /* RESCHEDULE: the session has that slot, and was not moved there */
	OUTCOME_TWICE,        /* the group has changed this session already (serve/group.h) */
	OUTCOME_NOSESSION,    /* no session has this id */
	OUTCOME_CLIENT_HOLDS, /* holds-per-client */
	OUTCOME_HOLDS,        /* holds-max */
	OUTCOME_HOLD_TOTAL,   /* hold-total-max */
	OUTCOME_FUTURE,       /* PURGE of days that are not over */
	OUTCOME_SOURCES,      /* busy-sources-max */
	OUTCOME_INTERVALS,    /* busy-intervals-max */
	OUTCOME_MEMORY,       /* maxmemory is reached */
	OUTCOME_UNFINISHED,   /* HOURS: see desk_hours; never an answer */
	OUTCOME_LIMIT,        /* more changes together than the log takes as one record, */
	OUTCOME_FULL,         /* or than it has room for at this moment */
};

struct outcome {
	enum outcome_code code;
	uint64_t lsn;               /* the answer may leave once this is durable [I2] */
	uint64_t value;             /* BOOK, HOLD: the session's id; OPEN, CLOSE: how many slots */
	uint64_t expires_ms;        /* HOLD, RENEW: when the hold is over; 0: it is booked by now */
	uint64_t key;               /* OVERLAP: the slot it hits */
	enum session_status status; /* STATE, EARLY: the one it has */
};

/* A point in a psychologist's hours; the token is valid (token_valid) and borrowed for the call. */
struct place {
	struct span psychologist;
	uint16_t day;
	uint16_t minute;
};

/* BOOK and CLAIM. `client` is a valid token. The client that has the slot gets its id again [I10]; a hold of its own is
 * committed. */
struct outcome desk_book(struct desk *desk, const struct place *place, struct span client);

/* HOLD, for `seconds` (1 to hold-ttl-max). The client that has the slot gets its id again, and the hold's time as it is. */
struct outcome desk_hold(struct desk *desk, const struct place *place, struct span client, uint16_t seconds);
/* RENEW: for `seconds` from now on, but not for longer than hold-total-max in all. */
struct outcome desk_renew(struct desk *desk, uint64_t session, uint16_t seconds);

/* Makes up to a slice of the holds that are over expired; true when there may be more of them. Nobody depends on it: whoever
 * comes across such a hold does the same. For worker 0, now and then. */
bool desk_sweep_holds(struct desk *desk);
/* After replay or an import, nobody else being at work: the table is ready for others, the holds that it has are known, the
 * hold clock goes on from the newest moment in the log, slots are counted for INFO. */
bool desk_restore(struct desk *desk, uint64_t newest_ms, struct error *error);
/* The part of it that is about holds. So many slots are held. */
bool desk_restore_holds(struct desk *desk, uint64_t newest_ms, uint64_t held, struct error *error);

/* COMMIT, CONFIRM, COMPLETE, NOSHOW, and time (EXPIRE), as slot/life.h has it. What stands already is done again [I10]. */
struct outcome desk_change(struct desk *desk, uint64_t session, enum life_command command);

/* Counts a claim that was refused: by reason, and by slot if it was another's. `place` is where. */
void desk_count_lost(struct desk *desk, const struct place *place, enum outcome_code code);

/* CANCEL. Cancelling what is cancelled is done again [I10]. `reason` goes into the log; may be empty. */
struct outcome desk_cancel(struct desk *desk, uint64_t session, struct span reason);

/* RESCHEDULE: the session goes to another slot, with the same psychologist if place->psychologist is empty. The new slot
 * is taken before the old one is free, in one record; if it is lost, the old one stays. To where it was moved already is
 * done again [I10].
 */
struct outcome desk_reschedule(struct desk *desk, uint64_t session, const struct place *place);

/* OPEN: `count` slots of `minutes`, one every `every` minutes, starting at `place`. All or none; those that are open
 * already with the same minutes are not counted. */
struct outcome desk_open(struct desk *desk, const struct place *place, uint16_t minutes, uint32_t count,
			 uint32_t every);

/* CLOSE: the free slots of the day, or the one at place->minute. Occupied ones stay; *occupied says how many. */
#define DESK_WHOLE_DAY MINUTES_PER_DAY
struct outcome desk_close(struct desk *desk, const struct place *place, uint64_t *occupied);

/* BUSY: replaces what a source of the psychologist has inside the window. The sets are as they should be at once, and the log
 * has it; which slots are blocked follows a slice at a time: desk_busy_step until it is false, whatever becomes of who
 * asked. */
struct busy_walk {
	uint32_t psychologist;
	struct busy_interval window;
	uint32_t day; /* the next; a slot of the day before the window may reach into it */
	uint32_t last_day;
	uint64_t lsn;
	/* slots that overlap the window */
	uint64_t blocked;
	uint64_t unblocked;
	uint64_t conflicts; /* occupied, although a source is busy */
};
/* DONE, with a walk that is over if the generation is older than the source's. `update` without its psychologist. */
struct outcome desk_busy(struct desk *desk, struct span psychologist, const struct busy_update *update,
			 struct busy_walk *walk);
bool desk_busy_step(struct desk *desk, struct busy_walk *walk);

/* HOURS SET, and (`hours` empty) DEL: weekly hours as hours_write has them. DONE: they are set, to be carried out by
 * desk_hours_step; what is set like this already stands. UNFINISHED: those set before are to be carried out first. */
struct outcome desk_hours(struct desk *desk, uint32_t psychologist, struct span hours);

/* Carries them out a few days at a time: opens what they have up to `horizon-days` ahead and closes what they do not have any
 * more. Nobody has to have asked for it. */
enum hours_step {
	HOURS_STEP_MORE,
	HOURS_STEP_DONE,    /* until next_ms */
	HOURS_STEP_NO_ROOM, /* in the log, for now */
	HOURS_STEP_MEMORY,  /* it is spent */
	HOURS_STEP_NO_ZONE, /* the system does not know it */
};
struct hours_progress {
	uint64_t lsn;     /* raised to what all of it depends on */
	uint64_t next_ms; /* wall clock: the next midnight there; UINT64_MAX: there are no hours */
	/* slots, added up */
	uint64_t opened;
	uint64_t closed;
	uint64_t occupied; /* that would have been closed */
	uint64_t overlaps; /* that would have been opened */
};
enum hours_step desk_hours_step(struct desk *desk, uint32_t psychologist, struct hours_progress *progress);
/* Asks the availability service (serve/availability.h) to look at all hours at that moment, if it would not before. */
void desk_hours_look_by(struct desk *desk, uint64_t wall_ms);

/* CALENDAR SET, and (`url` empty) DEL. What is set like this already stands. */
struct outcome desk_calendar(struct desk *desk, struct span psychologist, struct span url);

/* PURGE: everything before `day` is gone at once; its memory comes back with desk_purge_slice. */
struct outcome desk_purge(struct desk *desk, uint16_t day);
/* Reclaims a slice; false when there is nothing left, cursor->removed_* then says how many slots are gone. */
bool desk_purge_slice(struct desk *desk, struct purge_cursor *cursor);

/* A look at one slot. False: there is none; *lsn is what either answer depends on. A hold that is over is made expired first,
 * so that the answer depends on a record that says so; on a full disk the clock alone judges. */
bool desk_slot(struct desk *desk, const struct place *place, struct slot_view *view, uint64_t *lsn);

/* The slots of a psychologist's days, in order; `visit` is called for each; a hold that is over is shown as free. Returns the
 * lsn the whole depends on. */
typedef void desk_visit_f(void *context, const struct slot_view *view);
uint64_t desk_slots(struct desk *desk, struct span psychologist, uint16_t from_day, uint16_t to_day,
		    desk_visit_f *visit, void *context);

/* A look at one session, as desk_slot. False: there is none. */
bool desk_session(struct desk *desk, uint64_t id, struct session_view *view, uint64_t *lsn);
