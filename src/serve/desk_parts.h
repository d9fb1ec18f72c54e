/*
 * desk_parts: what the desk's claims of one slot (desk.c) and of several (desk_group.c) share.
 *
 * Threads: any.
 */
#pragma once

#include <serve/desk.h>

/* Has a slot started, on the civil clock of the server? */
bool desk_is_past(const struct desk *desk, const struct place *place, uint64_t now_ms);
/* Why a slot that is not free is refused. */
enum outcome_code desk_refusal(const struct slot_view *view);
/* The psychologist's number, added where unlisted slots may be claimed. 0: there is none, *outcome says so. */
uint32_t desk_psychologist(struct desk *desk, struct span psychologist, struct outcome *outcome);

/* The counters of INFO, for a booking of the slot that was seen and a cancellation of the session that was seen. */
void desk_count_claim(struct desk *desk, const struct slot_view *seen);
void desk_count_cancel(struct desk *desk, const struct session_view *seen);
