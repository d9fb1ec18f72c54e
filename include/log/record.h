/*
 * record: what the log remembers, one record a change.
 *
 * A record says what happened, not what was asked: an OPEN lists the slots it opened, a CLOSE those it took out. It
 * names psychologists and clients by their tokens, so that it can be read without any other record. Its lsn is not
 * stored: a block says its first, the rest count on.
 *
 * docs/LOG_FORMAT.md has the byte tables.
 *
 * Threads: any.
 */
#pragma once

#include <base/bytes.h>
#include <base/error.h>
#include <base/limits.h>
#include <stdbool.h>
#include <stdint.h>

enum record_type {
	RECORD_BOOK = 1, /* BOOK, CLAIM: session `session` of `client` takes the slot */
	RECORD_CANCEL,   /* session `session` gives its slot up */
	RECORD_OPEN,     /* `slots` of the psychologist, each of `minutes`, are open from now on */
	RECORD_CLOSE,    /* `slots` of the psychologist are no more */
	RECORD_PURGE,    /* everything before `day` is no more */
};

/* 9999-12-31T23:59:59.999Z: the last moment a person can read (RFC 3339 has four digits for the year). */
#define RECORD_AT_MS_MAX UINT64_C(253402300799999)

struct record_slot {
	uint16_t day;
	uint16_t minute;
};

/* A record in the open. Spans are borrowed: from the caller when encoding, from the encoded bytes after decoding.
 * Fields that a type does not have are zero. */
struct record {
	enum record_type type;
	uint64_t at_ms;           /* all: wall clock */
	uint64_t session;         /* BOOK, CANCEL */
	struct span psychologist; /* BOOK, OPEN, CLOSE */
	struct span client;       /* BOOK */
	struct span reason;       /* CANCEL; may be empty, at most WORD_SIZE_MAX */
	uint16_t day;             /* BOOK, PURGE; CANCEL: of the session's slot */
	uint16_t minute;          /* BOOK */
	uint16_t minutes;         /* OPEN: of each slot; BOOK: of the slot, 0 if and only if unlisted */
	bool unlisted;            /* BOOK: no OPEN made this slot */
	uint16_t slot_count;      /* OPEN, CLOSE */
	const uint8_t *slots;     /* OPEN, CLOSE: slot_count times day (16 bits), minute (16 bits) */
};

/* Name of a type as slotd-replay prints it: "BOOK". NULL for an unknown one. */
const char *record_type_name(enum record_type type);

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

static inline struct record_slot record_slot(const struct record *record, uint16_t i)
{
	return (struct record_slot){load16(record->slots + 4 * i), load16(record->slots + 4 * i + 2)};
}
