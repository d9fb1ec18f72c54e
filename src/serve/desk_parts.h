/*
 * desk_parts: what the files of the desk share.
 *
 * Threads: any worker.
 */
#pragma once

#include <serve/desk.h>

/* Has what begins then started, on the civil clock of the server, or is its day purged? */
bool desk_has_started(const struct desk *desk, uint16_t day, uint16_t minute, uint64_t now_ms);

/* Is a hold of this expiry over? Not if it is 0: then it is none. */
static inline bool desk_hold_is_over(struct desk *desk, uint64_t expires_ms)
{
	return expires_ms != 0 && desk_now_ms(desk) >= expires_ms;
}

/* Makes the session expired, with a record, if it is a hold that is over; by now somebody else may have. The log has room. */
void desk_expire(struct desk *desk, uint64_t session);

/* The limits of holds, asked before the claim [I5]: an entry for it, or the outcome that refuses it. */
bool desk_reserve_hold(struct desk *desk, uint32_t client, uint32_t *hold, struct outcome *outcome);
