/*
 * net_ring: the network port on io_uring.
 *
 * Multishot accept, multishot receive into one ring of provided buffers per worker, one send in flight per link. A
 * buffer goes back to the kernel as soon as `received` returns.
 *
 * Threads: all on the thread that opened the ring, but `wake`.
 */
#pragma once

#include <io/net.h>
#include <io/ring.h>

/* The provided buffers of a worker: how much all its links together can receive between two waits (4 MiB). A client
 * that sends faster finds its receive ended (ENOBUFS) and started again at the next wait, so nobody gets all of them
 * for long. */
#define NET_RING_BUFFER_COUNT 1024
#define NET_RING_BUFFER_SIZE  4096

/* `ring` and `events` are borrowed until net_ring_close. ERROR_UNSUPPORTED if the kernel is older than Linux 6.1, which
 * net_epoll then serves as well. */
bool net_ring_open(struct net *net, struct ring *ring, const struct net_events *events, struct error *error);

/* Every link must be closed. Ends what the port itself has under way, waiting on the ring for it: a disk port on the
 * same ring may see its completions delivered meanwhile. */
void net_ring_close(struct net *net);
