/*
 * life: which command leads a session from which status to which other, and what must be so for it: one table.
 *
 * docs/ARCHITECTURE.md has the same table in words. Three things beside the status decide (enum life_fact); they are found
 * out by the caller, so that the judgement itself is a function of four small values, and its test asks for all of them.
 *
 * Asking again [I10]: client libraries send a request again by themselves after a broken connection, so the same command may
 * come twice. Where its effect still stands, the second is answered as the first was, and changes nothing: no record, no new
 * version.
 *
 * Threads: any; nothing here has state.
 */
#pragma once

#include <slot/session.h>

enum life_command {
	LIFE_COMMIT, /* also BOOK by the client who holds the slot */
	LIFE_RENEW,
	LIFE_EXPIRE, /* nobody's command: whoever comes across a hold that is over */
	LIFE_CANCEL,
	LIFE_RESCHEDULE,
	LIFE_CONFIRM,
	LIFE_COMPLETE,
	LIFE_NO_SHOW,
	LIFE_COMMANDS,
};

enum life_fact {
	LIFE_IS_OVER = 1,     /* of a held session: its time has come */
	LIFE_HAS_STARTED = 2, /* the slot, on the civil clock */
	LIFE_IS_LONG = 4,     /* RENEW: it would be held for longer than any session may */
};

enum life_verdict {
	LIFE_REFUSED, /* not from this status */
	LIFE_EXPIRED, /* the session was a hold, which is over */
	LIFE_EARLY,   /* the slot has not started */
	LIFE_LONG,    /* LIFE_IS_LONG */
	LIFE_STANDS,  /* what the command asks for is so already */
	LIFE_CHANGES, /* to the status said */
};

/* Judges. A held session whose hold is over is judged as the expired one it is. *to is set for LIFE_CHANGES. */
enum life_verdict life_judge(enum session_status from, enum life_command command, unsigned facts,
			     enum session_status *to);
