/*
 * desk_round: one attempt at a group. desk_judge.c looks and judges, desk_group.c takes and finishes.
 *
 * Threads: a round belongs to one thread.
 */
#pragma once

#include <serve/group.h>

/* A slot the group is about. */
struct group_slot {
	uint64_t key;
	uint32_t slot;         /* 0: there is none, at `lsn` */
	uint64_t lsn;          /* what the look depends on */
	struct slot_view view; /* of the slot, if there is one */
	/* what the group does with it */
	const struct group_change *cancels; /* NULL: leaves it its session */
	const struct group_change *books;   /* NULL: does not book it */
	struct session_view ended;          /* the session that is cancelled */
	uint32_t session;                   /* taken for the booking; 0: none */
	uint32_t client;
	uint64_t id; /* of that session, once the slot is claimed */
};

struct group_round {
	struct desk *desk;
	struct group *group;
	uint64_t now_ms;
	size_t appended; /* bytes of records that were appended since the log was asked for room */
	struct group_slot slots[GROUP_SLOTS_MAX]; /* by key */
	uint32_t slot_count;
	uint64_t keys[GROUP_SLOTS_MAX]; /* of the group's places; 0: nobody knows the psychologist */
};

enum group_step {
	STEP_READY,
	STEP_REFUSED,
	STEP_AGAIN, /* somebody changed something in between */
};

/* The slots of the group, sorted, each looked at. READY or REFUSED: every change has its outcome. */
enum group_step round_judge(struct group_round *round);

/* The slot with this key; NULL if the group is not about it. */
struct group_slot *round_slot(struct group_round *round, uint64_t key);

/* Has the log room for a record of so many bytes, besides those that were appended already? It made room for one record of the
 * largest size, or has made more since [I5]. */
bool round_has_room(const struct group_round *round, size_t size);
