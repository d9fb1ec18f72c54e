/*
 * sift: of a calendar as it came, the lines that say when somebody is busy, and no other.
 *
 *   BEGIN:VEVENT                          BEGIN:VEVENT
 *   SUMMARY:Ms Example, first visit
 *   UID:ms.example@mail.example     ->    UID:5f0c9d1b4c1e77aa        (its hash)
 *   DTSTART;TZID=Europe/Ber               DTSTART;TZID=Europe/Berlin:20310106T090000
 *    lin:20310106T090000
 *   ATTACH;...10 MB                       END:VEVENT
 *   END:VEVENT
 *
 * So nothing that names people is kept, neither in memory nor on disk, and libical sees a few short lines of a few known names,
 * whatever came: most of what is hostile, or merely large, ends here.
 *
 * Threads: any.
 */
#pragma once

#include <base/bytes.h>
#include <base/error.h>

struct sifted {
	uint32_t calendars; /* VCALENDAR */
	uint32_t events;    /* VEVENT */
	uint32_t zones;     /* VTIMEZONE */
};

/* Adds to `kept` the lines of `bytes` that count, unfolded, each with an LF. `bytes` is one whole iCalendar stream, or several;
 * anything else (HTML, half a calendar, too many events, a line or a nesting beyond the limits) is false with a reason, and
 * `kept` is as it was. *sifted is added to. */
bool sift(struct span bytes, uint32_t events_max, struct buffer *kept, struct sifted *sifted, struct error *error);
