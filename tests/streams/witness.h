/*
 * witness: the log, record by record, beside the model: was each record allowed in the state the records before it had made?
 * And what the model said of each slot and session at each lsn, to judge what clients were told (told.h).
 *
 * A log is read on after each crash. Everything is kept for as long as the log lives.
 *
 * Threads: one.
 */
#pragma once

#include <history/agenda.h>
#include <log/record.h>
#include <model/timeline.h>

#define WITNESS_NONE UINT32_MAX

/* What a session was from this lsn on. */
struct turn {
	uint64_t lsn;
	uint64_t updated_ms;
	uint64_t expires_ms; /* of a hold, else 0 */
	uint32_t older;      /* index of the turn before, or WITNESS_NONE */
	uint32_t version;
	uint16_t hold_seconds;
	uint8_t status;
	uint8_t slot; /* of the agenda */
};

/* A session, in the order they were made: as in the model. */
struct story {
	uint32_t newest; /* turn */
	uint32_t client;
	uint32_t before; /* the client's session before this one, or WITNESS_NONE */
	uint64_t created_ms;
};

/* How many sessions of a client were held from this lsn on, by the log. */
struct holding {
	uint64_t lsn;
	uint32_t older;
	uint32_t count;
};

struct holder {
	uint32_t newest_session; /* or WITNESS_NONE, both */
	uint32_t newest_holding;
};

/* A BUSY. Its slots follow one by one: until `until_lsn`, slots may be blocked by it or not. */
struct sync {
	uint64_t lsn;
	uint64_t until_lsn; /* UINT64_MAX: nobody knows yet */
	uint64_t generation;
	uint64_t at_ms;
	uint32_t psychologist;
};

/* A claim of a slot that a calendar was busy over. */
struct late_claim {
	uint64_t lsn;
	uint32_t psychologist;
};

/* A growing array. */
struct list {
	void *items;
	size_t count;
	size_t capacity;
};

struct witness {
	const struct agenda *agenda;
	uint16_t near_day; /* the slots of this day have started, if: */
	bool started;
	struct model model;
	uint64_t lsn; /* the newest record */
	uint64_t removed_lsn;
	struct timeline slots[AGENDA_SLOTS_MAX];
	struct list turns;       /* struct turn */
	struct list stories;     /* struct story */
	struct list holdings;    /* struct holding */
	struct list holders;     /* struct holder, by client */
	struct list syncs;       /* struct sync */
	struct list late_claims; /* struct late_claim */
};

#define WITNESS_HOLDS_PER_CLIENT 3

/* Of an empty log. */
void witness_init(struct witness *witness, const struct agenda *agenda, uint16_t near_day);
void witness_fini(struct witness *witness);

/* The next record. False: it is not allowed; *error says why. */
bool witness_record(struct witness *witness, const struct record *record, uint64_t lsn, struct error *error);

/* Has the slot started? */
bool witness_has_started(const struct witness *witness, uint32_t slot);
/* The number of a session in `stories`, or WITNESS_NONE. */
uint32_t witness_story(const struct witness *witness, uint64_t id);
/* The model's name for a slot. */
uint64_t witness_key(const struct witness *witness, uint32_t slot);
/* What the model says of a slot, and of a session that a record changed or made, is so from this lsn on. */
void witness_note_slot(struct witness *witness, uint32_t slot, uint64_t lsn);
void witness_note_session(struct witness *witness, uint64_t id, const struct record *record, uint64_t lsn);
/* Which slot of the agenda a record names, or agenda->count. */
uint32_t witness_slot(const struct witness *witness, struct span psychologist, uint16_t day, uint16_t minute);

/* What slotd-replay --dump is to print, but for the session ids that were used up by claims that lost. */
void witness_dump(const struct witness *witness, struct buffer *out);

static inline const struct turn *witness_turn(const struct witness *witness, uint32_t turn)
{
	return (const struct turn *)witness->turns.items + turn;
}

static inline const struct story *witness_story_at(const struct witness *witness, uint32_t story)
{
	return (const struct story *)witness->stories.items + story;
}

/* Adds an item of `size` bytes, and returns its index. */
uint32_t list_add(struct list *list, const void *item, size_t size);
