/*
 * calendar: see the header. Lines end in CRLF and have at most 75 octets.
 *
 * See: RFC 5545; RFC 7986 (NAME, REFRESH-INTERVAL); X-WR-CALNAME and X-PUBLISHED-TTL are what programs read that are older.
 */
#include <base/limits.h>
#include <http/calendar.h>
#include <inttypes.h>
#include <time.h>

/* "X-WR-CALNAME:" is the longest name before a token: a line of it is folded. */
static void add_named(struct buffer *text, const char *name, struct span token)
{
	const size_t room = 75 - strlen(name) - 1;
	const size_t first = token.size < room ? token.size : room;
	buffer_format(text, "%s:%.*s\r\n", name, (int)first, (const char *)token.at);
	if (first < token.size) {
		buffer_format(text, " %.*s\r\n", (int)(token.size - first), (const char *)token.at + first);
	}
}

/* A UTC date-time (3.3.5, form 2). */
static void add_instant(struct buffer *text, const char *name, uint64_t ms)
{
	const time_t seconds = (time_t)(ms / 1000);
	struct tm utc;
	char at[32];
	gmtime_r(&seconds, &utc);
	strftime(at, sizeof at, "%Y%m%dT%H%M%SZ", &utc);
	buffer_format(text, "%s:%s\r\n", name, at);
}

/* A UUID of version 8, whose other bits are its maker's choice (RFC 9562 5.8). */
static void add_uid(struct buffer *text, const uint8_t *uid)
{
	uint8_t uuid[16];
	memcpy(uuid, uid, sizeof uuid);
	uuid[6] = (uint8_t)(0x80 | (uuid[6] & 0x0f));
	uuid[8] = (uint8_t)(0x80 | (uuid[8] & 0x3f));
	buffer_format(text, "UID:");
	for (size_t i = 0; i < sizeof uuid; i++) {
		buffer_format(text, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
	}
	buffer_format(text, "\r\n");
}

void calendar_begin(struct buffer *text, struct span name)
{
	buffer_format(text, "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//slotd//slotd//EN\r\nCALSCALE:GREGORIAN\r\n");
	add_named(text, "NAME", name);
	add_named(text, "X-WR-CALNAME", name);
	buffer_format(text, "REFRESH-INTERVAL;VALUE=DURATION:PT15M\r\nX-PUBLISHED-TTL:PT15M\r\n");
}

void calendar_event(struct buffer *text, const struct calendar_event *event)
{
	buffer_format(text, "BEGIN:VEVENT\r\n");
	add_uid(text, event->uid);
	buffer_format(text, "SEQUENCE:%" PRIu16 "\r\n", event->sequence);
	add_instant(text, "DTSTAMP", event->updated_ms);
	add_instant(text, "CREATED", event->created_ms);
	add_instant(text, "LAST-MODIFIED", event->updated_ms);
	add_instant(text, "DTSTART", event->starts_ms);
	add_instant(text, "DTEND", event->ends_ms);
	buffer_format(text, "SUMMARY:Busy\r\nCLASS:PRIVATE\r\nSTATUS:CONFIRMED\r\nTRANSP:OPAQUE\r\nEND:VEVENT\r\n");
}

void calendar_end(struct buffer *text)
{
	buffer_format(text, "END:VCALENDAR\r\n");
}
