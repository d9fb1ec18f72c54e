/*
 * options: what the command line of slotd-bench asked for, with the bounds of each. Read by main.c, const afterwards.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define LEVELS_MAX          64
#define LEVEL_MAX           10000 /* connections of one race; a machine has some 28,000 local ports */
#define ROUNDS_MAX          10000
#define CREWS_MAX           64
#define BACKGROUND_RATE_MAX 1000000
#define TIMEOUT_S_MAX       3600

struct options {
	uint32_t levels[LEVELS_MAX]; /* connections that race for one slot */
	uint32_t level_count;
	uint32_t rounds;          /* races of each level */
	uint32_t threads;         /* threads that drive the connections of a race */
	const char *server;       /* HOST:PORT of a server that runs already; NULL starts one */
	const char *dir;          /* data directory; NULL is a temporary one, or unknown with `server` */
	bool background;          /* run the two background loads beside the races */
	uint32_t background_rate; /* operations a second of each of them */
	uint32_t timeout_ms;      /* longest wait for one answer */
};

/* The greatest of the levels. */
static inline uint32_t options_level_max(const struct options *options)
{
	uint32_t most = 0;
	for (uint32_t i = 0; i < options->level_count; i++) {
		most = options->levels[i] > most ? options->levels[i] : most;
	}
	return most;
}
