/*
 * history: what the log says about one slot, to judge what a reader was told about it [I2].
 *
 * Threads: one, after the others have ended.
 */
#pragma once

#include <model/toy_desk.h>

/* From `lsn` on, until the next state's, the slot was so. */
struct state {
	uint64_t lsn;
	uint64_t session;
	bool there;
	bool free;
};

struct history {
	struct state *states; /* the first is at lsn 0: not there */
	uint64_t count;
};

/* Reads the log of the toy desk. */
void history_read(struct history *history, const struct toy_desk *toy, uint64_t key);
void history_fini(struct history *history);

/* Might a reader who asked when the log was at `lsn_before` have been told this? What was there, was so from exactly
 * the lsn told, and no change of it was in the log when the reader asked. What was not there, was missing at some
 * moment between the question and the lsn told. */
bool history_allows(const struct history *history, const struct toy_look *look, uint64_t lsn_before);
