/*
 * progress: how far reading has come, on the last line of a terminal (standard error).
 *
 * Threads: one.
 */
#pragma once

#include <base/clock.h>
#include <log/reader.h>
#include <stdbool.h>

struct progress {
	bool shown;
	struct clock clock;
	uint64_t total; /* bytes of all segments */
	uint64_t began_ns;
	uint64_t told_ns;
	/* how far */
	uint64_t segment;  /* the open one */
	uint64_t finished; /* bytes of those before it */
	uint64_t size;     /* of the open one */
	uint64_t done;
};

/* Sums up the segments, if it is to be shown at all. */
void progress_begin(struct progress *progress, bool shown, struct disk *disk);
/* Called with every block. */
void progress_move(struct progress *progress, const struct reader *reader);
/* Replaces the line by a summary. */
void progress_end(struct progress *progress);
