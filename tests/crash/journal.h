/*
 * journal: everything the ledger was told, in order, and where the disk's recording was at each step.
 *
 * The position is read before a request is sent and after an answer has come (block/recording.h). So of a disk that holds
 * what was recorded before some position:
 *
 *   - an answer noted at or below it depends on flushes below it: what was told must be there
 *   - a request noted above it had not been sent when the last of it was written: it cannot have had an effect
 *
 * Positions only grow, so what is known at a position is a prefix of the journal.
 *
 * Threads: any.
 */
#pragma once

#include <base/lock.h>
#include <block/recording.h>
#include <stdbool.h>
#include <stddef.h>

enum step_kind {
	STEP_ASKED, /* whether to give up: `flag` */
	STEP_WON,
	STEP_TAKEN,
	STEP_CANCELLED,
	STEP_VERIFIED, /* the audit found the slot so */
};

struct step {
	uint64_t position;
	uint64_t id;
	uint32_t slot;
	int client;
	enum step_kind kind;
	bool flag;
};

struct journal {
	const struct recording *recording;
	/* guarded by lock */
	struct lock lock;
	struct step *steps;
	size_t count;
	size_t capacity;
};

void journal_init(struct journal *journal, const struct recording *recording);
void journal_fini(struct journal *journal);

/* Adds a step, whose position it fills in. NULL: nobody keeps a journal. */
void journal_note(struct journal *journal, struct step step);
