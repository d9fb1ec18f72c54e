/*
 * sim_file: one file of a simulated disk, in two states: what a reader sees (the cache) and what survives (the
 * platter).
 *
 * A write changes the cache and makes sectors dirty; a flush brings them to the platter; a loss of power brings some of
 * them there and makes the cache what the platter is.
 *
 * A simulation does little else than to lose power and look at what is left, thousands of times for one write. So it is
 * known of each sector whether there is anything to do at all: a power cut, a file that is emptied and a twin that is to
 * be the same again (sim_file_follow) touch no more than the sectors that differ.
 *
 * Threads: one.
 */
#pragma once

#include <io/disk.h>
#include <sim/prng.h>

#define SIM_SECTOR_SIZE 512

/* Of 64 sectors, a bit each. Two states that may differ are treated as if they did. */
struct sim_sectors {
	uint64_t dirty;   /* written since the last flush, or the last that failed */
	uint64_t stale;   /* the cache may not be what the platter is; all that are dirty, and more */
	uint64_t filled;  /* may hold something other than zeros, in either state */
	uint64_t changed; /* in either state, since the last sim_file_follow */
};

struct sim_file {
	bool used;
	char name[DISK_NAME_SIZE];         /* "": none any more */
	char durable_name[DISK_NAME_SIZE]; /* after a loss of power */
	uint64_t size;
	uint64_t durable_size;
	uint64_t capacity; /* of the two below; bytes beyond the sizes are zero */
	uint8_t *cache;
	uint8_t *platter;
	struct sim_sectors *sectors;
};

/* Empties the file and frees its place, but keeps its memory for the next one. */
void sim_file_clear(struct sim_file *file);
void sim_file_fini(struct sim_file *file);

/* Whole sectors. */
void sim_file_write(struct sim_file *file, uint64_t offset, const uint8_t *bytes, size_t size);
void sim_file_flush(struct sim_file *file);
/* A flush that failed, as on Linux: the sectors count as clean, and the next flush has nothing to complain about. */
void sim_file_forget(struct sim_file *file);

bool sim_file_is_dirty(const struct sim_file *file);

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

/* Makes `twin`, in all that it is, the same as `file` once more. A file has one twin and a twin one file; in the
 * beginning both are empty. */
void sim_file_follow(struct sim_file *twin, struct sim_file *file);

/* For tests: a change that both states have, made here or, in the cache, by the caller; a file cut, or lengthened with
 * zeros. */
void sim_file_patch(struct sim_file *file, uint64_t offset, const void *bytes, size_t size);
void sim_file_patched(struct sim_file *file, uint64_t offset, size_t size);
void sim_file_resize(struct sim_file *file, uint64_t size);
