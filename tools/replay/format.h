/*
 * format: a record as a line, for people or for programs.
 *
 *   text  12 2026-11-22T10:00:00.123Z CANCEL session=4294967297 date=2026-12-01 reason="ill"
 *   json  {"lsn":12,"at":"2026-11-22T10:00:00.123Z","type":"CANCEL","session":4294967297,"date":"2026-12-01",...}
 *
 * The fields have the same names in both. What is not printable in a reason is escaped.
 *
 * Threads: one.
 */
#pragma once

#include <log/record.h>

enum format {
	FORMAT_TEXT,
	FORMAT_JSON,
	FORMAT_RESP, /* commands instead of records: rebuilt.h */
};

/* Appends the line, its newline included. Not for FORMAT_RESP. */
void format_record(struct buffer *out, enum format format, const struct record *record, uint64_t lsn);

/* "2026-12-01T10:00", with its NUL, of a civil minute as in a BUSY. */
#define FORMAT_BUSY_SIZE 17
void format_busy_moment(uint32_t minute, char text[static FORMAT_BUSY_SIZE]);

#define FORMAT_MOMENT_SIZE 32
/* "2026-11-22T10:00:00.123Z" (RFC 3339, UTC), with its NUL. */
void format_moment(uint64_t at_ms, char text[static FORMAT_MOMENT_SIZE]);
