/*
 * ports: the network and the disk of one worker, on io_uring or, where that is denied, on epoll and pwrite.
 *
 * Threads: opened, used and closed by the worker's thread.
 */
#pragma once

#include <io/disk.h>
#include <io/net.h>

struct ports;

/* Opens a loop, on one of the `rings` io_urings of this process, one for each worker; 0: on epoll. `dir`: also the disk port of
 * this data directory, else NULL and *disk is untouched; the directory's lock hangs on `lock`, a descriptor that is held as
 * long as anything may still be written. *net and *disk are good until ports_close. NULL, with the reason, on failure. */
struct ports *ports_open(uint32_t rings, const char *dir, int lock, const struct net_events *events, struct net *net,
			 struct disk *disk, struct error *error);
void ports_close(struct ports *ports);

/* Is io_uring to be had here, for so many workers? False with the reason. */
bool ports_probe(uint32_t rings, struct error *error);
