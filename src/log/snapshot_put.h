/*
 * snapshot_put: one snapshot, read and put into a table by a crew.
 *
 * Threads: one, which calls the others.
 */
#pragma once

#include "snapshot_file.h"

/* Puts the snapshot of this lsn into the table, and fills in found->info and newest_ms. False: something is in the table, and
 * it is to be cleared; either it is not sound, or it cannot be put, which *refused says. */
bool snapshot_put(struct disk *disk, uint64_t lsn, const struct snapshot_target *into, struct snapshot_found *found,
		  bool *refused, struct error *error);
