/*
 * expand: what was sifted of a calendar, as the times at which its psychologist is busy.
 *
 * libical parses, and its iterator unrolls the rules; everything else is done here, because its own expander is wrong where
 * real calendars are difficult (docs/decisions/0012). Events of one UID belong together:
 *
 *   master          DTSTART, what RRULE and RDATE name, without what EXDATE and EXRULE name
 *   override        RECURRENCE-ID: takes the place of that instance; without a master it stands for itself
 *   ...and future   RANGE=THISANDFUTURE: moves that instance and all later ones
 *
 * Only instances that touch the window count. Times are the civil minutes of the psychologist; what begins or ends within a
 * minute takes all of it; an hour that is shown twice is busy if it is in one of the two.
 *
 * Threads: one, as everything that touches libical.
 */
#pragma once

#include <base/bytes.h>
#include <base/error.h>
#include <slot/busy.h>

struct expansion_asked {
	struct span kept; /* of sift() */
	const char *zone; /* the psychologist's, an IANA name */
	struct busy_interval window;
	uint32_t occurrences_max; /* of one event, in the window */
};

struct expansion {
	struct busy_interval *intervals; /* merged and in order; the caller frees them */
	uint32_t count;
	uint32_t occurrences;
	/* What a person should know. */
	uint32_t unreadable;    /* events without a start, or with a part that is none */
	uint32_t cut;           /* events that have more than may be */
	uint32_t unknown_zones; /* times whose zone nobody knows: the psychologist's was taken */
};

/* False when it is no calendar, or there is no such zone. */
bool expand(const struct expansion_asked *asked, struct expansion *expansion, struct error *error);
