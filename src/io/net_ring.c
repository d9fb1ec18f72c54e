/*
 * net_ring: the network port on io_uring (io/net_ring.h): accepting, waking, waiting. Its connections are in
 * ring_link.c, the memory they receive into in receive_buffers.c.
 *
 * Accepting is one multishot operation per listening socket. Where it fails, most likely for want of descriptors, it
 * rests: the next wait is shortened to the end of the rest and arms it again, so a server at its limit neither spins
 * nor dies.
 *
 * Waking is a read of an eventfd that is always under way.
 *
 * See: io_uring_prep_multishot_accept(3), eventfd(2).
 */
#include "ring_link.h"

#include <base/check.h>
#include <base/clock.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

struct ring_listener {
	struct net_ring *net;
	struct ring_op accept;
	int descriptor; /* borrowed; negative once stopped, or never used */
	bool armed;
	uint64_t rest_until_ns; /* monotonic; 0: not resting */
};

struct net_ring {
	/* const after net_ring_open */
	struct ring *ring;
	const struct net_events *events;
	struct clock clock;
	int wake_descriptor;
	/* owned by the worker */
	struct receive_buffers buffers;
	struct ring_links links;
	struct ring_listener listeners[NET_LISTENERS_MAX];
	struct ring_op wake;
	uint64_t wakes; /* what the read of the eventfd fills in */
	bool wake_armed;
	struct ring_op cancel; /* of the port's own operations */
	uint32_t cancel_count; /* under way */
	bool closing;
};

/* -------------------------------------------------------------------------------------------------------- accepting */

static void listener_arm(struct ring_listener *listener)
{
	struct io_uring_sqe *sqe = ring_entry(listener->net->ring, &listener->accept);
	io_uring_prep_multishot_accept(sqe, listener->descriptor, NULL, NULL, SOCK_CLOEXEC);
	listener->armed = true;
	listener->rest_until_ns = 0;
}

static void listener_accepted(struct ring_op *op, int32_t result, uint32_t flags)
{
	struct ring_listener *listener = RING_OP_OWNER(op, struct ring_listener, accept);
	struct net_ring *net = listener->net;
	listener->armed = (flags & IORING_CQE_F_MORE) != 0;
	if (result >= 0 && listener->descriptor >= 0) {
		net->events->accepted(net->events->context, result);
	} else if (result >= 0) {
		close(result);
	}
	/* Asked again, since the event may have stopped the listening. */
	if (listener->armed || listener->descriptor < 0) {
		return;
	}
	if (result >= 0) {
		listener_arm(listener);
	} else {
		listener->rest_until_ns = clock_monotonic_ns(&net->clock) + NET_ACCEPT_REST_MS * UINT64_C(1000000);
	}
}

/* Goes on accepting where the rest is over. Returns how long the wait may last. */
static int64_t listeners_resume(struct net_ring *net, int64_t timeout_ns)
{
	for (size_t i = 0; i < NET_LISTENERS_MAX; i++) {
		struct ring_listener *listener = &net->listeners[i];
		if (listener->rest_until_ns == 0) {
			continue;
		}
		const uint64_t now_ns = clock_monotonic_ns(&net->clock);
		if (now_ns >= listener->rest_until_ns) {
			listener_arm(listener);
			continue;
		}
		const int64_t rest_ns = (int64_t)(listener->rest_until_ns - now_ns);
		if (timeout_ns < 0 || rest_ns < timeout_ns) {
			timeout_ns = rest_ns;
		}
	}
	return timeout_ns;
}

/* -------------------------------------------------------------------------------------- cancelling, and being woken */

static void own_cancelled(struct ring_op *op, int32_t result, uint32_t flags)
{
	(void)result;
	(void)flags;
	RING_OP_OWNER(op, struct net_ring, cancel)->cancel_count--;
}

static void own_cancel(struct net_ring *net, struct ring_op *op)
{
	io_uring_prep_cancel(ring_entry(net->ring, &net->cancel), op, 0);
	net->cancel_count++;
}

static void wake_arm(struct net_ring *net)
{
	struct io_uring_sqe *sqe = ring_entry(net->ring, &net->wake);
	io_uring_prep_read(sqe, net->wake_descriptor, &net->wakes, sizeof net->wakes, 0);
	net->wake_armed = true;
}

static void wake_done(struct ring_op *op, int32_t result, uint32_t flags)
{
	(void)flags;
	struct net_ring *net = RING_OP_OWNER(op, struct net_ring, wake);
	net->wake_armed = false;
	if (net->closing) {
		return;
	}
	CHECK(result == (int32_t)sizeof net->wakes);
	wake_arm(net);
	net->events->woken(net->events->context);
}

/* --------------------------------------------------------------------------------------------------------- the port */

static void port_listen(void *context, int descriptor)
{
	struct net_ring *net = context;
	for (size_t i = 0; i < NET_LISTENERS_MAX; i++) {
		struct ring_listener *listener = &net->listeners[i];
		if (listener->descriptor >= 0 || listener->armed) {
			continue;
		}
		listener->descriptor = descriptor;
		listener_arm(listener);
		return;
	}
	WRONG("more listening sockets than NET_LISTENERS_MAX");
}

static void port_stop_listening(void *context)
{
	struct net_ring *net = context;
	for (size_t i = 0; i < NET_LISTENERS_MAX; i++) {
		struct ring_listener *listener = &net->listeners[i];
		if (listener->descriptor < 0) {
			continue;
		}
		listener->descriptor = -1;
		listener->rest_until_ns = 0;
		if (listener->armed) {
			own_cancel(net, &listener->accept);
		}
	}
}

static void port_attach(void *context, struct net_link *link, int descriptor)
{
	struct net_ring *net = context;
	ring_link_attach(&net->links, link, descriptor);
}

static void port_pause(void *context, struct net_link *link)
{
	(void)context;
	ring_link_pause(link);
}

static void port_resume(void *context, struct net_link *link)
{
	(void)context;
	ring_link_resume(link);
}

static void port_send(void *context, struct net_link *link, const uint8_t *bytes, size_t size)
{
	(void)context;
	ring_link_send(link, bytes, size);
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
	ring_link_close(link);
}

static void port_wait(void *context, int64_t timeout_ns)
{
	struct net_ring *net = context;
	timeout_ns = listeners_resume(net, timeout_ns);
	/* Who was called may have something to do before this thread sleeps. */
	const bool called = ring_links_settle(&net->links);
	ring_wait(net->ring, called ? 0 : timeout_ns);
}

static void port_wake(void *context)
{
	const struct net_ring *net = context;
	const int saved_errno = errno;
	/* Fails only when the counter is full, and then it can be read. */
	(void)eventfd_write(net->wake_descriptor, 1);
	errno = saved_errno;
}

/* ---------------------------------------------------------------------------------------------- opening and closing */

static void net_ring_init(struct net_ring *net, struct ring *ring, const struct net_events *events)
{
	*net = (struct net_ring){
	    .ring = ring,
	    .events = events,
	    .clock = clock_real(),
	    .links = {.ring = ring, .buffers = &net->buffers, .events = events},
	    .wake.done = wake_done,
	    .cancel.done = own_cancelled,
	};
	for (size_t i = 0; i < NET_LISTENERS_MAX; i++) {
		net->listeners[i] =
		    (struct ring_listener){.net = net, .accept.done = listener_accepted, .descriptor = -1};
	}
}

static const struct net net_ring_port = {
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

bool net_ring_open(struct net *port, struct ring *ring, const struct net_events *events, struct error *error)
{
	/* Multishot receive has no probe of its own; a kernel that has this flag has it. */
	if ((ring->uring.flags & IORING_SETUP_SINGLE_ISSUER) == 0) {
		return error_set(error, ERROR_UNSUPPORTED,
				 "io_uring of this kernel cannot receive as we need it; Linux 6.1 can");
	}

	struct net_ring *net = malloc(sizeof *net);
	if (net == NULL) {
		return error_set(error, ERROR_NO_MEMORY, "no memory for the network port");
	}
	net_ring_init(net, ring, events);
	/* Blocking on purpose: a read of a non-blocking descriptor would fail instead of wait. */
	net->wake_descriptor = eventfd(0, EFD_CLOEXEC);
	if (net->wake_descriptor < 0) {
		error_errno(error, errno, "cannot create an eventfd");
		goto undo_malloc;
	}
	if (!receive_buffers_open(&net->buffers, ring, error)) {
		goto undo_eventfd;
	}
	wake_arm(net);
	*port = net_ring_port;
	port->context = net;
	return true;

undo_eventfd:
	close(net->wake_descriptor);
undo_malloc:
	free(net);
	return false;
}

static bool has_own_operations(const struct net_ring *net)
{
	for (size_t i = 0; i < NET_LISTENERS_MAX; i++) {
		if (net->listeners[i].armed) {
			return true;
		}
	}
	return net->wake_armed || net->cancel_count > 0;
}

void net_ring_close(struct net *port)
{
	struct net_ring *net = port->context;
	CHECK(net->links.count == 0);
	net->closing = true;
	port_stop_listening(net);
	own_cancel(net, &net->wake);
	while (has_own_operations(net)) {
		ring_wait(net->ring, -1);
	}
	receive_buffers_close(&net->buffers);
	close(net->wake_descriptor);
	free(net);
	*port = (struct net){0};
}
