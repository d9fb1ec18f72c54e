/*
 * words: the command line of a stress program whose threads race on a table: [seconds] [threads] [--canary].
 *
 * Threads: one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct words {
	uint64_t seconds;
	uint32_t threads;
	bool canary; /* plant the program's bug: it must be found */
};

/* False, having said what is allowed: they are other words. `threads`: if none are named; at most `threads_max`. */
static inline bool words_read(struct words *words, int argc, char **argv, uint32_t threads, uint32_t threads_max)
{
	words->canary = argc > 1 && strcmp(argv[argc - 1], "--canary") == 0;
	argc -= words->canary;
	words->seconds = argc > 1 ? strtoull(argv[1], NULL, 10) : 5;
	const uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : threads;
	words->threads = (uint32_t)count;
	if (words->seconds < 1 || count < 1 || count > threads_max || argc > 3) {
		fprintf(stderr, "usage: %s [seconds] [threads, 1 to %u] [--canary]\n", argv[0], threads_max);
		return false;
	}
	return true;
}
