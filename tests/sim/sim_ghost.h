/*
 * sim_ghost: a block of a batch that was never durable, kept to come back from the dead.
 *
 * When the power goes, the block on its way may be whole in some place it is never read from again: a copy of the disk,
 * a cache that lies, a sector the drive put elsewhere. Recovery cut its torn remains, and another batch took its place.
 * The ghost put back over that one passes every check that looks at one block alone; only the chain gives it away.
 *
 * Threads: one.
 */
#pragma once

#include <sim/sim_disk.h>

struct sim_ghost {
	bool there;
	char name[DISK_NAME_SIZE];
	uint64_t offset;
	size_t size;
	uint8_t *bytes;
	size_t capacity;
};

/* Remembers the block that waits to be written, if there is one. */
void sim_ghost_see(struct sim_ghost *ghost, const struct sim_disk *sim);
void sim_ghost_fini(struct sim_ghost *ghost);

/* Puts it back over a block of the same size that another whole one stands behind. False, having changed nothing, if
 * there is no such block, or it is the ghost itself. */
bool sim_ghost_return(const struct sim_ghost *ghost, struct sim_disk *sim);

/* Makes the chain of blocks on the disk look right whatever they hold: for a reader that then checks it, it is as if it
 * did not. */
void sim_mend_chain(struct sim_disk *sim);
