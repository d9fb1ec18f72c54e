/*
 * multi: what a connection has queued between MULTI and EXEC.
 *
 *   MULTI -> multi_begin -> (a request) multi_queue ... -> EXEC: multi_at for each -> multi_end
 *
 * The words of a request are borrowed from the connection's input, so they are copied. How many there may be is bounded by
 * the options multi-commands and multi-size.
 *
 * Threads: owned by the worker of the connection.
 */
#pragma once

#include <base/bytes.h>

struct command;
struct config;
struct request;

/* One of them. */
struct multi_command {
	const struct command *command;
	uint32_t word_count;
	size_t offset; /* in `bytes`: of each word its size (4 bytes), and the word */
	/* for EXEC: its changes in the group */
	uint32_t first;
	uint32_t count;
};

struct multi {
	struct buffer commands; /* struct multi_command, one behind the other */
	struct buffer bytes;
	uint32_t count;
	bool broken; /* one was refused, so EXEC will be: what comes behind it must not happen without it */
};

void multi_begin(struct multi *multi);
/* False: it would be more than the options allow. */
bool multi_queue(struct multi *multi, const struct config *config, const struct command *command,
		 const struct request *request);
/* The i-th, with its words as spans of the queue; `words` has room for WIDE_WORDS_MAX. */
struct multi_command *multi_at(const struct multi *multi, uint32_t i, struct span *words);
/* Forgets everything, and gives the memory back. */
void multi_end(struct multi *multi);
