/*
 * format: see the header.
 *
 * A line is a list of fields; the format decides how a name, a number, a word, a text are written. So what a record has
 * is said once.
 */
#include "format.h"

#include <base/check.h>
#include <inttypes.h>
#include <slot/civil.h>
#include <stdio.h>
#include <time.h>

void format_moment(uint64_t at_ms, char text[static FORMAT_MOMENT_SIZE])
{
	const time_t seconds = (time_t)(at_ms / 1000);
	struct tm parts;
	CHECK(gmtime_r(&seconds, &parts) != NULL);
	const size_t size = strftime(text, FORMAT_MOMENT_SIZE, "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(text + size, FORMAT_MOMENT_SIZE - size, ".%03uZ", (unsigned)(at_ms % 1000));
}

void format_busy_moment(uint32_t minute, char text[static FORMAT_BUSY_SIZE])
{
	civil_format_date((uint16_t)(minute / MINUTES_PER_DAY), text);
	text[CIVIL_DATE_SIZE] = 'T';
	civil_format_time((uint16_t)(minute % MINUTES_PER_DAY), text + CIVIL_DATE_SIZE + 1);
	text[FORMAT_BUSY_SIZE - 1] = '\0';
}

struct line {
	struct buffer *out;
	enum format format;
};

static void name(struct line *line, const char *text)
{
	buffer_format(line->out, line->format == FORMAT_JSON ? ",\"%s\":" : " %s=", text);
}

static void number_field(struct line *line, const char *field, uint64_t number)
{
	name(line, field);
	buffer_format(line->out, "%" PRIu64, number);
}

/* Of characters that need no escape: tokens, dates. */
static void word_field(struct line *line, const char *field, struct span word)
{
	name(line, field);
	buffer_format(line->out, line->format == FORMAT_JSON ? "\"%.*s\"" : "%.*s", (int)word.size,
		      (const char *)word.at);
}

/* Bytes of the UTF-8 character at the start of `text`, 0 if there is none (RFC 3629: no overlong forms, no surrogates).
 * */
static size_t utf8_size(struct span text)
{
	const uint8_t first = text.at[0];
	const size_t size = first < 0x80   ? 1
			    : first < 0xc2 ? 0
			    : first < 0xe0 ? 2
			    : first < 0xf0 ? 3
			    : first < 0xf5 ? 4
					   : 0;
	if (size > text.size) {
		return 0;
	}
	for (size_t i = 1; i < size; i++) {
		if ((text.at[i] & 0xc0) != 0x80) {
			return 0;
		}
	}
	if (size > 2) {
		const uint8_t second = text.at[1];
		const bool wrong = (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
				   (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f);
		return wrong ? 0 : size;
	}
	return size;
}

/* Whatever bytes a client sent, in quotes; what is no UTF-8 becomes U+FFFD. A JSON string reads well in the text
 * format, too. */
static void text_field(struct line *line, const char *field, struct span text)
{
	name(line, field);
	buffer_add(line->out, "\"", 1);
	while (text.size > 0) {
		const uint8_t byte = text.at[0];
		const size_t size = utf8_size(text);
		if (size == 0) {
			buffer_add(line->out, "\\ufffd", 6);
		} else if (byte == '"' || byte == '\\') {
			buffer_format(line->out, "\\%c", byte);
		} else if (byte < 0x20 || byte == 0x7f) {
			buffer_format(line->out, "\\u%04x", byte);
		} else {
			buffer_add(line->out, text.at, size);
		}
		const size_t used = size == 0 ? 1 : size;
		text = (struct span){text.at + used, text.size - used};
	}
	buffer_add(line->out, "\"", 1);
}

static void date_field(struct line *line, const char *field, uint16_t day)
{
	char date[CIVIL_DATE_SIZE];
	civil_format_date(day, date);
	word_field(line, field, (struct span){(const uint8_t *)date, sizeof date});
}

static void time_field(struct line *line, const char *field, uint16_t minute)
{
	char time_of_day[CIVIL_TIME_SIZE];
	civil_format_time(minute, time_of_day);
	word_field(line, field, (struct span){(const uint8_t *)time_of_day, sizeof time_of_day});
}

/* 2026-12-01T10:00,2026-12-01T11:00; in JSON an array of strings. */
static void slots_field(struct line *line, const struct record *record)
{
	const bool json = line->format == FORMAT_JSON;
	name(line, "slots");
	buffer_add(line->out, "[", json);
	for (uint16_t i = 0; i < record->slot_count; i++) {
		const struct record_slot slot = record_slot(record, i);
		char text[CIVIL_DATE_SIZE + 1 + CIVIL_TIME_SIZE];
		civil_format_date(slot.day, text);
		text[CIVIL_DATE_SIZE] = 'T';
		civil_format_time(slot.minute, text + CIVIL_DATE_SIZE + 1);
		buffer_format(line->out, json ? "%s\"%.*s\"" : "%s%.*s", i == 0 ? "" : ",", (int)sizeof text, text);
	}
	buffer_add(line->out, "]", json);
}

static void unlisted_field(struct line *line, bool unlisted)
{
	if (line->format == FORMAT_JSON) {
		name(line, "unlisted");
		buffer_format(line->out, "%s", unlisted ? "true" : "false");
	} else if (unlisted) {
		buffer_format(line->out, " unlisted");
	}
}

static void fields_of_book(struct line *line, const struct record *record)
{
	number_field(line, "session", record->session);
	word_field(line, "psychologist", record->psychologist);
	date_field(line, "date", record->day);
	time_field(line, "time", record->minute);
	number_field(line, "minutes", record->minutes);
	word_field(line, "client", record->client);
	unlisted_field(line, record->unlisted);
}

static void fields_of_move(struct line *line, const struct record *record)
{
	number_field(line, "session", record->session);
	word_field(line, "psychologist", record->psychologist);
	date_field(line, "date", record->day);
	time_field(line, "time", record->minute);
	number_field(line, "minutes", record->minutes);
	unlisted_field(line, record->unlisted);
	word_field(line, "from_psychologist", record->from.psychologist);
	date_field(line, "from_date", record->from.day);
	time_field(line, "from_time", record->from.minute);
	number_field(line, "from_minutes", record->from.minutes);
}

/* The first id of its number that was never given out, or a session as it was. */
static void fields_of_import(struct line *line, const struct record *record)
{
	if (record->status == SESSION_FREE) {
		number_field(line, "session", record->session);
		word_field(line, "status", span_of(session_status_name(record->status)));
		return;
	}
	char created[FORMAT_MOMENT_SIZE];
	format_moment(record->created_ms, created);
	fields_of_book(line, record);
	word_field(line, "status", span_of(session_status_name(record->status)));
	number_field(line, "version", record->version);
	word_field(line, "created", span_of(created));
	if (record->status == SESSION_HELD) {
		number_field(line, "seconds", record->hold_seconds);
	}
}

/* 2026-12-01T10:00/2026-12-01T11:00 (ISO 8601), separated by commas; in JSON an array of strings. */
static void busy_field(struct line *line, const char *field, const struct record *record, uint16_t first, uint16_t end)
{
	const bool json = line->format == FORMAT_JSON;
	name(line, field);
	buffer_add(line->out, "[", json);
	for (uint16_t i = first; i < end; i++) {
		const struct record_busy busy = record_busy(record, i);
		char text[FORMAT_BUSY_SIZE];
		format_busy_moment(busy.start, text);
		buffer_format(line->out, "%s%s%s/", i == first ? "" : ",", json ? "\"" : "", text);
		format_busy_moment(busy.end, text);
		buffer_format(line->out, "%s%s", text, json ? "\"" : "");
	}
	buffer_add(line->out, "]", json);
}

static void fields_of_busy(struct line *line, const struct record *record)
{
	word_field(line, "psychologist", record->psychologist);
	word_field(line, "source", record->source);
	number_field(line, "generation", record->generation);
	busy_field(line, "window", record, 0, 1);
	busy_field(line, "busy", record, 1, record->busy_count);
}

/* Scheme and host: what is behind may be a secret, and this is what people paste. */
static struct span shown_url(struct span url)
{
	uint32_t slashes = 0;
	for (size_t i = 0; i < url.size; i++) {
		slashes += url.at[i] == '/';
		if (slashes == 3) {
			return (struct span){url.at, i + 1};
		}
	}
	return url;
}

static void fields(struct line *line, const struct record *record);

/* BOOK session=1 ...; CANCEL session=2 ...; in JSON an array of objects. */
static void members_field(struct line *line, const struct record *group)
{
	const bool json = line->format == FORMAT_JSON;
	struct span rest = group->members;
	struct record member;
	name(line, "members");
	buffer_format(line->out, json ? "[" : "%u:", (unsigned)group->member_count);
	for (bool first = true; record_next_member(&rest, &member); first = false) {
		buffer_format(line->out, json ? "%s{\"type\":\"%s\"" : "%s %s", first ? "" : (json ? "," : ";"),
			      record_type_name(member.type));
		fields(line, &member);
		buffer_add(line->out, "}", json);
	}
	buffer_add(line->out, "]", json);
}

static void fields(struct line *line, const struct record *record)
{
	switch (record->type) {
	case RECORD_BOOK:
		fields_of_book(line, record);
		return;
	case RECORD_HOLD:
		fields_of_book(line, record);
		number_field(line, "seconds", record->hold_seconds);
		return;
	case RECORD_MOVE:
		fields_of_move(line, record);
		return;
	case RECORD_BUSY:
		fields_of_busy(line, record);
		return;
	case RECORD_HOURS:
		word_field(line, "psychologist", record->psychologist);
		text_field(line, "hours", record->text);
		return;
	case RECORD_CALENDAR:
		word_field(line, "psychologist", record->psychologist);
		text_field(line, "url", shown_url(record->text));
		return;
	case RECORD_IMPORT:
		fields_of_import(line, record);
		return;
	case RECORD_CANCEL:
		number_field(line, "session", record->session);
		date_field(line, "date", record->day);
		text_field(line, "reason", record->reason);
		return;
	case RECORD_OPEN:
		word_field(line, "psychologist", record->psychologist);
		number_field(line, "minutes", record->minutes);
		slots_field(line, record);
		return;
	case RECORD_CLOSE:
		word_field(line, "psychologist", record->psychologist);
		slots_field(line, record);
		return;
	case RECORD_PURGE:
		date_field(line, "before", record->day);
		return;
	case RECORD_GROUP:
		members_field(line, record);
		return;
	case RECORD_STATUS:
		number_field(line, "session", record->session);
		date_field(line, "date", record->day);
		word_field(line, "status", span_of(session_status_name(record->status)));
		if (record->status == SESSION_HELD) {
			number_field(line, "seconds", record->hold_seconds);
		}
		return;
	}
	WRONG("record_decode lets no other type pass");
}

void format_record(struct buffer *out, enum format format, const struct record *record, uint64_t lsn)
{
	CHECK(format != FORMAT_RESP);
	struct line line = {out, format};
	char moment[FORMAT_MOMENT_SIZE];
	format_moment(record->at_ms, moment);
	const char *type = record_type_name(record->type);
	buffer_format(
	    out, format == FORMAT_JSON ? "{\"lsn\":%" PRIu64 ",\"at\":\"%s\",\"type\":\"%s\"" : "%" PRIu64 " %s %s",
	    lsn, moment, type);
	fields(&line, record);
	buffer_format(out, format == FORMAT_JSON ? "}\n" : "\n");
}
