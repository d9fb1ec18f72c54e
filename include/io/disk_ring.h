/*
 * disk_ring: the disk port whose asynchronous operations run on a worker's io_uring; ring_wait (and so net->wait of a
 * net_ring on the same ring) calls `done`.
 *
 * Blocking operations are plain system calls.
 *
 * Threads: all on the thread that opened the ring.
 */
#pragma once

#include <io/disk.h>
#include <io/ring.h>

/* How a durable write is done. docs/decisions/0001-commit-operation.md has the figures. */
enum disk_commit {
	DISK_COMMIT_DSYNC,  /* one write that is durable when it completes (RWF_DSYNC) */
	DISK_COMMIT_LINKED, /* a write, and linked behind it a flush of the file's data */
	DISK_COMMIT_FASTER, /* one of the two: whichever has been faster of late */
};

/* `ring` is borrowed until disk_ring_close. The directory is created if missing, as by disk_posix_open. */
bool disk_ring_open(struct disk *disk, struct ring *ring, const char *path, enum disk_commit commit,
		    struct error *error);
/* Nothing may be under way. */
void disk_ring_close(struct disk *disk);
