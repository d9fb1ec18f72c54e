/*
 * verdict: what to make of the end of a log, and of the header of a segment [I7].
 *
 * Reading stops where no block follows. That is the end of the log, or a torn tail, or damage; which of them, follows
 * from a few facts about what is there. The decisions are tables, one row a case; the first row whose facts all hold
 * decides. The test goes through every combination of facts.
 *
 * The one that matters: a block that is missing may be cut only if it cannot have been durable. A later block of the
 * same segment that is whole says how far the log was durable when it was sealed, and a later segment is begun only
 * when everything before it is durable. Either is the proof that a missing block was lost, not torn.
 *
 * Threads: any; nothing here has state.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum verdict {
	VERDICT_IMPOSSIBLE, /* these facts exclude each other */
	VERDICT_NEXT,       /* the segment is complete: go on in the next */
	VERDICT_CLEAN,      /* the end of the log, and nothing behind it */
	VERDICT_TORN,    /* the end of the log, and a batch behind it that was on its way when the power went: cut it */
	VERDICT_DAMAGED, /* something durable is missing or wrong: refuse */
	VERDICT_NEWER,   /* a format we do not know: refuse */
};

struct verdict_row {
	enum verdict verdict;
	const char *reason; /* of a refusal: what is wrong, for the person */
};

/* Facts about the place in a segment where no block follows the one before. */
enum tail_fact {
	TAIL_ZERO = 1,       /* nothing but zeros from here to the end of the segment */
	TAIL_NEWER = 2,      /* a block of a newer format stands here */
	TAIL_STRANGER = 4,   /* a whole block of this very place stands here, but follows another history */
	TAIL_PROOF = 8,      /* a whole block further on knew what is missing here to be durable */
	TAIL_LAST = 16,      /* no later segment is begun */
	TAIL_CONTINUED = 32, /* the next segment says that it continues exactly from here */
};
#define TAIL_FACTS 64

struct verdict_row verdict_of_tail(unsigned facts);

/* Facts about the header of a segment, its file and its place in the order of files. */
enum header_fact {
	HEADER_GAP = 1,       /* the file before it, by number, is missing */
	HEADER_WHOLE = 2,     /* the hash is right */
	HEADER_NEWER = 4,     /* of a newer format */
	HEADER_OURS = 8,      /* of this log (which the first segment says) */
	HEADER_IN_PLACE = 16, /* the number is that of the file name; the first segment starts the log */
	HEADER_SIZED = 32,    /* the file is as large as the header says */
	HEADER_FIRST = 64,    /* the first file */
	HEADER_FINAL = 128,   /* the last file */
	HEADER_EMPTY = 256,   /* nothing but zeros behind the header */
};
#define HEADER_FACTS 512

/* VERDICT_NEXT: a segment, read it. VERDICT_CLEAN: a spare, prepared but not begun. */
struct verdict_row verdict_of_header(unsigned facts);
