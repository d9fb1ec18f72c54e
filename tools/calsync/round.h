/*
 * round: one run over all calendars: fetches each, so many at once, and unrolls it, a process each (worker.h).
 *
 * One that hangs, lies or breaks ends in its time, with a reason; the others do not wait for it.
 *
 * Threads: one.
 */
#pragma once

#include <calsync/calendar.h>

/* How far it has come, for a progress line. */
typedef void round_progress_f(void *context, size_t done, size_t all);

struct round {
	const struct options *options;
	struct calendar *calendars;
	size_t count;
	int stop_fd; /* readable: stop at once */
	round_progress_f *progress;
	void *context;
};

/* Every calendar has its zone and window filled in, or has failed. Afterwards each has its outcome; those that are known are
 * expanded, or have failed. False when it was told to stop. */
bool round_run(struct round *round);
