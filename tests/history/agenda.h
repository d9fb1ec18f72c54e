/*
 * agenda: the slots a recorded history is about, by number.
 *
 * A psychologist has AGENDA_DAY_SLOTS slots on each of some days, an hour each. The slots of a unit stand together, so that
 * commands for several slots can be kept inside one (draw.h).
 *
 * Threads: written before there are others.
 */
#pragma once

#include <base/bytes.h>
#include <stdbool.h>
#include <stdint.h>

#define AGENDA_SLOTS_MAX 64
#define AGENDA_WORD_SIZE 24
#define AGENDA_MINUTES   50 /* of a slot, one every hour */

struct agenda_slot {
	char psychologist[AGENDA_WORD_SIZE];
	char date[AGENDA_WORD_SIZE];  /* "2031-01-06" */
	char time[AGENDA_WORD_SIZE];  /* "09:00" */
	uint32_t psychologist_number; /* from 1 */
	uint16_t day;                 /* from 1970-01-01 */
	uint16_t minute;
};

struct agenda {
	uint32_t count;
	struct agenda_slot slots[AGENDA_SLOTS_MAX];
};

/* Adds `count` slots of a psychologist on a day, the first at 09:00. */
void agenda_add(struct agenda *agenda, const char *psychologist, uint32_t number, uint16_t day, uint32_t count);
/* Which slot that is, or `count` if it is none. */
uint32_t agenda_find(const struct agenda *agenda, struct span psychologist, struct span date, struct span time);
uint32_t agenda_find_key(const struct agenda *agenda, struct span psychologist, uint16_t day, uint16_t minute);
