/*
 * limits: every bound of slotd, by name, in one place. A limit with a config word has its default here.
 */
#pragma once

#include <assert.h>

/* Tokens: psychologist, client, source. Bytes. */
#define TOKEN_SIZE_MAX 64

/* Requests. Bytes and words; the wide ones are for BOOKALL, BOOKANY, BUSY, HOURS, IMPORT. */
#define LINE_SIZE_MAX      4096
#define LINE_WORDS_MAX     64
#define WORD_SIZE_MAX      512
#define WIDE_LINE_SIZE_MAX 65536
#define WIDE_WORDS_MAX     1024

/* BUSY: most intervals of one, which is what WIDE_WORDS_MAX words can name; and the days its window may have. */
#define BUSY_COUNT_MAX 508
static_assert((WIDE_WORDS_MAX - 6) / 2 >= BUSY_COUNT_MAX,
	      "name, psychologist, source, generation, from, to, then two words each");
#define BUSY_DAYS_MAX 400
/* Highest `busy-sources-max` and `busy-intervals-max`. */
#define BUSY_SOURCES_MAX   64
#define BUSY_INTERVALS_MAX 16384

/* Bytes of a setting of a psychologist as the log has it (slot/settings.h), and of the url of a calendar: a word. */
#define SETTING_TEXT_MAX 5376
#define CALENDAR_URL_MAX WORD_SIZE_MAX

/* Civil time. A day is counted from 1970-01-01 and kept in 16 bits, so the last one is 2149-06-06. */
#define DAY_COUNT       65536
#define MINUTES_PER_DAY 1440

/* Longest slot, and most slots one OPEN may open. */
#define SLOT_MINUTES_MAX 1440
#define OPEN_COUNT_MAX   1440

/* Weekly hours: bytes as hours_write writes them, exceptions, ranges in all, slots of a day. */
#define HOURS_TEXT_MAX       2560
#define HOURS_EXCEPTIONS_MAX 64
#define HOURS_RANGES_MAX     200
#define HOURS_DAY_SLOTS_MAX  288
/* Highest `horizon-days` and `retain-days`. */
#define HORIZON_DAYS_MAX 366
#define RETAIN_DAYS_MAX  36500
static_assert(2 * HOURS_TEXT_MAX + 64 <= SETTING_TEXT_MAX, "hours and those before them fit in a setting");

/* Most slots one request may book or cancel together: what a BOOKALL of WIDE_WORDS_MAX words can name. */
#define GROUP_SLOTS_MAX 340
static_assert((WIDE_WORDS_MAX - 2) / 3 == GROUP_SLOTS_MAX, "name, client, then three words a slot");

/* Largest encoded log record, in bytes: of one change (a CLOSE or an OPEN of 1,440 slots, a CANCEL with its reason), and
 * of a group of them (the bookings of the widest BOOKALL, every token of the longest). */
#define RECORD_PLAIN_SIZE_MAX 8192
#define RECORD_SIZE_MAX       57344
static_assert(OPEN_COUNT_MAX * 4 + 2 * TOKEN_SIZE_MAX + 64 <= RECORD_PLAIN_SIZE_MAX,
	      "the widest OPEN fits in a record");
static_assert(GROUP_SLOTS_MAX * (2 * TOKEN_SIZE_MAX + 32) + 32 <= RECORD_SIZE_MAX, "the widest BOOKALL fits in one");

/* IMPORT: how far ahead of the clock a record may have been written. */
#define IMPORT_DAYS_AHEAD_MAX 366

/* ALTERNATIVES and ALT: most that may be asked for, and how many are answered if nobody says. How far they may be is the
 * option `alternatives-days`, to each side. */
#define ALTERNATIVES_COUNT_MAX     100
#define ALTERNATIVES_COUNT_DEFAULT 3
#define ALTERNATIVES_DAYS_MAX      366

/* Highest `sessions-max-reply`: sorting and writing them is one step of the loop, which takes some milliseconds. */
#define SESSIONS_REPLY_MAX 10000

/* HOT: most slots it answers, and how many if nobody says; most of them that a worker counts (`hot-entries`). */
#define HOT_COUNT_MAX     1000
#define HOT_COUNT_DEFAULT 10
#define HOT_ENTRIES_MAX   8192

/* Highest `feed-days-past` and `feed-days-ahead`. */
#define FEED_DAYS_MAX 1000

/* Workers. */
#define THREADS_MAX 64
