/*
 * model: the hours and sessions of slotd, obviously right and as slow as that takes: one lock, arrays, linear search (but
 * for a session by its id, of which there may be a million).
 *
 * What table and desk do is compared with it. It knows no lsn, no log and no memory, and gives no ids: the ids of new
 * sessions are whatever the other side says, which must not repeat itself.
 *
 * Threads: any; one lock around everything.
 */
#pragma once

#include <base/lock.h>
#include <slot/key.h>
#include <slot/life.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum model_outcome {
	MODEL_DONE,
	MODEL_TAKEN,
	MODEL_NOSLOT,
	MODEL_OVERLAP,
	MODEL_OCCUPIED, /* CLOSE: the slot stays */
	MODEL_NOSESSION,
	MODEL_STATE,
	MODEL_PAST, /* purged, or started */
	MODEL_EXPIRED,
	MODEL_EARLY,
	MODEL_HELD,
	MODEL_BLOCKED,
	MODEL_LIMIT,
	MODEL_THERE,
	MODEL_TWICE, /* said by who asks for several changes together (tests/sim/sim_group.h) */
};

const char *model_outcome_name(enum model_outcome outcome);

struct model_slot {
	uint64_t key;
	uint16_t minutes; /* 0: unlisted */
	uint32_t client;  /* 0: free */
	uint64_t session; /* of the client */
};

struct model_session {
	uint64_t id;
	uint64_t key;
	uint32_t client;
	enum session_status status;
	uint32_t version;
	uint64_t created_ms;
	uint64_t expires_ms; /* of a held one; else 0 */
};

/* What a source says, minute by minute: civil minutes since 1970. */
struct model_interval {
	uint32_t psychologist;
	uint32_t source;
	uint32_t start;
	uint32_t end;
};

struct model_source {
	uint32_t psychologist;
	uint32_t source;
	uint64_t generation;
};

struct model {
	struct lock lock;
	bool unlisted_slots;
	uint16_t purged_before_day;
	/* the civil clock, as far as anybody told the model */
	uint16_t now_day;
	uint16_t now_minute;
	/* the hold clock, the same, and the limits of holds; 0: none */
	uint64_t hold_now_ms;
	uint64_t hold_total_ms;
	uint32_t holds_per_client;
	struct model_slot *slots;
	size_t slot_count;
	struct model_session *sessions;
	size_t session_count;
	/* where in `sessions` an id is, plus 1: linear probing from its hash on; 0 is an empty place */
	uint32_t *places;
	size_t place_count; /* a power of two, or 0 */
	struct model_interval *intervals;
	size_t interval_count;
	struct model_source *sources;
	size_t source_count;
};

void model_init(struct model *model, bool unlisted_slots);
void model_fini(struct model *model);

/* A copy of its own, for trying what may be refused as a whole. */
void model_copy(struct model *copy, const struct model *model);
/* What the copy has become is the model from now on; the copy is no more. */
void model_take_over(struct model *model, struct model *copy);

/* *opened is false if the slot was there already. */
enum model_outcome model_open(struct model *model, uint64_t key, uint16_t minutes, bool *opened);
enum model_outcome model_close(struct model *model, uint64_t key);
/* BOOK, for which the other side gave out `session` if it is a new one. DONE: *session is the id the client must be
 * told. A hold of its own is booked. *changed is false if it was booked already. */
enum model_outcome model_book(struct model *model, uint64_t key, uint32_t client, uint64_t *session, bool *changed);
/* HOLD, the same way. *changed is false if the client has the slot already. */
enum model_outcome model_hold(struct model *model, uint64_t key, uint32_t client, uint16_t seconds, uint64_t *session,
			      bool *changed);
enum model_outcome model_renew(struct model *model, uint64_t session, uint16_t seconds);
/* Is it held, and over by the hold clock? Then it is not anybody's any more, whether somebody said so or not. */
bool model_is_over(struct model *model, uint64_t session);
/* Says so. False if it is not. */
bool model_expire(struct model *model, uint64_t session);

/* What becomes of a session: the model's own account of slot/life.h, whose facts are given. *changed is false for what
 * stands already. */
enum model_outcome model_change(struct model *model, uint64_t session, enum life_command command, unsigned facts,
				bool *changed);
/* RESCHEDULE to the slot at `key`. *changed is false if the session was moved there already. */
enum model_outcome model_move(struct model *model, uint64_t session, uint64_t key, bool *changed);
void model_purge(struct model *model, uint16_t day);
/* BUSY: the source has these intervals inside the window from now on (source and psychologist are set in each), and else what
 * it had. *changed is false, and nothing happens, if it has a later generation; or if that is so already. Returns whether the
 * generation was not too late. */
bool model_update_busy(struct model *model, const struct model_interval *window, uint64_t generation,
		       const struct model_interval *intervals, size_t count, bool *changed);
/* Is the slot one that nobody has, or had for a while that is over, and a source of the psychologist is busy at some minute of
 * it? */
bool model_is_blocked(struct model *model, uint64_t key);

/* Has what begins at this key started? */
bool model_has_started(const struct model *model, uint64_t key);
/* False if there is none. */
bool model_slot(struct model *model, uint64_t key, struct model_slot *slot);
bool model_session(struct model *model, uint64_t id, struct model_session *session);
/* How many sessions were made before this one, itself included; 0: there is none. As long as nothing is purged. */
size_t model_session_number(struct model *model, uint64_t id);
/* The slots of a day in order of time; `slots` has room for all minutes of a day. */
size_t model_day(struct model *model, uint32_t psychologist, uint16_t day, struct model_slot *slots);

/* Where ALTERNATIVES looks. */
struct model_search {
	uint64_t key;     /* the slot wanted */
	uint64_t not_to;  /* up to this time, as a key of the psychologist, everything is past */
	uint16_t days;    /* to each side */
	size_t count_max; /* of the answer */
};
/* The open slots nearest to the one wanted, nearest first, earliest first of those as near; returns how many. */
size_t model_alternatives(struct model *model, const struct model_search *search, struct model_slot *slots);
/* The client's sessions on these days in order of date, time and id; `sessions` has room for all. Returns how many. */
size_t model_sessions(struct model *model, uint32_t client, uint16_t from_day, uint16_t to_day,
		      struct model_session *sessions);
