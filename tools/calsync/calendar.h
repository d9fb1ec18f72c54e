/*
 * calendar: one calendar of a psychologist: where it is, what is known of it, and what became of it in this run.
 *
 * What is known is kept from run to run, also over errors: the last good copy. Of a copy only the lines that say when
 * somebody is busy are kept (sift.h).
 *
 * Threads: one.
 */
#pragma once

#include <base/bytes.h>
#include <calsync/expand.h>
#include <calsync/items.h>
#include <calsync/transfer.h>
#include <calsync/url.h>

enum calendar_outcome {
	CALENDAR_PENDING,
	CALENDAR_FRESH,     /* what is known is what it says now; */
	CALENDAR_UNCHANGED, /* and it said so before */
	CALENDAR_FAILED,
};

struct calendar {
	char psychologist[TOKEN_SIZE_MAX + 1];
	char *text; /* the url as it was given */
	struct url url;
	char *credentials; /* user:password, or NULL */

	/* What is known. */
	bool is_known;
	struct buffer kept;   /* of sift(); of CalDAV, of all items */
	uint64_t hash;        /* of the answer it was sifted from */
	char etag[ETAG_SIZE]; /* of that answer */
	char date[DATE_SIZE];
	struct items items; /* CalDAV: */
	char *token;        /* as of which sync-token; NULL: none */
	bool has_changed;   /* the items have, since `kept` was made of them */
	uint32_t unreadable_items;

	/* Back-off. */
	uint32_t failures;      /* in a row, of the kind that waiting helps */
	uint64_t not_before_ms; /* wall clock */

	/* What it says for a window, from the last time it was unrolled. */
	bool is_expanded;
	struct expansion expansion;
	struct busy_interval window;
	char zone[64];

	/* This run. */
	enum calendar_outcome outcome;
	char reason[256]; /* why it failed */
};

/* Why, for a person. */
void calendar_fail(struct calendar *calendar, const char *reason);
void calendar_fini(struct calendar *calendar);

/* What one step of asking leads to. */
enum step {
	STEP_ASK,    /* the request is filled in */
	STEP_DONE,   /* what is known is what it says now, and the outcome is set */
	STEP_FAILED, /* with a reason, */
	STEP_LATER,  /* and waiting may help */
};
