/*
 * output: what slotd-replay prints, gathered and written in large pieces to standard output.
 *
 * A reader who goes away (slotd-replay DIR | head) is no failure: `closed` says that nobody listens any more.
 *
 * Threads: one.
 */
#pragma once

#include <base/bytes.h>

struct output {
	struct buffer buffer; /* what was added and not written yet */
	bool closed;          /* the other end of the pipe is gone */
	bool failed;          /* it could not be written */
};

/* Writes what was added. */
void output_flush(struct output *output);
/* The same once there is much of it. */
void output_pace(struct output *output);
/* Is anybody there to read it? Else it is closed. */
bool output_has_reader(struct output *output);
void output_fini(struct output *output);
