/*
 * ports: the network and the disk of one worker, on io_uring or, where that is denied, on epoll and pwrite.
 *
 * Threads: opened, used and closed by the worker's thread.
 */
#pragma once

#include <io/disk.h>
#include <io/net.h>

struct ports;

/* Opens a loop. `dir`: also the disk port of this data directory, else NULL and *disk is untouched; the directory's lock
 * hangs on `lock`, a descriptor that is held as long as anything may still be written. *net and *disk are good until
 * ports_close. NULL, with the reason, on failure. */
struct ports *ports_open(bool use_io_uring, const char *dir, int lock, const struct net_events *events, struct net *net,
			 struct disk *disk, struct error *error);
void ports_close(struct ports *ports);

/* Is io_uring to be had here? False with the reason. */
bool ports_probe(struct error *error);
