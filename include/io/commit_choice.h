/*
 * commit_choice: which of two ways to do a durable write is the faster one just now.
 *
 * Neither is always: a write with RWF_DSYNC needs one wake-up less, and waits several milliseconds where the processors have
 * other work (docs/decisions/0001-commit-operation.md). So both are timed, as they are used: the one that has usually been
 * faster of late is taken, and now and then the other, to see whether that is still so.
 *
 * Threads: the owner's of the disk port.
 */
#pragma once

#include <io/disk_ring.h>
#include <stdint.h>

/* Every so many commits the other way is tried: less than one in a hundred, so that the 99th percentile does not know it. */
#define COMMIT_TRIAL_EVERY 128

/* Zero-initialised is ready. */
struct commit_choice {
	uint64_t usual_ns[2]; /* by DISK_COMMIT_DSYNC, DISK_COMMIT_LINKED: a running average; 0: not tried yet */
	uint32_t since_trial;
};

/* The way to do the next one: DISK_COMMIT_DSYNC or DISK_COMMIT_LINKED. */
enum disk_commit commit_choice_next(struct commit_choice *choice);
/* One that was done this way took so long. */
void commit_choice_took(struct commit_choice *choice, enum disk_commit way, uint64_t took_ns);
