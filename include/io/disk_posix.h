/*
 * disk_posix: the disk port on plain system calls.
 *
 * Open, it does blocking operations only: enough for start-up, replay and tools, and nobody's loop is needed. After
 * disk_posix_start the asynchronous ones run one after the other on a thread of its own, which makes a descriptor
 * readable when some are over; the owner then calls disk_posix_deliver, as from net_epoll_watch.
 *
 * Threads: the owner's; the port's own thread touches only what was submitted.
 */
#pragma once

#include <io/disk.h>

enum disk_access {
	DISK_READ_ONLY,  /* a directory that is there; everything that writes fails */
	DISK_READ_WRITE, /* created if missing, parents included, for this user alone */
};

/* The error says what is wrong with the directory. */
bool disk_posix_open(struct disk *disk, const char *path, enum disk_access access, struct error *error);
/* Nothing may be under way. */
void disk_posix_close(struct disk *disk);

/* The descriptor (the port's) that the lock of the directory hangs on; negative if it was not taken. */
int disk_posix_lock_descriptor(const struct disk *disk);

/* Starts the thread. *descriptor (the port's) can be read when there is something to deliver. */
bool disk_posix_start(struct disk *disk, int *descriptor, struct error *error);
/* Calls `done` of what is over. `context` is the disk's: the shape net_epoll_watch asks for. */
void disk_posix_deliver(void *context);
