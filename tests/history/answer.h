/*
 * answer: what a client was told, in numbers.
 *
 * Threads: any.
 */
#pragma once

#include <history/op.h>
#include <slot/session.h>

enum answer_code {
	ANSWER_UNKNOWN, /* none came, or that the outcome is not known */
	ANSWER_DONE,
	ANSWER_LOST, /* CLAIM's :0: TAKEN, HELD or BLOCKED */
	ANSWER_TAKEN,
	ANSWER_HELD,
	ANSWER_BLOCKED,
	ANSWER_NOSLOT,
	ANSWER_PAST,
	ANSWER_EXPIRED,
	ANSWER_STATE,
	ANSWER_NOSESSION,
	ANSWER_LIMIT,
	ANSWER_OVERLAP,
	ANSWER_ABORT,  /* EXECABORT */
	ANSWER_ERR,    /* of a part of an EXEC: its session was changed by an earlier part */
	ANSWER_BROKEN, /* none of these: not an answer to this request */
};

struct answer {
	enum answer_code code;
	struct span reply; /* all of it */
	/* DONE: the session told, of each part; 0: none was. BOOKANY: the first. */
	uint64_t sessions[OP_PARTS_MAX];
	/* of each part: HOLD, RENEW: when it is over; OPEN, CLOSE: how many */
	uint64_t numbers[OP_PARTS_MAX];
	/* BOOKANY: the part that was done. ABORT: the one that was refused. */
	uint32_t part;
	/* Of BOOKALL, and of an ABORT, why each part was refused; DONE: it was not named. */
	enum answer_code refused[OP_PARTS_MAX];
};

/* What a reply to this op says. `reply`: its lines, which are borrowed; none, if there was no answer. */
struct answer answer_read(const struct op *op, const struct agenda *agenda, struct span reply);

/* "TAKEN", ... */
const char *answer_name(enum answer_code code);

/* Whose token it is; false: no client's. */
bool answer_client(struct span token, uint32_t *client);

/* What SESSION says, and each element of SESSIONS. */
struct answer_session {
	uint64_t id;
	uint32_t slot; /* of the agenda */
	uint32_t client;
	enum session_status status;
	uint32_t version;
	uint64_t created_ms;
	uint64_t updated_ms;
};
/* Takes one off the front. False: there is none, or it is not one about this agenda. */
bool answer_session(struct span *rest, const struct agenda *agenda, struct answer_session *session);

/* What SLOT says. */
struct answer_slot {
	enum {
		ANSWER_SLOT_NONE,
		ANSWER_SLOT_OPEN,
		ANSWER_SLOT_HELD,
		ANSWER_SLOT_BOOKED,
		ANSWER_SLOT_BLOCKED,
	} status;
	uint64_t session; /* 0: none */
};
bool answer_slot(struct span reply, struct answer_slot *slot);
/* A row of SLOTS or ALTERNATIVES, of this psychologist: which slot it is about, and its status. */
bool answer_row(struct span *rest, const struct agenda *agenda, const char *psychologist, uint32_t *index,
		struct answer_slot *slot);
