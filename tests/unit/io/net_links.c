/*
 * Proves what io/net.h promises of a link, for net_ring and net_epoll alike: what is received and in which order, that
 * pausing loses nothing, how a connection ends, and that closing is safe at any moment.
 *
 * Method: one link on a pair of UNIX sockets (TCP where a reset is needed), the test being the peer. Every event is
 * checked against the state the link is in, so an event too many fails a test as surely as one too few.
 */
#include "port.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define BIG ((size_t)8 << 20)

struct end {
	struct net_link link;
	struct port *port;
	int peer;
	struct buffer received;
	bool paused;
	bool ended;
	bool broken;
	bool closing;
	bool closed;
	int sent;
	/* what `received` is to do */
	bool pause_on_receive;
	bool close_on_receive;
};

static struct end *end_of(struct net_link *link)
{
	return (struct end *)(void *)((char *)link - offsetof(struct end, link));
}

static void on_received(void *context, struct net_link *link, const uint8_t *bytes, size_t size)
{
	(void)context;
	struct end *end = end_of(link);
	cr_assert(!end->paused, "received while paused");
	cr_assert(!end->ended, "received after the end");
	cr_assert(!end->broken, "received after it broke");
	cr_assert(!end->closing, "received after close");
	if (size == 0) {
		end->ended = true;
	} else {
		buffer_add(&end->received, bytes, size);
	}
	if (end->pause_on_receive) {
		end->paused = true;
		end->port->net.pause(end->port->net.context, link);
	}
	if (end->close_on_receive) {
		end->closing = true;
		end->port->net.close(end->port->net.context, link);
		cr_assert(!end->closed, "closed from within close");
	}
}

static void on_sent(void *context, struct net_link *link)
{
	(void)context;
	struct end *end = end_of(link);
	cr_assert(!end->broken, "sent after it broke");
	cr_assert(!end->closing, "sent after close");
	end->sent++;
}

static void on_broken(void *context, struct net_link *link)
{
	(void)context;
	struct end *end = end_of(link);
	cr_assert(!end->broken, "broken twice");
	cr_assert(!end->closing, "broken after close");
	end->broken = true;
}

static void on_closed(void *context, struct net_link *link)
{
	(void)context;
	struct end *end = end_of(link);
	cr_assert(end->closing, "closed without close");
	cr_assert(!end->closed, "closed twice");
	end->closed = true;
}

static void open_port(struct port *port)
{
	port->events =
	    (struct net_events){.received = on_received, .sent = on_sent, .broken = on_broken, .closed = on_closed};
	port_open(port);
}

/* On the heap, so that a sanitizer sees a port that looks at a link after `closed`. */
static struct end *attach(struct port *port, int descriptor, int peer)
{
	struct end *end = calloc(1, sizeof *end);
	end->port = port;
	end->peer = peer;
	port->net.attach(port->net.context, &end->link, descriptor);
	return end;
}

static struct end *attach_pair(struct port *port)
{
	int pair[2];
	cr_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	return attach(port, pair[0], pair[1]);
}

static struct end *attach_tcp(struct port *port)
{
	const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	cr_assert(bind(listener, (struct sockaddr *)&address, length) == 0);
	cr_assert(listen(listener, 1) == 0);
	cr_assert(getsockname(listener, (struct sockaddr *)&address, &length) == 0);
	const int peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert(connect(peer, (struct sockaddr *)&address, length) == 0);
	const int descriptor = accept(listener, NULL, NULL);
	cr_assert(descriptor >= 0);
	close(listener);
	return attach(port, descriptor, peer);
}

static void start_close(struct end *end)
{
	end->closing = true;
	end->port->net.close(end->port->net.context, &end->link);
	cr_assert(!end->closed, "closed from within close");
}

static void finish(struct end *end)
{
	if (!end->closing) {
		start_close(end);
	}
	WAIT_UNTIL(end->port, end->closed);
	if (end->peer >= 0) {
		close(end->peer);
	}
	buffer_fini(&end->received);
	free(end);
}

static void resume(struct end *end)
{
	end->paused = false;
	end->port->net.resume(end->port->net.context, &end->link);
}

/* Ends the peer with a reset instead of an orderly end. */
static void reset_peer(struct end *end)
{
	const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
	cr_assert(setsockopt(end->peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
	close(end->peer);
	end->peer = -1;
}

/* Sends what the peer's socket takes of its stream, from `offset` up to `size`. Returns the new offset. */
static size_t peer_send(struct end *end, size_t offset, size_t size)
{
	uint8_t bytes[16384];
	while (offset < size) {
		const size_t piece = size - offset < sizeof bytes ? size - offset : sizeof bytes;
		fill(bytes, piece, 1, offset);
		const ssize_t sent = send(end->peer, bytes, piece, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0) {
			break;
		}
		offset += (size_t)sent;
	}
	return offset;
}

PORT_TEST(half_close_is_told_and_the_link_can_still_send)
{
	open_port(port);
	struct end *end = attach_pair(port);
	cr_assert(send(end->peer, "abc", 3, 0) == 3);
	cr_assert(shutdown(end->peer, SHUT_WR) == 0);
	WAIT_UNTIL(port, end->ended);
	cr_assert(end->received.size == 3);
	cr_assert(memcmp(end->received.at, "abc", 3) == 0);
	cr_assert(idle_waits(port, 0.1) <= IDLE_WAITS_MAX, "spins after the end");

	port->net.send(port->net.context, &end->link, (const uint8_t *)"xyz", 3);
	WAIT_UNTIL(port, end->sent == 1);
	char answer[4] = "";
	cr_assert(recv(end->peer, answer, sizeof answer, 0) == 3);
	cr_assert(memcmp(answer, "xyz", 3) == 0);
	finish(end);
	port_close(port);
}

PORT_TEST(pause_and_resume_lose_nothing)
{
	open_port(port);
	struct end *end = attach_pair(port);
	end->pause_on_receive = true;
	/* Each `received` pauses while more is under way or even completed; the event checks that it is not paused. */
	size_t offset = 0;
	while (end->received.size < BIG / 8) {
		offset = peer_send(end, offset, BIG / 8);
		WAIT_UNTIL(port, end->paused);
		for (int i = 0; i < 3; i++) {
			port->net.wait(port->net.context, 0);
		}
		resume(end);
	}
	cr_assert(matches(end->received.at, end->received.size, 1, 0));
	cr_assert(end->received.size == BIG / 8);
	finish(end);
	port_close(port);
}

PORT_TEST(pause_taken_back_at_once_changes_nothing)
{
	open_port(port);
	struct end *end = attach_pair(port);
	size_t offset = 0;
	while (end->received.size < BIG / 8) {
		offset = peer_send(end, offset, BIG / 8);
		port->net.pause(port->net.context, &end->link);
		resume(end);
		port->net.wait(port->net.context, 2 * MS_NS);
	}
	cr_assert(matches(end->received.at, end->received.size, 1, 0));
	finish(end);
	port_close(port);
}

PORT_TEST(end_that_came_while_paused_is_told_after_the_bytes)
{
	open_port(port);
	struct end *end = attach_pair(port);
	end->pause_on_receive = true;
	const size_t size = peer_send(end, 0, 65536);
	close(end->peer);
	end->peer = -1;
	WAIT_UNTIL(port, end->paused);
	cr_assert(idle_waits(port, 0.1) <= IDLE_WAITS_MAX, "spins while paused");
	end->pause_on_receive = false;
	resume(end);
	WAIT_UNTIL(port, end->ended);
	cr_assert(end->received.size == size);
	cr_assert(matches(end->received.at, size, 1, 0));
	finish(end);
	port_close(port);
}

PORT_TEST(paused_link_whose_peer_was_reset_costs_nothing_until_resumed)
{
	open_port(port);
	struct end *end = attach_tcp(port);
	end->paused = true;
	port->net.pause(port->net.context, &end->link);
	for (int i = 0; i < 3; i++) {
		port->net.wait(port->net.context, 0);
	}
	reset_peer(end);
	cr_assert(idle_waits(port, 0.2) <= IDLE_WAITS_MAX, "spins while paused");
	resume(end);
	WAIT_UNTIL(port, end->broken);
	finish(end);
	port_close(port);
}

PORT_TEST(send_larger_than_any_socket_buffer_arrives_whole)
{
	open_port(port);
	struct end *end = attach_pair(port);
	uint8_t *bytes = malloc(BIG);
	fill(bytes, BIG, 2, 0);
	port->net.send(port->net.context, &end->link, bytes, BIG);
	size_t got = 0;
	uint8_t piece[65536];
	while (got < BIG) {
		port->net.wait(port->net.context, 2 * MS_NS);
		ssize_t size;
		while ((size = recv(end->peer, piece, sizeof piece, MSG_DONTWAIT)) > 0) {
			cr_assert(matches(piece, (size_t)size, 2, got));
			got += (size_t)size;
		}
	}
	WAIT_UNTIL(port, end->sent == 1);
	finish(end);
	free(bytes);
	port_close(port);
}

PORT_TEST(peer_reset_in_the_middle_of_a_send_breaks_the_link_once)
{
	open_port(port);
	struct end *end = attach_tcp(port);
	uint8_t *bytes = calloc(1, BIG);
	port->net.send(port->net.context, &end->link, bytes, BIG);
	for (int i = 0; i < 5; i++) {
		port->net.wait(port->net.context, 2 * MS_NS);
	}
	cr_assert(end->sent == 0, "the peer's buffers should be full by now");
	reset_peer(end);
	WAIT_UNTIL(port, end->broken);
	/* Too late, but not wrong: the caller may not have heard of it yet. */
	port->net.send(port->net.context, &end->link, bytes, 1);
	cr_assert(idle_waits(port, 0.1) <= IDLE_WAITS_MAX, "spins over a broken link");
	finish(end);
	free(bytes);
	port_close(port);
}

PORT_TEST(close_with_data_in_flight_both_ways_ends_with_closed)
{
	open_port(port);
	struct end *end = attach_pair(port);
	uint8_t *bytes = calloc(1, BIG);
	port->net.send(port->net.context, &end->link, bytes, BIG);
	port->net.wait(port->net.context, 2 * MS_NS);
	peer_send(end, 0, BIG);
	start_close(end);
	WAIT_UNTIL(port, end->closed);
	cr_assert(end->link.descriptor == -1);
	/* The memory is ours again: nothing may look at it any more. */
	free(bytes);
	finish(end);
	port_close(port);
}

PORT_TEST(close_right_after_attach_and_from_within_received)
{
	open_port(port);
	struct end *first = attach_pair(port);
	start_close(first);
	struct end *second = attach_pair(port);
	second->close_on_receive = true;
	peer_send(second, 0, 65536);
	WAIT_UNTIL(port, second->closed);
	finish(first);
	finish(second);
	port_close(port);
}

PORT_TEST(close_while_a_pause_is_getting_through)
{
	open_port(port);
	for (int waits = 0; waits < 4; waits++) {
		struct end *end = attach_pair(port);
		port->net.wait(port->net.context, 0);
		peer_send(end, 0, 20000);
		end->paused = true;
		port->net.pause(port->net.context, &end->link);
		for (int i = 0; i < waits; i++) {
			port->net.wait(port->net.context, 0);
		}
		finish(end);
	}
	port_close(port);
}

static struct end *to_resume;

static void on_received_resume_other(void *context, struct net_link *link, const uint8_t *bytes, size_t size)
{
	on_received(context, link, bytes, size);
	if (to_resume != end_of(link) && to_resume->paused) {
		resume(to_resume);
	}
}

PORT_TEST(bytes_that_come_between_resume_and_the_next_wait_keep_their_order)
{
	open_port(port);
	port->events.received = on_received_resume_other;
	struct end *end = attach_pair(port);
	struct end *other = attach_pair(port);
	port->net.wait(port->net.context, 0);
	to_resume = end;
	end->pause_on_receive = true;
	/* Enough that one turn is not: io_uring takes up to 32 buffers of a socket, then serves the next. */
	const int room = 1 << 20;
	cr_assert(setsockopt(end->peer, SOL_SOCKET, SO_SNDBUF, &room, sizeof room) == 0);
	const size_t size = peer_send(end, 0, 60 * NET_RING_BUFFER_SIZE);
	cr_assert(send(other->peer, "b", 1, 0) == 1);
	while (end->received.size < size) {
		port->net.wait(port->net.context, 2 * MS_NS);
		end->pause_on_receive = false;
		if (end->paused) {
			resume(end);
		}
	}
	cr_assert(matches(end->received.at, size, 1, 0));
	finish(end);
	finish(other);
	port_close(port);
}

static struct end *to_close;

static void on_received_close_other(void *context, struct net_link *link, const uint8_t *bytes, size_t size)
{
	on_received(context, link, bytes, size);
	if (to_close != NULL && to_close != end_of(link) && !to_close->closing) {
		start_close(to_close);
	}
}

PORT_TEST(link_may_close_another_one_that_is_ready_in_the_same_wait)
{
	open_port(port);
	port->events.received = on_received_close_other;
	struct end *first = attach_pair(port);
	struct end *second = attach_pair(port);
	port->net.wait(port->net.context, 0);
	to_close = second;
	cr_assert(send(first->peer, "a", 1, 0) == 1);
	cr_assert(send(second->peer, "b", 1, 0) == 1);
	WAIT_UNTIL(port, second->closed);
	finish(second);
	finish(first);
	port_close(port);
}

PORT_TEST(reset_that_is_seen_after_close_is_not_told)
{
	open_port(port);
	port->events.received = on_received_close_other;
	struct end *first = attach_pair(port);
	struct end *second = attach_tcp(port);
	port->net.wait(port->net.context, 0);
	to_close = second;
	cr_assert(send(first->peer, "a", 1, 0) == 1);
	reset_peer(second);
	WAIT_UNTIL(port, second->closed);
	finish(second);
	finish(first);
	port_close(port);
}

PORT_TEST(wait_ends_after_its_time_and_after_a_last_event)
{
	open_port(port);
	const double before_s = seconds(CLOCK_MONOTONIC);
	port->net.wait(port->net.context, 30 * MS_NS);
	cr_assert(seconds(CLOCK_MONOTONIC) - before_s >= 0.025);
	/* A wait that has called somebody must come back, since there may be something to do: it has no limit here. */
	struct end *end = attach_pair(port);
	start_close(end);
	while (!end->closed) {
		port->net.wait(port->net.context, -1);
	}
	finish(end);
	port_close(port);
}
