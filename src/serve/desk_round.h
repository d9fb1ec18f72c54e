/*
 * desk_round: one attempt at a group. desk_judge.c looks, desk_judge_change.c judges, desk_group.c takes and finishes,
 * desk_group_record.c remembers.
 *
 * Threads: a round belongs to one thread.
 */
#pragma once

#include <serve/group.h>

enum group_effect_kind {
	EFFECT_NONE,   /* an earlier change of the group makes it so */
	EFFECT_CLAIM,  /* a new session takes `slot` */
	EFFECT_STATUS, /* `seen` is `to` from now on */
	EFFECT_MOVE,   /* `seen` leaves its slot and takes `slot` */
	EFFECT_KEEP,   /* it is so already, by `seen`, which stays as it is until the others have happened */
};

/* What a change will do, or has done. */
struct group_effect {
	enum group_effect_kind kind;
	struct group_slot *slot;
	struct session_view seen;
	enum session_status to; /* also of a claim (booked, held) and a move (rescheduled) */
	/* CLAIM: what it needs, 0 until it is prepared */
	uint32_t client;
	uint32_t session;
	uint32_t hold; /* an entry in the list of holds */
	uint64_t id;   /* of that session, once the slot is claimed */
};

/* A slot the group is about. */
struct group_slot {
	uint64_t key;
	uint32_t slot;         /* 0: there is none, at `lsn` */
	uint64_t lsn;          /* what the look depends on */
	struct slot_view view; /* of the slot, if there is one */
	/* what the group does with it */
	const struct group_effect *changes; /* the session that has it; NULL: nothing */
	struct group_effect *takes;         /* it, once it is free; NULL: nothing */
};

struct group_round {
	struct desk *desk;
	struct group *group;
	uint64_t wall_ms;
	uint64_t now_ms; /* on the hold clock; that of the record */
	size_t appended; /* bytes of records that were appended since the log was asked for room */
	struct group_slot slots[GROUP_SLOTS_MAX]; /* by key */
	uint32_t slot_count;
	uint64_t keys[GROUP_SLOTS_MAX];               /* of the group's places; 0: nobody knows the psychologist */
	struct group_effect effects[GROUP_SLOTS_MAX]; /* of the group's changes */
	uint32_t states[GROUP_SLOTS_MAX]; /* STATUS, MOVE, KEEP: which effects, by the session's id, once each */
	uint32_t state_count;
	bool moves; /* one of them is a MOVE */
};

enum group_step {
	STEP_READY,
	STEP_REFUSED,
	STEP_AGAIN, /* somebody changed something in between */
};

/* The slots of the group, sorted, each looked at. READY or REFUSED: every change has its outcome. */
enum group_step round_judge(struct group_round *round);

/* Judges the i-th change on top of those before it: its outcome, and what it will do. False: a session and its slot do not
 * agree, somebody changed them in between, or time did. */
bool round_judge_change(struct group_round *round, uint32_t i);

/* The slot with this key; NULL if the group is not about it. */
struct group_slot *round_slot(struct group_round *round, uint64_t key);

/* Does the group make the session that has the slot give it up? */
static inline bool round_frees(const struct group_slot *slot)
{
	return slot->changes != NULL && (slot->changes->kind == EFFECT_MOVE || !session_occupies(slot->changes->to));
}

/* Which change an effect is of. */
static inline const struct group_change *round_change(const struct group_round *round,
						      const struct group_effect *effect)
{
	return &round->group->changes[effect - round->effects];
}

/* Has the log room for a record of so many bytes, besides those that were appended already? It made room for one record of the
 * largest size, or has made more since [I5]. */
bool round_has_room(const struct group_round *round, size_t size);

/* Does the log take all of it as one record (else LIMIT), and has it room for that (else FULL)? DONE: yes. */
enum outcome_code round_fits(const struct group_round *round);
/* Appends what has changed, a single change as a record of its own. Returns its lsn; 0 if nothing has. */
uint64_t round_append(const struct group_round *round);
