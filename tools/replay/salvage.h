/*
 * salvage: what can still be read from a part of a log that is to be cut.
 *
 * Every 4 KiB of it is looked at: where a whole block of this log stands, its records are printed, whatever is missing
 * around it.
 *
 * Threads: one.
 */
#pragma once

#include "judge.h"
#include "output.h"

#include <log/window.h>

struct salvage {
	struct output *output;
	uint64_t first_lsn; /* the first record that is lost */
	uint64_t log_id;    /* 0: not known yet */
	/* found so far */
	uint64_t last_lsn; /* the highest that anything proves to have been; first_lsn - 1 if nothing does */
	uint64_t seen_lsn; /* the highest that was printed */
	uint64_t records;  /* printed */
};

/* Prints what is in the file of this segment from `offset` on, in the order it stands there. */
bool salvage_file(struct salvage *salvage, struct disk *disk, uint64_t number, uint64_t offset, struct error *error);
