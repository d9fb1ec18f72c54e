/*
 * sync: one run: which calendars, in which zones; fetch and unroll them (round.h); tell the server; say what came of it.
 *
 * A psychologist's calendars are one set for the server. It is sent when at least one of them was fetched in this run and
 * every one of them is known, if only by its last good copy: otherwise what an unknown one has blocked would be open. What
 * is not sent stays as it is on the server, and its age there says so.
 *
 * Threads: one.
 */
#pragma once

#include <calsync/book.h>

struct sync {
	const struct options *options;
	int stop_fd;
	struct book book;
};

/* STATUS_FRESH or STATUS_NOT_FRESH; *stopped when it was told to stop. */
int sync_run(struct sync *sync, bool *stopped);
void sync_fini(struct sync *sync);
