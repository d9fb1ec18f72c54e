/*
 * life: the table. See slot/life.h.
 */
#include <base/check.h>
#include <slot/life.h>

/* What must be so. */
enum guard {
	REFUSES, /* nothing helps: every cell that is not in the table */
	STANDS,  /* it is so already */
	ALWAYS,
	IF_OVER,
	IF_STARTED,
	IF_SHORT,
};

struct cell {
	enum guard guard;
	enum session_status to;
};

#define STATUSES (SESSION_NO_SHOW + 1)

static const struct cell cells[STATUSES][LIFE_COMMANDS] =
    {
	[SESSION_HELD] =
	    {
		[LIFE_COMMIT] = {ALWAYS, SESSION_BOOKED},
		[LIFE_RENEW] = {IF_SHORT, SESSION_HELD},
		[LIFE_EXPIRE] = {IF_OVER, SESSION_EXPIRED},
		[LIFE_CANCEL] = {ALWAYS, SESSION_CANCELLED},
	    },
	[SESSION_BOOKED] =
	    {
		[LIFE_COMMIT] = {STANDS, SESSION_BOOKED},
		[LIFE_CANCEL] = {ALWAYS, SESSION_CANCELLED},
		[LIFE_RESCHEDULE] = {ALWAYS, SESSION_RESCHEDULED},
		[LIFE_CONFIRM] = {ALWAYS, SESSION_CONFIRMED},
		[LIFE_COMPLETE] = {IF_STARTED, SESSION_COMPLETED},
		[LIFE_NO_SHOW] = {IF_STARTED, SESSION_NO_SHOW},
	    },
	[SESSION_RESCHEDULED] =
	    {
		[LIFE_COMMIT] = {STANDS, SESSION_RESCHEDULED},
		[LIFE_CANCEL] = {ALWAYS, SESSION_CANCELLED},
		[LIFE_RESCHEDULE] = {ALWAYS, SESSION_RESCHEDULED},
		[LIFE_CONFIRM] = {ALWAYS, SESSION_CONFIRMED},
		[LIFE_COMPLETE] = {IF_STARTED, SESSION_COMPLETED},
		[LIFE_NO_SHOW] = {IF_STARTED, SESSION_NO_SHOW},
	    },
	[SESSION_CONFIRMED] =
	    {
		[LIFE_COMMIT] = {STANDS, SESSION_CONFIRMED},
		[LIFE_CANCEL] = {ALWAYS, SESSION_CANCELLED},
		[LIFE_RESCHEDULE] = {ALWAYS, SESSION_RESCHEDULED},
		[LIFE_CONFIRM] = {STANDS, SESSION_CONFIRMED},
		[LIFE_COMPLETE] = {IF_STARTED, SESSION_COMPLETED},
		[LIFE_NO_SHOW] = {IF_STARTED, SESSION_NO_SHOW},
	    },
	[SESSION_CANCELLED] =
	    {
		[LIFE_CANCEL] = {STANDS, SESSION_CANCELLED},
	    },
	/* Corrections: who did come, and who did not. That the slot has started was seen before. */
	[SESSION_COMPLETED] =
	    {
		[LIFE_COMPLETE] = {STANDS, SESSION_COMPLETED},
		[LIFE_NO_SHOW] = {ALWAYS, SESSION_NO_SHOW},
	    },
	[SESSION_NO_SHOW] =
	    {
		[LIFE_COMPLETE] = {ALWAYS, SESSION_COMPLETED},
		[LIFE_NO_SHOW] = {STANDS, SESSION_NO_SHOW},
	    },
};

enum life_verdict life_judge(enum session_status from, enum life_command command, unsigned facts,
			     enum session_status *to)
{
	CHECK((unsigned)from < STATUSES);
	CHECK((unsigned)command < LIFE_COMMANDS);
	const bool is_over = (facts & LIFE_IS_OVER) != 0;
	if (from == SESSION_EXPIRED || (from == SESSION_HELD && is_over && command != LIFE_EXPIRE)) {
		return command == LIFE_EXPIRE ? LIFE_REFUSED : LIFE_EXPIRED;
	}
	const struct cell *cell = &cells[from][command];
	*to = cell->to;
	switch (cell->guard) {
	case REFUSES:
		return LIFE_REFUSED;
	case STANDS:
		return LIFE_STANDS;
	case ALWAYS:
		return LIFE_CHANGES;
	case IF_OVER:
		return is_over ? LIFE_CHANGES : LIFE_REFUSED;
	case IF_STARTED:
		return (facts & LIFE_HAS_STARTED) != 0 ? LIFE_CHANGES : LIFE_EARLY;
	case IF_SHORT:
		return (facts & LIFE_IS_LONG) == 0 ? LIFE_CHANGES : LIFE_LONG;
	}
	WRONG("the table has no other guard");
}

bool session_may_become(enum session_status from, enum session_status to)
{
	if ((unsigned)from >= STATUSES) {
		return false;
	}
	for (int command = 0; command < LIFE_COMMANDS; command++) {
		const struct cell *cell = &cells[from][command];
		if (cell->to == to && cell->guard != REFUSES && cell->guard != STANDS) {
			return true;
		}
	}
	return false;
}
