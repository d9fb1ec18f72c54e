/*
 * net: the port to the network, so that a simulator can own it; also the place where a worker waits.
 *
 * A worker hands the port a table of what to call (struct net_events) and then lives in `wait`: it submits what was
 * asked for, waits, and calls back on the same thread. Completions of the disk port that shares the loop are delivered
 * there too. Callbacks come from within `wait` only, never from within another call of the port, and may call any of
 * its functions but `wait`.
 *
 *   attach --> received* --> received of size 0 --> close --> closed
 *                   \-------> broken ------------/
 *
 * Implementations: net_ring (io_uring: multishot accept and receive, provided buffers), net_epoll, tests/sim later.
 *
 * Threads: everything on the worker's own thread, except `wake`, which is any thread's.
 */
#pragma once

#include <base/bytes.h>
#include <base/error.h>
#include <stdbool.h>
#include <stdint.h>

/* Listening sockets one port accepts from: a few addresses and a UNIX socket. */
#define NET_LISTENERS_MAX 8
/* How long accepting rests after it failed (out of descriptors, most likely): long enough not to spin, short enough to
 * be over before a client's own timeout. */
#define NET_ACCEPT_REST_MS 100

/* One connection as the port sees it: embedded in the caller's own, zero-initialised, and the port's to use between
 * attach and the closed event. */
struct net_link {
	int descriptor;
	void *reserved[14];
};

struct net_events {
	void *context;
	/* A new connection; the callee attaches or closes the descriptor (close(2)). */
	void (*accepted)(void *context, int descriptor);
	/* Bytes from the peer, good until the call returns. size 0: the peer will send no more (half-close). */
	void (*received)(void *context, struct net_link *link, const uint8_t *bytes, size_t size);
	/* Everything handed to the last send has been taken by the kernel. */
	void (*sent)(void *context, struct net_link *link);
	/* The connection broke: nothing but `closed` comes after this, not even `sent`. The callee calls close when it
	 * is done with it. */
	void (*broken)(void *context, struct net_link *link);
	/* After close: no operation refers to the link any more, its memory is the caller's again. */
	void (*closed)(void *context, struct net_link *link);
	/* Somebody called wake. Several wakes may be one call. */
	void (*woken)(void *context);
};

struct net {
	void *context;
	/* Accept connections of a listening socket (borrowed), until `stop_listening` ends it for all of them. */
	void (*listen)(void *context, int descriptor);
	void (*stop_listening)(void *context);
	/* Take over a connected socket and start receiving. */
	void (*attach)(void *context, struct net_link *link, int descriptor);
	/* Back-pressure: no `received` for this link from the return of pause until resume. Nothing is lost. */
	void (*pause)(void *context, struct net_link *link);
	void (*resume)(void *context, struct net_link *link);
	/* Send all bytes, at least one; they are borrowed until `sent` or `closed`. One at a time per link. */
	void (*send)(void *context, struct net_link *link, const uint8_t *bytes, size_t size);
	/* Say that no more will be sent (half-close), after everything was; receiving goes on. */
	void (*finish)(void *context, struct net_link *link);
	/* Cancel what is under way and close the socket. `closed` follows, not from within this call. */
	void (*close)(void *context, struct net_link *link);
	/* Submit everything, wait for something to happen or `timeout_ns` (negative: no limit), call back. May return
	 * early. */
	void (*wait)(void *context, int64_t timeout_ns);
	/* Make `wait` call `woken`. Any thread; safe in a signal handler. */
	void (*wake)(void *context);
};
