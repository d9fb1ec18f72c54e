/*
 * disk_ring: the disk port whose asynchronous operations run on a worker's io_uring; ring_wait (and so net->wait of a
 * net_ring on the same ring) calls `done`.
 *
 * Durable writes, and so commits, are done by a thread of the port, which is what is left when the processors are busy
 * (docs/decisions/0001-commit-operation.md). Blocking operations are plain system calls.
 *
 * Threads: all on the thread that opened the ring; the port's own touches only what was submitted.
 */
#pragma once

#include <io/disk.h>
#include <io/ring.h>

/* `ring` is borrowed until disk_ring_close. The directory is created if missing, as by disk_posix_open. */
bool disk_ring_open(struct disk *disk, struct ring *ring, const char *path, struct error *error);
/* Nothing may be under way. */
void disk_ring_close(struct disk *disk);
