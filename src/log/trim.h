/*
 * trim: what a new snapshot makes unnecessary, removed one file at a time.
 *
 * Kept are the newest snapshot and the one before that is known to be sound, all segments that hold a record behind the
 * latter, and of those before as many as `retain` has room for. Without one before, every segment: the newest may be found
 * damaged at the next start, and then the whole log is what is left.
 *
 * Segments go oldest first, and the directory is flushed after each, so that a crash leaves no gap.
 *
 * Threads: one. Only files that the log does not use any more are touched.
 */
#pragma once

#include <io/disk.h>

struct trim {
	struct disk *disk;
	uint64_t log_id;
	uint64_t newest_lsn;
	uint64_t previous_lsn; /* 0: there is none */
	uint64_t retain;       /* bytes */
};

/* Removes the next file; *removed is false if there is none to remove. */
bool trim_step(const struct trim *trim, bool *removed, struct error *error);
