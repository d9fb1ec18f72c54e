/*
 * sim_disk: the disk port over memory, which can lose power.
 *
 * Every file has what a reader sees (the cache) and what survives (the platter). A write changes the cache and makes
 * its sectors dirty; a flush copies the dirty sectors of the file to the platter. Asynchronous operations wait in a
 * queue until sim_disk_step completes one of them, in any order. Names are like bytes: creating, renaming and removing
 * are seen at once and survive only after sync_directory.
 *
 * sim_disk_crash is the power cut. Of each write that waits, and of the dirty sectors of each file, all, none, or some
 * at random reach the platter, sector by sector; of each name that is not durable, the old or the new state. What waits
 * is told that it failed; then the cache is what the platter says. sim_disk_kill is the end of the process alone: the
 * cache stays, and what waits may still reach it.
 *
 * A disk may have a twin, another disk that sim_disk_follow makes the same as it is: to see what a power cut at this moment
 * would leave, again and again, while this one goes on. It costs what has changed since the last time.
 *
 * Faults to inject: the n-th operation from now fails (a failed flush leaves its sectors clean but not on the platter,
 * as Linux does), the space runs out, the power goes in the middle of the n-th operation (all that follow fail, until
 * the crash). Bugs to plant: a flush of the directory that does nothing, a flush that is tried a second time. Whatever
 * became of sectors, names and operations is counted, so that a simulation can say what it has seen.
 *
 * Threads: one.
 */
#pragma once

#include <io/disk.h>
#include <sim/sim_file.h>

#define SIM_FILES_MAX 64
#define SIM_QUEUE_MAX 16

/* What can become of things, as it is counted. */
enum sim_event {
	/* when the power goes: writes on their way, and what is in the cache alone */
	SIM_WRITE_LOST,
	SIM_WRITE_KEPT,
	SIM_WRITE_TORN,
	SIM_CACHE_LOST,
	SIM_CACHE_KEPT,
	SIM_CACHE_TORN,
	SIM_NAME_OLD, /* a new, changed or removed name that was not durable: the old state, */
	SIM_NAME_NEW, /* or the new one all the same */
	SIM_FLUSH_ON_ITS_WAY,
	/* when the process ends alone */
	SIM_KILL_WRITE_LOST,
	SIM_KILL_WRITE_KEPT,
	SIM_KILL_WRITE_TORN,
	/* in between */
	SIM_REORDERED, /* an operation overtook an earlier one */
	SIM_WRITE_FAILED,
	SIM_FLUSH_FAILED,
	SIM_DIRECTORY_FAILED, /* creating, removing, renaming, flushing */
	SIM_NO_SPACE,
	SIM_POWER_CUT, /* in the middle of an operation */
	SIM_EVENTS,
};
extern const char *const sim_event_names[SIM_EVENTS];

struct sim_op {
	struct disk_op *op; /* NULL: of the disk this is the twin of */
	disk_file file;     /* negative: flush the names */
	uint64_t offset;
	const uint8_t *bytes; /* NULL: only flush */
	size_t size;
	bool flush;
};

struct sim_disk {
	struct disk port;
	struct prng prng;
	struct sim_file files[SIM_FILES_MAX];
	uint32_t file_count;           /* places used since the last reset */
	uint32_t opens[SIM_FILES_MAX]; /* how often each is open: as two ports to one directory would have it */
	struct sim_op queue[SIM_QUEUE_MAX];
	uint32_t queued;
	bool locked;
	bool powerless; /* everything fails until the crash */
	/* operations that change something, from now, until this happens; 0: never */
	uint64_t fail_in;
	uint64_t power_cut_in;
	uint64_t space; /* bytes all files may have together */
	/* bugs */
	bool forgets_directory;
	bool flushes_again;
	/* how often they happened */
	uint64_t submitted; /* asynchronous ones */
	uint64_t operations;
	uint64_t failures;
	uint64_t events[SIM_EVENTS];
};

void sim_disk_init(struct sim_disk *sim, uint64_t seed);
void sim_disk_fini(struct sim_disk *sim);
/* An empty directory again, keeping the memory. */
void sim_disk_reset(struct sim_disk *sim, uint64_t seed);

/* Completes one of the operations that wait; false if there is none. */
bool sim_disk_step(struct sim_disk *sim);
/* Completes them all, and those that follow from them. */
void sim_disk_settle(struct sim_disk *sim);
void sim_disk_crash(struct sim_disk *sim);
void sim_disk_kill(struct sim_disk *sim);

/* A file by name, for tests that look at it or damage it; NULL if there is none. */
struct sim_file *sim_disk_file(struct sim_disk *sim, const char *name);
/* Makes `twin` the same as `sim`, with its files and what waits, once more; a disk has one twin. Faults are not taken over.
 * What waits can only crash there. */
void sim_disk_follow(struct sim_disk *twin, struct sim_disk *sim);
/* Is there anything that a crash now might leave in one way or another? */
bool sim_disk_undecided(const struct sim_disk *sim);

/* Makes `to` a copy of the files of `from`; operations that wait are not copied. */
void sim_disk_copy(struct sim_disk *to, const struct sim_disk *from);
