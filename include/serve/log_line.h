/*
 * log_line: what the server tells the person who runs it, to stderr, one line each.
 *
 *   ts=2026-11-22T10:00:00.123Z level=info msg="ready" port=5545
 *
 * logfmt: `text` is put in quotes after msg=, `pairs` is a printf format of further name=value words (or ""). Control
 * bytes are escaped. Never a client token: they are patient data.
 *
 * Threads: any; a line is one write(2).
 */
#pragma once

enum log_level {
	LOG_DEBUG,
	LOG_INFO,
	LOG_WARNING,
	LOG_ERROR,
};

void log_line_level(enum log_level least);
void log_line(enum log_level level, const char *text, const char *pairs, ...) __attribute__((format(printf, 3, 4)));
