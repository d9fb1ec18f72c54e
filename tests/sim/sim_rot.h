/*
 * sim_rot: damage to a log at rest, of the kinds that disks and people do.
 *
 * Whatever is damaged is one place: a bit, a sector, a block, a file. What must be true then is simple: what was vouched
 * for (log/wal.h) is there, or the log is refused; for there were two places that knew of it.
 *
 * Threads: one.
 */
#pragma once

#include <sim/sim_disk.h>

enum sim_rot {
	SIM_ROT_BIT,         /* flipped; half of them in the first bytes of a block */
	SIM_ROT_SECTOR,      /* zeros in the place of what was written */
	SIM_ROT_MISDIRECTED, /* a write of 4 KiB that landed on another one */
	/* of a segment file that has others behind it; that the last one was ever there, nobody knows */
	SIM_ROT_GONE,
	SIM_ROT_CUT,
	SIM_ROT_SWAPPED, /* its name with that of the one behind it */
	SIM_ROT_FOREIGN, /* the header of a segment of another log, whole */
	SIM_ROTS,
};
extern const char *const sim_rot_names[SIM_ROTS];

/* Damages a place at random. False, having changed nothing, if there is none of the kind. */
bool sim_rot(struct sim_disk *sim, enum sim_rot kind, struct prng *prng);
