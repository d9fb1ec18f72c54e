/*
 * record: what the log remembers, one record a change.
 *
 * A record says what happened, not what was asked: an OPEN lists the slots it opened, a CLOSE those it took out. It
 * names psychologists and clients by their tokens, so that it can be read without any other record. Its lsn is not
 * stored: a block says its first, the rest count on.
 *
 * A GROUP holds whole records of single sessions, two at least, which happened together: they are applied in their order
 * and share its lsn. As a block becomes durable whole or not at all, so does a group. In it there is no other group, and
 * nothing that changes which slots there are.
 *
 * docs/LOG_FORMAT.md has the byte tables.
 *
 * Threads: any.
 */
#pragma once

#include <base/bytes.h>
#include <base/error.h>
#include <base/limits.h>
#include <slot/session.h>
#include <slot/settings.h>
#include <stdbool.h>
#include <stdint.h>

enum record_type {
	RECORD_BOOK = 1, /* BOOK, CLAIM: session `session` of `client` takes the slot */
	RECORD_CANCEL,   /* session `session` gives its slot up */
	RECORD_OPEN,     /* `slots` of the psychologist, each of `minutes`, are open from now on */
	RECORD_CLOSE,    /* `slots` of the psychologist are no more */
	RECORD_PURGE,    /* everything before `day` is no more */
	RECORD_GROUP,    /* BOOKALL, EXEC: several changes of sessions, all at this one lsn */
	RECORD_STATUS, /* session `session` is `status` from now on (COMMIT, RENEW, CONFIRM, COMPLETE, NOSHOW, time) */
	RECORD_HOLD,   /* as BOOK, but held, for `hold_seconds` from at_ms on */
	RECORD_MOVE,   /* RESCHEDULE: session `session` gives up the slot at `from` and takes the other */
	RECORD_BUSY,   /* `source` of the psychologist is busy in `busy` and, inside its window, never else */
	RECORD_HOURS, /* `text` is the weekly hours of the psychologist, and how far they are carried out; empty: none */
	RECORD_CALENDAR, /* `text` is the url of the psychologist's calendar; empty: none */
	RECORD_IMPORT,   /* session `session` is as the record says: it came from another log, without its history */
};

/* One more than the highest. */
#define RECORD_TYPE_END (RECORD_IMPORT + 1)

/* 9999-12-31T23:59:59.999Z: the last moment a person can read (RFC 3339 has four digits for the year). */
#define RECORD_AT_MS_MAX UINT64_C(253402300799999)

struct record_slot {
	uint16_t day;
	uint16_t minute;
};

/* The slot a session has left. */
struct record_from {
	struct span psychologist;
	uint16_t day;
	uint16_t minute;
	uint16_t minutes; /* 0: it was unlisted, and is no more */
};

/* A record in the open. Spans are borrowed: from the caller when encoding, from the encoded bytes after decoding.
 * Fields that a type does not have are zero. */
struct record {
	enum record_type type;
	uint64_t at_ms;   /* all: wall clock (groups, and what becomes of a session: the hold clock, serve/desk.h) */
	uint64_t session; /* BOOK, HOLD, CANCEL, STATUS, MOVE, IMPORT */
	struct span psychologist;   /* BOOK, HOLD, OPEN, CLOSE, MOVE, IMPORT */
	struct span client;         /* BOOK, HOLD, IMPORT */
	struct span reason;         /* CANCEL; may be empty, at most WORD_SIZE_MAX */
	uint16_t day;               /* BOOK, HOLD, PURGE, MOVE, IMPORT; CANCEL, STATUS: of the session's slot */
	uint16_t minute;            /* BOOK, HOLD, MOVE, IMPORT */
	uint16_t minutes;           /* OPEN: of each slot; BOOK, HOLD, MOVE: of the slot, 0 if and only if unlisted */
	bool unlisted;              /* BOOK, HOLD, MOVE: no OPEN made this slot; IMPORT: and it is still there */
	enum session_status status; /* STATUS: one that no other record says; IMPORT: any, FREE: see below */
	uint16_t hold_seconds;      /* HOLD; STATUS held, IMPORT held: from at_ms on */
	uint16_t slot_count;        /* OPEN, CLOSE */
	const uint8_t *slots;       /* OPEN, CLOSE: slot_count times day (16 bits), minute (16 bits) */
	struct record_from from;    /* MOVE */
	struct span source;         /* BUSY */
	uint64_t generation;        /* BUSY */
	uint16_t busy_count;        /* BUSY: the window, and the intervals in it */
	const uint8_t *busy;        /* BUSY: busy_count times start, end: civil minutes since 1970, 32 bits each */
	struct span text;      /* HOURS, CALENDAR: visible ASCII and blanks, at most SETTING_TEXT_MAX; may be empty */
	uint16_t member_count; /* GROUP */
	struct span members;   /* GROUP: so many encoded records, back to back */
	uint64_t created_ms;   /* IMPORT: when it was booked; at_ms is its last change */
	uint16_t version;      /* IMPORT: 1 to SESSION_VERSION_MAX */
};
/* An IMPORT of status FREE has a session id and nothing else: it is the first of its number that was never given out. */

/* Name of a type as slotd-replay prints it: "BOOK". NULL for an unknown one. */
const char *record_type_name(enum record_type type);

/* May a record of this type be a member of a group? */
bool record_joins_group(enum record_type type);
/* Takes the next member of a group off the front of `rest`, which begins as the group's `members`. False: that was all. */
bool record_next_member(struct span *rest, struct record *member);
/* Bytes of a group whose members have so many. */
size_t record_group_size(size_t members_size);

/* Bytes record_encode will write, a multiple of 8, at most RECORD_SIZE_MAX. */
size_t record_size(const struct record *record);
/* Writes record_size bytes. CHECKs that record_decode will take them back: what could not be read must not be written.
 * */
size_t record_encode(const struct record *record, uint8_t *bytes);
/* Reads the record at the start of `bytes`, checking every length and value against what is allowed [I7]. Returns its
 * size; 0, with the reason, if it is not a record. */
size_t record_decode(struct span bytes, struct record *record, struct error *error);

/* Told of the next records (up to RECORDS_AHEAD_MAX) before the first of them is replayed, so that what they will need can be
 * brought near. */
#define RECORDS_AHEAD_MAX 32
typedef void record_ahead_f(void *context, const struct record *records, size_t count);
/* Told when the last record has been handed on, before anything is done about a log that is sound so far. False, with the
 * reason: one of them was refused after all. */
typedef bool record_end_f(void *context, struct error *error);

/* Which setting of the psychologist a HOURS or CALENDAR says. */
static inline enum setting_kind record_setting(enum record_type type)
{
	return type == RECORD_HOURS ? SETTING_HOURS : SETTING_CALENDAR;
}

static inline struct record_slot record_slot(const struct record *record, uint16_t i)
{
	return (struct record_slot){load16(record->slots + 4 * i), load16(record->slots + 4 * i + 2)};
}

/* The window of a BUSY (0), and its intervals (from 1 on). */
struct record_busy {
	uint32_t start;
	uint32_t end;
};
static inline struct record_busy record_busy(const struct record *record, uint16_t i)
{
	return (struct record_busy){load32(record->busy + 8 * i), load32(record->busy + 8 * i + 4)};
}
