/*
 * timeline: what the log says about one slot, lsn by lsn, to judge what somebody was told about it [I2].
 *
 * Threads: one, after the others have ended.
 */
#pragma once

#include <model/toy_desk.h>

/* From `lsn` on, until the next one's, the slot was so. */
struct moment {
	uint64_t lsn;
	uint64_t session;    /* that has it, or had it last */
	uint64_t expires_ms; /* of a hold */
	uint32_t client;
	enum session_status status; /* of the session that has it; SESSION_FREE: nobody has */
	bool there;
	bool busy; /* a calendar is busy over it */
};

struct timeline {
	struct moment *moments; /* in order; the first is at lsn 0: not there */
	size_t count;
};

void timeline_init(struct timeline *timeline);
void timeline_fini(struct timeline *timeline);
/* At or behind the lsn of the last; at the same, it replaces that. */
void timeline_add(struct timeline *timeline, const struct moment *moment);
/* The index of the last moment at or before `lsn`. */
size_t timeline_at(const struct timeline *timeline, uint64_t lsn);

/* Reads the log of the toy desk. */
void timeline_read(struct timeline *timeline, const struct toy_desk *toy, uint64_t key);
/* Might a reader who asked when the log was at `lsn_before` have been told this? What was there, was so from exactly
 * the lsn told, and no change of it was in the log when the reader asked. What was not there, was missing at some
 * moment between the question and the lsn told. */
bool timeline_allows(const struct timeline *timeline, const struct toy_look *look, uint64_t lsn_before);
