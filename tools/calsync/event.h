/*
 * event: one VEVENT, read: when it starts, how long it takes, whether it makes busy, and what it replaces.
 *
 * Threads: one, as everything that touches libical.
 */
#pragma once

#include <libical/ical.h>
#include <stdbool.h>
#include <stdint.h>

/* A moment as it stands in a property. */
struct moment {
	bool is_date;
	icaltimezone *zone; /* of `civil`: the property's own, or the psychologist's for a date and a floating time */
	int64_t civil;
	int64_t utc;
};

/* What a calendar is read against. */
struct reading {
	icaltimezone *home; /* the psychologist's */
	icalcomponent *calendar;
	uint32_t unknown_zones; /* counted: moments whose zone nobody knows */
};

struct duration {
	int64_t days;    /* civil */
	int64_t seconds; /* exact */
};

struct event {
	icalcomponent *component;
	const char *uid; /* "" if there is none; the component's */
	struct moment start;
	struct duration duration;
	bool makes_busy;
	bool is_override; /* it has a RECURRENCE-ID: */
	bool and_future;  /* of that instance and all later ones */
	struct moment replaces;
	int64_t sequence;
	int64_t stamp;
	uint32_t order; /* in the calendar */
};

/* False for one without a start. */
bool event_read(struct event *event, icalcomponent *component, struct reading *reading);

/* The moment of a property that has one; false if it has none that can be read. */
bool moment_read(struct moment *moment, icalproperty *property, struct reading *reading);
bool time_is_sane(struct icaltimetype time);
/* The same for a time that is part of the property's value. */
void moment_of(struct moment *moment, struct icaltimetype time, icalproperty *property, struct reading *reading);

/* When an instance of the event ends that starts then. UTC. */
int64_t event_end(const struct event *event, int64_t start_civil, int64_t start_utc);
/* A start in the event's zone, as UTC. */
int64_t event_utc(const struct event *event, int64_t civil);
