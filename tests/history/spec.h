/*
 * spec: what a booking desk is when only one thing happens at a time: a few slots that are open, and the sessions on them.
 *
 * A step is what must have happened at one moment: most often a whole operation. An operation that is refused for several
 * slots is several steps, each a look at one of them: slotd promises that what it does, it does at one moment, not that it
 * looked at all that was in its way at one moment.
 *
 * That a hold is over is nobody's operation: a step of its own, possible from its end on, and whoever asks after its end must
 * find it taken. The end is told in milliseconds of the wall clock, the operations are stamped by another clock; where these
 * are SPEC_SLACK_MS apart or less, either may be.
 *
 * Sessions are numbered: first those whose id somebody was told, in order, then a place for each that may be there without
 * anybody having been told its id (CLAIM; no answer). So the same sessions make the same state in whatever order they came.
 *
 * Threads: one.
 */
#pragma once

#include <history/answer.h>

#define SPEC_SESSIONS_MAX 512
#define SPEC_SLOTS_MAX    8
#define SPEC_SLACK_MS     250

enum step_kind {
	STEP_WHOLE,     /* the operation */
	STEP_REFUSED,   /* `part` was refused for the reason answered */
	STEP_CLAIMABLE, /* the slot of `part` was not */
	STEP_PASSED,    /* the slot of `part` was not to be had, for whatever reason */
};

struct step {
	enum step_kind kind;
	const struct op *op;
	const struct answer *answer;
	uint32_t part;
	uint32_t nameless; /* number of the session it makes without anybody being told its id; one for each part */
	uint64_t invoked_ns;
	uint64_t returned_ns; /* UINT64_MAX: no answer */
	uint64_t invoked_ms;  /* wall clock */
	/* SLOT, SESSION: what was seen; id 0: NOSESSION */
	struct answer_slot slot;
	struct answer_session session;
};

struct spec_session {
	uint8_t status : 7; /* SESSION_FREE: not made yet */
	uint8_t loose : 1;  /* nobody was told when the hold is over: then, or later */
	uint8_t slot;
	uint16_t version;
	uint32_t client;
	uint64_t expires_ms;
};

struct spec_state {
	uint16_t occupants[SPEC_SLOTS_MAX]; /* 1 + number of the session; 0: free */
	struct spec_session sessions[SPEC_SESSIONS_MAX];
};

struct spec {
	uint64_t ids[SPEC_SESSIONS_MAX]; /* told, in order */
	uint32_t id_count;
	uint32_t session_count; /* and the nameless */
	uint64_t second_ns;     /* of a hold */
};

enum spec_result {
	SPEC_IMPOSSIBLE, /* not with this answer; without an answer: it would change nothing */
	SPEC_STANDS,     /* and the state is as before */
	SPEC_CHANGES,
};

/* What the step does to the state. If it is impossible, the state is spoilt. */
enum spec_result spec_apply(const struct spec *spec, struct spec_state *state, const struct step *step);
/* Ends a hold. */
void spec_expire(struct spec_state *state, uint32_t session);

/* Bytes of a state that mean something, and a copy of them. */
static inline size_t spec_size(const struct spec *spec)
{
	return offsetof(struct spec_state, sessions) + spec->session_count * sizeof(struct spec_session);
}
static inline void spec_copy(const struct spec *spec, struct spec_state *to, const struct spec_state *from)
{
	memcpy(to, from, spec_size(spec));
}
