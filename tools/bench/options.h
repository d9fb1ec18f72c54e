/*
 * options: what the command line of slotd-bench asked for, with the bounds of each. Read once, const afterwards.
 */
#pragma once

#include <bench/peer.h>
#include <stdbool.h>
#include <stdint.h>

#define LEVELS_MAX          64
#define LEVEL_MAX           10000 /* connections of one race; a machine has some 28,000 local ports */
#define ROUNDS_MAX          10000
#define CREWS_MAX           64
#define BACKGROUND_RATE_MAX 1000000
#define TIMEOUT_S_MAX       3600
#define CONNECTIONS_MAX     1000 /* of traffic: what the usual limit on open files allows */
#define PIPELINE_MAX        1024
#define RATE_MAX            10000000
#define SECONDS_MAX         3600
#define REQUESTS_MAX        1000000000
#define REPETITION_MAX      100

struct options {
	const char *mode;
	/* any server */
	const char *server;  /* HOST:PORT of a server that runs already; NULL starts one */
	const char *dir;     /* data directory; NULL is a temporary one, or unknown with `server` */
	uint32_t timeout_ms; /* longest wait for one answer */
	/* mode race */
	uint32_t levels[LEVELS_MAX]; /* connections that race for one slot */
	uint32_t level_count;
	uint32_t rounds;          /* races of each level */
	uint32_t threads;         /* threads that drive the connections of a race */
	bool background;          /* run the two background loads beside the races */
	uint32_t background_rate; /* operations a second of each of them */
	/* modes ping, claim, mixed, storm, probe */
	const struct peer *peer;
	uint32_t connections;
	uint32_t pipeline;
	uint32_t rate;      /* requests a second of an open loop; 0 is a closed one */
	uint32_t seconds;   /* how long, */
	uint32_t requests;  /* or how many, if this is not 0 */
	bool durable;       /* the server is to flush before it answers, and the device must say so */
	const char *beside; /* what a storm is made of */
	const char *hgrm;   /* file for the percentile table, or NULL */
	/* where the figures go; a sheet's words have no blanks */
	const char *sheet; /* file, or NULL; mode summary reads it */
	const char *row;
	const char *who;
	uint32_t repetition;
};

/* Reads the command line. `peers` are the servers that can be named with --peer, the first by default, NULL at the end.
 * Exits with status 2, having said why, on bad usage; prints `usage` and exits with 0 on --help. */
struct options options_read(int argc, char **argv, const struct peer *const *peers, const char *usage);

/* Says what is wrong with a word of the command line, and exits with status 2. */
_Noreturn void options_refuse(const char *what, const char *value, const char *allowed);

/* The greatest of the levels. */
static inline uint32_t options_level_max(const struct options *options)
{
	uint32_t most = 0;
	for (uint32_t i = 0; i < options->level_count; i++) {
		most = options->levels[i] > most ? options->levels[i] : most;
	}
	return most;
}
