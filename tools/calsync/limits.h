/*
 * limits: every bound of slotd-calsync, with the word it is set by, if there is one, and its default.
 *
 * Those of a whole calendar refuse it: what was known of it stays. Those of one event cut that event short.
 */
#pragma once

#include <stdint.h>

struct limits {
	uint64_t bytes;       /* max-bytes: of one answer, unpacked; default 16mb */
	uint32_t seconds;     /* max-seconds: of one calendar, with its redirects and retries; default 30 */
	uint32_t redirects;   /* max-redirects: default 5 */
	uint32_t events;      /* max-events: of one calendar; default 20000 */
	uint32_t occurrences; /* max-occurrences: of one event inside the horizon; default 5000 */
	uint32_t parallel;    /* parallel: calendars fetched at once; default 8 */
};

#define LIMITS_DEFAULT                                                                                                 \
	(struct limits)                                                                                                \
	{                                                                                                              \
		.bytes = UINT64_C(16) << 20, .seconds = 30, .redirects = 5, .events = 20000, .occurrences = 5000,      \
		.parallel = 8                                                                                          \
	}

/* Components within components: a real calendar has three (VCALENDAR, VTIMEZONE, STANDARD). */
#define NESTING_MAX 16
/* Bytes of a line that is kept, unfolded: the longest that is sensible is a list of exceptions. */
#define KEPT_LINE_MAX 65536

/* Steps of libical's iterator, counting those it makes inside: of one event, and of all of a calendar. The second is what
 * bounds a calendar's time, to some seconds: a step that libical makes inside takes about a microsecond. */
#define STEPS_EVENT_MAX    200000
#define STEPS_CALENDAR_MAX 2000000

/* Time zones that a calendar defines itself. */
#define ZONES_MAX 500

/* One of them: its observances, and the dates these name. */
#define OBSERVANCES_MAX 200
#define ZONE_DATES_MAX  2000

/* Processor time and address space of the process that unrolls one calendar (worker.h). */
#define WORKER_CPU_SECONDS   10
#define WORKER_ADDRESS_SPACE (UINT64_C(1) << 30)

/* Calendars, and psychologists, of one run. */
#define CALENDARS_MAX 20000
