/*
 * desk_hours: what changes which slots there are, in the parts that OPEN and CLOSE (desk_hours.c) and the weekly hours
 * (desk_plan.c) are made of.
 *
 * Threads: any, with the hours lock of the psychologist held.
 */
#pragma once

#include "desk_parts.h"

/* The hours to open, as keys in order. Owned by the call; big enough for the stack to be no question (11 KiB). */
struct opening {
	uint64_t keys[OPEN_COUNT_MAX];
	uint32_t count;
	uint64_t seen_lsn; /* of slots that were open already, or are in the way */
};

/* May a slot be opened there? OUTCOME_DONE: it is there already, with the same minutes. OUTCOME_NOSLOT: yes. OUTCOME_OVERLAP:
 * no, *other is the slot it would hit. */
enum outcome_code desk_plan_slot(const struct desk *desk, uint64_t key, uint16_t minutes, struct opening *opening,
				 uint64_t *other);
/* Opens them all and returns the lsn; 0, with none of them opened, if memory is spent, or if none is left: *opening then lists
 * those that were new. */
uint64_t desk_open_planned(struct desk *desk, struct span psychologist, uint16_t minutes, struct opening *opening,
			   bool *memory_spent);

struct closing {
	uint32_t slots[TABLE_DAY_SLOTS_MAX];
	uint64_t keys[TABLE_DAY_SLOTS_MAX];
	uint32_t count;
	uint32_t blocked; /* so many of them */
	uint64_t occupied;
	uint64_t seen_lsn;
	uint32_t expires_left; /* holds that may be made expired, with a record each */
};

/* Starts closing a slot, unless it is occupied. */
void desk_close_slot(struct desk *desk, uint32_t slot, uint64_t key, struct closing *closing);
/* Ends it for all, with a record; returns its lsn, 0 if there are none. */
uint64_t desk_close_started(struct desk *desk, struct span psychologist, const struct closing *closing);
