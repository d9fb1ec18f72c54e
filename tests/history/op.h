/*
 * op: one operation of a recorded history: what a client asked for, when, and what it was told.
 *
 * It may have taken effect at any moment between the two stamps; without an answer, at any moment from the first on, or never.
 *
 * Threads: as any plain value.
 */
#pragma once

#include <history/agenda.h>

enum op_verb {
	OP_BOOK,
	OP_CLAIM,
	OP_HOLD,
	OP_COMMIT,
	OP_RENEW,
	OP_CONFIRM,
	OP_CANCEL,
	OP_COMPLETE,
	OP_NOSHOW,
	OP_RESCHEDULE,
	OP_BOOKALL,
	OP_BOOKANY,
	OP_EXEC, /* MULTI, its parts, EXEC */
	OP_SLOT,
	OP_SLOTS,        /* ALL, of the psychologist and the days of two slots */
	OP_ALTERNATIVES, /* to a slot */
	OP_SESSION,
	OP_SESSIONS, /* of the client, on the days of two slots */
	OP_OPEN,
	OP_CLOSE,
	OP_BUSY, /* over the time of one slot, or, without one, over none */
	OP_VERBS,
};

#define OP_PARTS_MAX 4

/* One slot or session that it names; of EXEC, one queued command. */
struct op_part {
	enum op_verb verb;
	uint32_t slot; /* of the agenda */
	uint64_t session;
};

struct op {
	enum op_verb verb;
	uint32_t part_count;
	struct op_part parts[OP_PARTS_MAX];
	uint64_t number;  /* unlike that of any other op of the run; CANCEL: its reason; BUSY: the generation */
	uint32_t client;  /* whose token client-<n> it names */
	uint16_t seconds; /* HOLD, RENEW */
	uint16_t count;   /* BOOK, HOLD: ALT; ALTERNATIVES: COUNT; 0: not said */
	bool free;        /* BUSY: says that nothing is busy */
	bool answered;
	/* CLOCK_MONOTONIC: before the request was sent, and when the answer was there. */
	uint64_t invoked_ns;
	uint64_t returned_ns;
	/* The answer, in its client's replies (reply.h). */
	size_t reply_at;
	size_t reply_size;
};

/* "BOOK", "EXEC", ... */
const char *op_name(enum op_verb verb);
/* Adds the request, or the requests of a MULTI. */
void op_write(const struct op *op, const struct agenda *agenda, struct buffer *out);
/* How many replies it has: one, but for a MULTI. */
uint32_t op_replies(const struct op *op);
