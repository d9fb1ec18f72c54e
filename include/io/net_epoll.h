/*
 * net_epoll: the network port on epoll, for where io_uring is denied.
 *
 * Threads: all on the thread that waits, but `wake`.
 */
#pragma once

#include <io/net.h>

/* `events` is borrowed until net_epoll_close. */
bool net_epoll_open(struct net *net, const struct net_events *events, struct error *error);
/* Every link must be closed. */
void net_epoll_close(struct net *net);

/* Other descriptors whose readiness `wait` watches for. */
#define NET_EPOLL_WATCHES_MAX 4

/* Calls `ready` from `wait` whenever `descriptor` (borrowed, stays watched until net_epoll_close) can be read. */
typedef void net_epoll_ready_f(void *context);
bool net_epoll_watch(struct net *net, int descriptor, net_epoll_ready_f *ready, void *context, struct error *error);
