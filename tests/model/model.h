/*
 * model: the hours and sessions of slotd, obviously right and as slow as that takes: one lock, arrays, linear search.
 *
 * What table and desk do is compared with it. It knows no lsn, no log and no memory, and gives no ids: the ids of new
 * sessions are whatever the other side says, which must not repeat itself.
 *
 * Threads: any; one lock around everything.
 */
#pragma once

#include <base/lock.h>
#include <slot/key.h>
#include <slot/session.h>
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
	MODEL_PAST, /* purged */
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
};

struct model {
	struct lock lock;
	bool unlisted_slots;
	uint16_t purged_before_day;
	struct model_slot *slots;
	size_t slot_count;
	struct model_session *sessions;
	size_t session_count;
};

void model_init(struct model *model, bool unlisted_slots);
void model_fini(struct model *model);

/* A copy of its own, for trying what may be refused as a whole. */
void model_copy(struct model *copy, const struct model *model);

/* *opened is false if the slot was there already. */
enum model_outcome model_open(struct model *model, uint64_t key, uint16_t minutes, bool *opened);
enum model_outcome model_close(struct model *model, uint64_t key);
/* BOOK, for which the other side gave out `session` if it is a new one. DONE: *session is the id the client must be
 * told. */
enum model_outcome model_book(struct model *model, uint64_t key, uint32_t client, uint64_t *session);
enum model_outcome model_cancel(struct model *model, uint64_t session);
void model_purge(struct model *model, uint16_t day);

/* False if there is none. */
bool model_slot(struct model *model, uint64_t key, struct model_slot *slot);
bool model_session(struct model *model, uint64_t id, struct model_session *session);
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
