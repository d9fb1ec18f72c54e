/*
 * calendar: when a psychologist is busy, as iCalendar text (RFC 5545) for the calendar programs of this world.
 *
 * One VEVENT per session that is booked, without a word about the client. Its UID stays the same as long as the session
 * lives, also when it moves; SEQUENCE is how often it has changed. Times are UTC, so no VTIMEZONE is needed. The text of an
 * unchanged calendar is the same, byte for byte, so that an ETag of it means something.
 *
 *   calendar_begin -> calendar_event ... -> calendar_end
 *
 * Threads: a text belongs to one thread.
 */
#pragma once

#include <base/bytes.h>

struct calendar_event {
	uint8_t uid[16];     /* unique, written as a UUID */
	uint16_t sequence;   /* RFC 5545 3.8.7.4: from 0, more with each change */
	uint64_t created_ms; /* wall clock; as all that follow */
	uint64_t updated_ms;
	uint64_t starts_ms;
	uint64_t ends_ms;
};

/* `name` is a token. */
void calendar_begin(struct buffer *text, struct span name);
void calendar_event(struct buffer *text, const struct calendar_event *event);
void calendar_end(struct buffer *text);
