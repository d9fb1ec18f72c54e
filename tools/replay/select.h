/*
 * select: which records somebody wants to see.
 *
 * All conditions must hold. A CANCEL names its session only; it concerns the slot that the BOOK of that session named, so with
 * a slot asked for, the bookings of it are remembered. A group is shown whole if one of its members is asked for.
 *
 * Threads: one.
 */
#pragma once

#include "ids.h"

#include <log/record.h>

struct selection {
	/* what is asked for; selection_init asks for everything */
	uint64_t start_lsn; /* the first and the last one */
	uint64_t end_lsn;
	uint64_t limit;           /* so many records at most */
	uint64_t since_ms;        /* wall clock: from here on */
	uint64_t until_ms;        /* and before here */
	uint64_t session;         /* 0: any */
	struct span psychologist; /* empty: any */
	bool one_day;             /* of the psychologist: `day` only */
	bool one_minute;          /* of the day: `minute` only */
	uint16_t day;
	uint16_t minute;
	/* while reading */
	uint64_t taken;
	struct ids sessions; /* that booked what is asked for */
};

void selection_init(struct selection *selection);
void selection_fini(struct selection *selection);

/* Reads "psychologist", "psychologist/2026-12-01" or "psychologist/2026-12-01/10:00"; `text` is borrowed. */
bool selection_parse_slot(struct selection *selection, struct span text);
/* Reads a moment in UTC: "2026-12-01", "2026-12-01T10:00", with ":30" or ":30.123" behind, with or without "Z". */
bool selection_parse_moment(struct span text, uint64_t *at_ms);

/* Is anything but everything asked for? */
bool selection_narrows(const struct selection *selection);
/* Is nothing asked for in a block of these records, so that it need not be decoded? */
bool selection_skips(const struct selection *selection, uint64_t first_lsn, uint32_t record_count);
/* Is nothing asked for from this lsn on? */
bool selection_over(const struct selection *selection, uint64_t next_lsn);
/* Is this record asked for? Counts it if so. */
bool selection_takes(struct selection *selection, const struct record *record, uint64_t lsn);
