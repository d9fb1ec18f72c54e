/*
 * group: changes of several sessions that happen together or not at all: BOOKALL, BOOKANY, and what MULTI queues.
 *
 * A group is a list of changes, judged in their order: each finds slots and sessions as those before it leave them, so that a
 * CANCEL and a BOOK of the same slot may stand in one group. If one is refused, nothing happens. What happened is one record
 * of the log with one lsn, and nobody sees a part of it [I1, I2, I4].
 *
 * A session is changed once in a group: a second change of it is refused (OUTCOME_TWICE), unless what it asks for stands
 * already [I10]. So each member of the record says on its own what its session is from then on, which a snapshot needs
 * (slot/image.h), and what is taken back if a swap is lost is one step of each session.
 *
 *   group_init -> group_add, group_add_place ... -> desk_group -> read the outcomes
 *
 * Threads: a group belongs to one thread; desk_group any, at the same time.
 */
#pragma once

#include <serve/desk.h>

enum group_verb {
	/* The first of its places that is free; one of them that is the client's already stays so, or, if the client holds it,
	 * is booked [I10]. */
	GROUP_BOOK,
	GROUP_HOLD,   /* as desk_hold; one place */
	GROUP_MOVE,   /* as desk_reschedule; one place, whose psychologist may be empty: the same as before */
	GROUP_CHANGE, /* as desk_change, desk_cancel, desk_renew */
};

struct group_change {
	enum group_verb verb;
	enum life_command command; /* CHANGE: COMMIT, RENEW, CANCEL, CONFIRM, COMPLETE or NO_SHOW */
	/* BOOK, HOLD, MOVE: the places of the group from `first` on, so many */
	uint32_t first;
	uint32_t count;
	struct span client;    /* BOOK, HOLD */
	uint64_t session;      /* MOVE, CHANGE */
	struct span reason;    /* CANCEL */
	uint16_t hold_seconds; /* HOLD, RENEW */
	/* after desk_group */
	struct outcome outcome; /* DONE: value is BOOK's and HOLD's session; otherwise what is in the way */
	uint32_t place;         /* BOOK, done: which place of the group it is */
};

/* Spans are borrowed from whoever fills it in. */
struct group {
	struct group_change changes[GROUP_SLOTS_MAX];
	struct place places[GROUP_SLOTS_MAX];
	uint32_t change_count;
	uint32_t place_count;
	uint32_t slot_count; /* places, and sessions named: what GROUP_SLOTS_MAX bounds */
};

void group_init(struct group *group);
/* Adds a change; NULL if it is full. The places of a BOOK, HOLD or MOVE are added behind it. */
struct group_change *group_add(struct group *group, enum group_verb verb);
/* Adds a place to the last change; NULL if the group is full. */
struct place *group_add_place(struct group *group);

/* Does all of it or nothing. DONE: each change has its outcome. Otherwise the first refusal, and each change that is
 * refused has its own. */
struct outcome desk_group(struct desk *desk, struct group *group);
