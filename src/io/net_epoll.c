/*
 * net_epoll: the network port on epoll (io/net_epoll.h): accepting, waking, watching, waiting. Its connections are in
 * epoll_link.c.
 *
 * Where accepting fails, most likely for want of descriptors, the listening socket is taken out of epoll, which would
 * report it for ever, and put back after a rest; the wait is shortened to the end of it. A server at its limit neither
 * spins nor dies.
 *
 * See: epoll(7), eventfd(2).
 */
#include "epoll_link.h"

#include <base/check.h>
#include <base/clock.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define MS_NS            INT64_C(1000000)
#define EVENTS_AT_A_TIME 256
/* Connections taken before the others have their turn. */
#define ACCEPTS_AT_A_TIME 64

struct epoll_listener {
	struct watch watch;
	struct net_epoll *net;
	int descriptor;         /* borrowed; negative: unused */
	uint64_t rest_until_ns; /* monotonic; 0: not resting */
};

struct epoll_watcher {
	struct watch watch;
	net_epoll_ready_f *ready;
	void *context;
};

struct net_epoll {
	/* const after net_epoll_open */
	const struct net_events *events;
	struct clock clock;
	int epoll;
	int wake_descriptor;
	/* owned by the worker */
	struct watch wake;
	struct epoll_listener listeners[NET_LISTENERS_MAX];
	struct epoll_watcher watchers[NET_EPOLL_WATCHES_MAX];
	size_t watcher_count;
	struct epoll_links links;
};

static bool watch_add(struct net_epoll *net, int descriptor, uint32_t events, struct watch *watch)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};
	return epoll_ctl(net->epoll, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

/* -------------------------------------------------------------------------------------------------------- accepting */

static void listener_rest(struct epoll_listener *listener)
{
	listener->rest_until_ns = clock_monotonic_ns(&listener->net->clock) + NET_ACCEPT_REST_MS * UINT64_C(1000000);
}

/* EPOLLEXCLUSIVE: several workers wait for one socket, and one of them is to wake. */
static void listener_add(struct epoll_listener *listener)
{
	listener->rest_until_ns = 0;
	if (!watch_add(listener->net, listener->descriptor, EPOLLIN | EPOLLEXCLUSIVE, &listener->watch)) {
		listener_rest(listener);
	}
}

static void listener_remove(struct epoll_listener *listener)
{
	if (listener->rest_until_ns == 0) {
		epoll_ctl(listener->net->epoll, EPOLL_CTL_DEL, listener->descriptor, NULL);
	}
}

static void listener_ready(struct watch *watch, uint32_t events)
{
	(void)events;
	struct epoll_listener *listener = (struct epoll_listener *)(void *)watch;
	const struct net_events *called = listener->net->events;
	/* The descriptor is asked for again each time, since an event may stop the listening. */
	for (int i = 0; i < ACCEPTS_AT_A_TIME && listener->descriptor >= 0; i++) {
		const int descriptor = accept4(listener->descriptor, NULL, NULL, SOCK_CLOEXEC);
		if (descriptor >= 0) {
			called->accepted(called->context, descriptor);
		} else if (errno == EAGAIN) {
			return;
		} else if (errno != EINTR && errno != ECONNABORTED) {
			listener_remove(listener);
			listener_rest(listener);
			return;
		}
	}
}

/* Goes on accepting where the rest is over. Returns how long the wait may last. */
static int64_t listeners_resume(struct net_epoll *net, int64_t timeout_ns)
{
	for (size_t i = 0; i < NET_LISTENERS_MAX; i++) {
		struct epoll_listener *listener = &net->listeners[i];
		if (listener->rest_until_ns == 0) {
			continue;
		}
		const uint64_t now_ns = clock_monotonic_ns(&net->clock);
		if (now_ns >= listener->rest_until_ns) {
			listener_add(listener);
			continue;
		}
		const int64_t rest_ns =
		    (int64_t)(listener->rest_until_ns - now_ns) + MS_NS; /* not a moment too early */
		if (timeout_ns < 0 || rest_ns < timeout_ns) {
			timeout_ns = rest_ns;
		}
	}
	return timeout_ns;
}

/* ------------------------------------------------------------------------------------------------- waking, watching */

static void wake_ready(struct watch *watch, uint32_t events)
{
	(void)events;
	struct net_epoll *net = (struct net_epoll *)(void *)((char *)watch - offsetof(struct net_epoll, wake));
	eventfd_t wakes;
	if (eventfd_read(net->wake_descriptor, &wakes) == 0) {
		net->events->woken(net->events->context);
	}
}

static void watcher_ready(struct watch *watch, uint32_t events)
{
	(void)events;
	const struct epoll_watcher *watcher = (const struct epoll_watcher *)(const void *)watch;
	watcher->ready(watcher->context);
}

bool net_epoll_watch(struct net *port, int descriptor, net_epoll_ready_f *ready, void *context, struct error *error)
{
	struct net_epoll *net = port->context;
	CHECK(net->watcher_count < NET_EPOLL_WATCHES_MAX);
	struct epoll_watcher *watcher = &net->watchers[net->watcher_count];
	*watcher = (struct epoll_watcher){.watch.ready = watcher_ready, .ready = ready, .context = context};
	if (!watch_add(net, descriptor, EPOLLIN, &watcher->watch)) {
		return error_errno(error, errno, "cannot watch a descriptor with epoll");
	}
	net->watcher_count++;
	return true;
}

/* --------------------------------------------------------------------------------------------------------- the port */

static void port_listen(void *context, int descriptor)
{
	struct net_epoll *net = context;
	for (size_t i = 0; i < NET_LISTENERS_MAX; i++) {
		struct epoll_listener *listener = &net->listeners[i];
		if (listener->descriptor >= 0) {
			continue;
		}
		listener->descriptor = descriptor;
		/* Ready may mean that another worker was quicker: accept must not wait then. */
		const int flags = fcntl(descriptor, F_GETFL);
		CHECK(flags >= 0);
		fcntl(descriptor, F_SETFL, flags | O_NONBLOCK);
		listener_add(listener);
		return;
	}
	WRONG("more listening sockets than NET_LISTENERS_MAX");
}

static void port_stop_listening(void *context)
{
	struct net_epoll *net = context;
	for (size_t i = 0; i < NET_LISTENERS_MAX; i++) {
		struct epoll_listener *listener = &net->listeners[i];
		if (listener->descriptor < 0) {
			continue;
		}
		listener_remove(listener);
		listener->descriptor = -1;
		listener->rest_until_ns = 0;
	}
}

static void port_attach(void *context, struct net_link *link, int descriptor)
{
	struct net_epoll *net = context;
	epoll_link_attach(&net->links, link, descriptor);
}

static void port_pause(void *context, struct net_link *link)
{
	(void)context;
	epoll_link_pause(link);
}

static void port_resume(void *context, struct net_link *link)
{
	(void)context;
	epoll_link_resume(link);
}

static void port_send(void *context, struct net_link *link, const uint8_t *bytes, size_t size)
{
	(void)context;
	epoll_link_send(link, bytes, size);
}

static void port_finish(void *context, struct net_link *link)
{
	(void)context;
	/* Fails only if the peer is gone already, which receiving will tell. */
	(void)shutdown(link->descriptor, SHUT_WR);
}

static void port_close(void *context, struct net_link *link)
{
	(void)context;
	epoll_link_close(link);
}

/* epoll counts milliseconds. Rounded up: woken a moment too early, it would only wait again; but what is shorter than one is
 * polled for, since a commit waits for its like (log/gather.h). */
static int epoll_timeout(int64_t timeout_ns)
{
	if (timeout_ns < 0) {
		return -1;
	}
	return timeout_ns < MS_NS ? 0 : (int)((timeout_ns + MS_NS - 1) / MS_NS);
}

static void port_wait(void *context, int64_t timeout_ns)
{
	struct net_epoll *net = context;
	timeout_ns = listeners_resume(net, timeout_ns);
	/* Who was called may have something to do before this thread sleeps. */
	const bool called = epoll_links_settle(&net->links);
	struct epoll_event events[EVENTS_AT_A_TIME];
	const int count = epoll_wait(net->epoll, events, EVENTS_AT_A_TIME, called ? 0 : epoll_timeout(timeout_ns));
	CHECK(count >= 0 || errno == EINTR);
	for (int i = 0; i < count; i++) {
		struct watch *watch = events[i].data.ptr;
		watch->ready(watch, events[i].events);
	}
}

static void port_wake(void *context)
{
	const struct net_epoll *net = context;
	const int saved_errno = errno;
	/* Fails only when the counter is full, and then it can be read. */
	(void)eventfd_write(net->wake_descriptor, 1);
	errno = saved_errno;
}

/* ---------------------------------------------------------------------------------------------- opening and closing */

static const struct net net_epoll_port = {
    .listen = port_listen,
    .stop_listening = port_stop_listening,
    .attach = port_attach,
    .pause = port_pause,
    .resume = port_resume,
    .send = port_send,
    .finish = port_finish,
    .close = port_close,
    .wait = port_wait,
    .wake = port_wake,
};

bool net_epoll_open(struct net *port, const struct net_events *events, struct error *error)
{
	struct net_epoll *net = calloc(1, sizeof *net);
	if (net == NULL) {
		return error_set(error, ERROR_NO_MEMORY, "no memory for the network port");
	}
	net->events = events;
	net->clock = clock_real();
	net->wake.ready = wake_ready;
	for (size_t i = 0; i < NET_LISTENERS_MAX; i++) {
		net->listeners[i] =
		    (struct epoll_listener){.watch.ready = listener_ready, .net = net, .descriptor = -1};
	}
	net->epoll = epoll_create1(EPOLL_CLOEXEC);
	net->wake_descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (net->epoll < 0 || net->wake_descriptor < 0 || !watch_add(net, net->wake_descriptor, EPOLLIN, &net->wake)) {
		error_errno(error, errno, "cannot set up epoll");
		goto undo;
	}
	net->links.epoll = net->epoll;
	net->links.events = events;
	*port = net_epoll_port;
	port->context = net;
	return true;

undo:
	if (net->wake_descriptor >= 0) {
		close(net->wake_descriptor);
	}
	if (net->epoll >= 0) {
		close(net->epoll);
	}
	free(net);
	return false;
}

void net_epoll_close(struct net *port)
{
	struct net_epoll *net = port->context;
	CHECK(net->links.count == 0);
	port_stop_listening(net);
	close(net->wake_descriptor);
	close(net->epoll);
	free(net);
	*port = (struct net){0};
}
