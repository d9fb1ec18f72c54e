/*
 * sim_file: one file of a simulated disk, in two states: what a reader sees (the cache) and what survives (the
 * platter).
 *
 * A write changes the cache and makes sectors dirty; a flush brings them to the platter; a loss of power brings some of
 * them there and makes the cache what the platter is.
 *
 * Threads: one.
 */
#pragma once

#include <io/disk.h>
#include <sim/prng.h>

#define SIM_SECTOR_SIZE 512

struct sim_file {
	bool used;
	char name[DISK_NAME_SIZE];         /* "": none any more */
	char durable_name[DISK_NAME_SIZE]; /* after a loss of power */
	uint64_t size;
	uint64_t durable_size;
	uint64_t capacity; /* of the two below; bytes beyond the sizes are zero */
	uint8_t *cache;
	uint8_t *platter;
	uint64_t *dirty; /* one bit a sector */
};

/* Empties the file and frees its place, but keeps its memory for the next one. */
void sim_file_clear(struct sim_file *file);
void sim_file_fini(struct sim_file *file);

/* Whole sectors. */
void sim_file_write(struct sim_file *file, uint64_t offset, const uint8_t *bytes, size_t size);
void sim_file_flush(struct sim_file *file);
/* A flush that failed, as on Linux: the sectors count as clean, and the next flush has nothing to complain about. */
void sim_file_forget(struct sim_file *file);

/* What becomes of sectors on their way when the power goes. */
enum sim_fate {
	SIM_LOST,
	SIM_KEPT,
	SIM_TORN, /* each sector for itself */
};

/* A write to the cache, or to the platter, of which only some sectors arrive. */
void sim_file_write_some(struct sim_file *file, uint64_t offset, const uint8_t *bytes, size_t size, enum sim_fate fate,
			 struct prng *prng);
void sim_file_burn_some(struct sim_file *file, uint64_t offset, const uint8_t *bytes, size_t size, enum sim_fate fate,
			struct prng *prng);
/* Of the dirty sectors, some arrive. */
void sim_file_lose_power(struct sim_file *file, enum sim_fate fate, struct prng *prng);
/* From now on the cache is what the platter is. */
void sim_file_reload(struct sim_file *file);

/* For tests: a change that both have; a file cut, or lengthened with zeros. */
void sim_file_patch(struct sim_file *file, uint64_t offset, const void *bytes, size_t size);
void sim_file_resize(struct sim_file *file, uint64_t size);
