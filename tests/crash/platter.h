/*
 * platter: what a power cut may have left on a recorded disk.
 *
 * At a position, everything before the last flush below it is there. What was written after that flush may be there or not,
 * in any selection, and one of those writes only in part, by sectors: the disk wrote in its own order, and was at it.
 *
 * Threads: one.
 */
#pragma once

#include <block/recording.h>
#include <stdbool.h>
#include <stddef.h>

#define PLATTER_SECTOR_SIZE 512
#define PLATTER_BLOCK_SIZE  4096

enum cut_way {
	CUT_FLUSHED, /* right after a flush: nothing is in doubt */
	CUT_ALL,     /* everything was written, though not flushed */
	CUT_SOME,    /* a random selection */
	CUT_TORN,    /* a random selection, of whose last write some sectors are missing */
	CUT_WAYS,
};

struct cut {
	uint64_t position;
	uint64_t seed; /* of the selection */
	enum cut_way way;
};

struct platter {
	const uint8_t *entries; /* the recording, mapped */
	const uint8_t *next;    /* entry that is not applied yet; every flush below is */
	uint64_t position;      /* its position */
	uint8_t *bytes;
	bool *used; /* blocks that are not all zero */
	size_t size;
};

/* False: errno says why there is no memory, or that `path` is no recording. `size` is the disk's. */
bool platter_init(struct platter *platter, const char *path, size_t size);
void platter_fini(struct platter *platter);

/* The position of the newest flush below a position, plus one; 0 if there is none. */
uint64_t platter_flushed(const struct platter *platter, uint64_t position);

/* Makes the file `path` what the disk was after the cut. Cuts come in the order of their positions. */
bool platter_write(struct platter *platter, const struct cut *cut, const char *path);
