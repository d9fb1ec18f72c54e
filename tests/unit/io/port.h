/*
 * port: the two network ports behind one face, and the peers of their links, for the tests in this folder.
 *
 * A test is a function of a struct port; PORT_TEST runs it once for each. The other ends of the links are plain sockets
 * of the same process, non-blocking, so that one thread drives both sides and nothing needs to sleep.
 */
#pragma once

#include <base/check.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <io/net_epoll.h>
#include <io/net_ring.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MS_NS INT64_C(1000000)

struct port {
	bool on_ring;
	struct ring ring;
	struct net net;
	struct net_events events; /* to be filled in before port_open */
};

static inline void port_open(struct port *port)
{
	struct error error = {0};
	if (port->on_ring) {
		cr_assert(ring_open(&port->ring, 256, &error), "%s", error.text);
		cr_assert(net_ring_open(&port->net, &port->ring, &port->events, &error), "%s", error.text);
	} else {
		cr_assert(net_epoll_open(&port->net, &port->events, &error), "%s", error.text);
	}
}

static inline void port_close(struct port *port)
{
	if (port->on_ring) {
		net_ring_close(&port->net);
		ring_close(&port->ring);
	} else {
		net_epoll_close(&port->net);
	}
}

#define PORT_TEST(behaviour)                                                                                           \
	static void behaviour(struct port *port);                                                                      \
	Test(net_ring, behaviour)                                                                                      \
	{                                                                                                              \
		struct port port = {.on_ring = true};                                                                  \
		behaviour(&port);                                                                                      \
	}                                                                                                              \
	Test(net_epoll, behaviour)                                                                                     \
	{                                                                                                              \
		struct port port = {.on_ring = false};                                                                 \
		behaviour(&port);                                                                                      \
	}                                                                                                              \
	static void behaviour(struct port *port)

/* Waits on the port until a condition holds; each wait ends within milliseconds, so that the peers get their turn. The
 * time is a bound for a broken port, not a measure. */
#define WAIT_UNTIL(port, condition)                                                                                    \
	do {                                                                                                           \
		const double end_s = seconds(CLOCK_MONOTONIC) + 20;                                                    \
		while (!(condition)) {                                                                                 \
			cr_assert(seconds(CLOCK_MONOTONIC) < end_s, "never came true: " #condition);                   \
			(port)->net.wait((port)->net.context, 2 * MS_NS);                                              \
		}                                                                                                      \
	} while (0)

static inline double seconds(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Waits for `span_s`, up to 50 ms at a time, while nothing happens. Returns how often it had to: a port that has
 * nothing to do and comes back all the same, as one that spins does, needs many more. (Processor time would tell less:
 * on a busy machine a spinning thread gets little.) */
static inline int idle_waits(struct port *port, double span_s)
{
	const double end_s = seconds(CLOCK_MONOTONIC) + span_s;
	int waits = 0;
	for (; seconds(CLOCK_MONOTONIC) < end_s; waits++)
		port->net.wait(port->net.context, 50 * MS_NS);
	return waits;
}

/* More than any test's idle time takes: waits of 50 ms, and one more for each rest and each last completion. */
#define IDLE_WAITS_MAX 40

/* Byte `offset` of stream `number`: neighbours in either differ. */
static inline uint8_t pattern(uint32_t number, size_t offset)
{
	uint64_t mixed = ((uint64_t)number << 32 ^ offset) * UINT64_C(0x9E3779B97F4A7C15);
	return (uint8_t)(mixed >> 56);
}

static inline void fill(uint8_t *bytes, size_t size, uint32_t number, size_t offset)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = pattern(number, offset + i);
}

static inline bool matches(const uint8_t *bytes, size_t size, uint32_t number, size_t offset)
{
	for (size_t i = 0; i < size; i++) {
		if (bytes[i] != pattern(number, offset + i))
			return false;
	}
	return true;
}
