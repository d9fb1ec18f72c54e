/*
 * session: names of statuses, and the wait for a settled state. See slot/session.h; what may become of them is in life.c.
 */
#include "pause.h"
#include <base/check.h>
#include <slot/session.h>

const char *session_status_name(enum session_status status)
{
	static const char *const names[] = {
	    [SESSION_FREE] = "free",           [SESSION_HELD] = "held",
	    [SESSION_BOOKED] = "booked",       [SESSION_RESCHEDULED] = "rescheduled",
	    [SESSION_CONFIRMED] = "confirmed", [SESSION_CANCELLED] = "cancelled",
	    [SESSION_EXPIRED] = "expired",     [SESSION_COMPLETED] = "completed",
	    [SESSION_NO_SHOW] = "no_show",
	};
	CHECK((unsigned)status < sizeof names / sizeof names[0]);
	return names[status];
}

uint64_t session_wait_settled(const struct session *session)
{
	/* Bounded: whoever unsettled the state is between its compare-and-swap and the end of its append, where nothing can
	 * fail [I5] and nothing waits for us; or it lost its claim and is giving the session back, or is reclaiming it. */
	for (unsigned round = 0;; round++) {
		const uint64_t state = atomic_load_explicit(&session->state, memory_order_acquire); /* see the header */
		if (session_lsn(state) != 0 || session_status(state) == SESSION_FREE) {
			return state;
		}
		pause_round(round);
	}
}
