/*
 * Proves of the network ports as a whole: an echo through many links returns every byte in order, also under
 * back-pressure and with many more bytes than there are buffers; accepting outlives a lack of descriptors without
 * spinning; listening stops when told; wake works from any thread and from a signal handler; net_epoll watches others'
 * descriptors.
 *
 * Method: an echo server of a few lines on the port, clients as plain non-blocking sockets in the same thread.
 */
#include "port.h"

#include <io/listen.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#define LINKS            100
#define BYTES_PER_CLIENT ((size_t)200000)
/* Unsent bytes of a link from which on it is paused. */
#define HIGH_WATER 16384

struct echo {
	struct net_link link;
	struct buffer waiting; /* received, not yet handed to a send */
	struct buffer sending;
	bool is_sending;
	bool paused;
	bool ended;
	bool closing;
};

struct server {
	struct port *port;
	int listener;
	struct sockaddr_in address;
	int accepted;
	int live;
	int woken;
	sem_t noticed;
};

static struct echo *echo_of(struct net_link *link)
{
	return (struct echo *)(void *)((char *)link - offsetof(struct echo, link));
}

static void on_accepted(void *context, int descriptor)
{
	struct server *server = context;
	struct echo *echo = calloc(1, sizeof *echo);
	server->accepted++;
	server->live++;
	server->port->net.attach(server->port->net.context, &echo->link, descriptor);
}

static void echo_go_on(struct server *server, struct echo *echo)
{
	struct net *net = &server->port->net;
	if (echo->is_sending || echo->closing) {
		return;
	}
	if (echo->waiting.size > 0) {
		const struct buffer empty = echo->sending;
		echo->sending = echo->waiting;
		echo->waiting = empty;
		echo->waiting.size = 0;
		echo->is_sending = true;
		net->send(net->context, &echo->link, echo->sending.at, echo->sending.size);
		if (echo->paused) {
			echo->paused = false;
			net->resume(net->context, &echo->link);
		}
	} else if (echo->ended) {
		echo->closing = true;
		net->close(net->context, &echo->link);
	}
}

static void on_received(void *context, struct net_link *link, const uint8_t *bytes, size_t size)
{
	struct server *server = context;
	struct echo *echo = echo_of(link);
	cr_assert(!echo->paused, "received while paused");
	if (size == 0) {
		echo->ended = true;
	} else {
		buffer_add(&echo->waiting, bytes, size);
	}
	if (echo->is_sending && echo->waiting.size > HIGH_WATER) {
		echo->paused = true;
		server->port->net.pause(server->port->net.context, link);
	}
	echo_go_on(server, echo);
}

static void on_sent(void *context, struct net_link *link)
{
	struct echo *echo = echo_of(link);
	cr_assert(echo->is_sending);
	echo->is_sending = false;
	echo_go_on(context, echo);
}

static void on_broken(void *context, struct net_link *link)
{
	struct server *server = context;
	echo_of(link)->closing = true;
	server->port->net.close(server->port->net.context, link);
}

static void on_closed(void *context, struct net_link *link)
{
	struct server *server = context;
	struct echo *echo = echo_of(link);
	buffer_fini(&echo->waiting);
	buffer_fini(&echo->sending);
	free(echo);
	server->live--;
}

static void on_woken(void *context)
{
	struct server *server = context;
	server->woken++;
	sem_post(&server->noticed);
}

static void server_open(struct server *server, struct port *port)
{
	*server = (struct server){.port = port};
	sem_init(&server->noticed, 0, 0);
	port->events = (struct net_events){
	    .context = server,
	    .accepted = on_accepted,
	    .received = on_received,
	    .sent = on_sent,
	    .broken = on_broken,
	    .closed = on_closed,
	    .woken = on_woken,
	};
	port_open(port);
	struct error error = {0};
	cr_assert(net_listen_tcp("127.0.0.1", 0, &server->listener, &error), "%s", error.text);
	socklen_t length = sizeof server->address;
	cr_assert(getsockname(server->listener, (struct sockaddr *)&server->address, &length) == 0);
	port->net.listen(port->net.context, server->listener);
}

static void server_close(struct server *server)
{
	struct port *port = server->port;
	port->net.stop_listening(port->net.context);
	WAIT_UNTIL(port, server->live == 0);
	port_close(port);
	close(server->listener);
	sem_destroy(&server->noticed);
}

/* A client that has asked to be connected; whether it is comes out later. */
static int client_socket(void)
{
	const int client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	cr_assert(client >= 0);
	return client;
}

static void client_connect(const struct server *server, int client)
{
	const int result = connect(client, (const struct sockaddr *)&server->address, sizeof server->address);
	cr_assert(result == 0 || errno == EINPROGRESS);
}

struct client {
	int descriptor;
	uint32_t number;
	size_t sent;
	size_t got;
};

/* Sends a piece, of a size that changes, and checks what has come back. */
static void client_step(struct client *client)
{
	uint8_t bytes[9000];
	const size_t left = BYTES_PER_CLIENT - client->sent;
	size_t size = 1 + (client->sent * 7 + client->number * 131) % sizeof bytes;
	size = size < left ? size : left;
	fill(bytes, size, client->number, client->sent);
	if (size > 0) {
		const ssize_t sent = send(client->descriptor, bytes, size, MSG_NOSIGNAL);
		client->sent += sent > 0 ? (size_t)sent : 0;
		if (client->sent == BYTES_PER_CLIENT) {
			cr_assert(shutdown(client->descriptor, SHUT_WR) == 0);
		}
	}
	const ssize_t got = recv(client->descriptor, bytes, sizeof bytes, 0);
	if (got > 0) {
		cr_assert(matches(bytes, (size_t)got, client->number, client->got), "link %u, from byte %zu on",
			  client->number, client->got);
		client->got += (size_t)got;
	}
}

PORT_TEST(echo_returns_every_byte_in_order_over_many_links)
{
	struct server server;
	server_open(&server, port);
	struct client clients[LINKS];
	for (uint32_t i = 0; i < LINKS; i++) {
		clients[i] = (struct client){.descriptor = client_socket(), .number = i};
		client_connect(&server, clients[i].descriptor);
	}
	for (size_t finished = 0; finished < LINKS;) {
		port->net.wait(port->net.context, 0);
		finished = 0;
		for (size_t i = 0; i < LINKS; i++) {
			client_step(&clients[i]);
			finished += clients[i].got == BYTES_PER_CLIENT;
		}
	}
	cr_assert(server.accepted == LINKS);
	for (size_t i = 0; i < LINKS; i++) {
		close(clients[i].descriptor);
	}
	server_close(&server);
}

PORT_TEST(more_bytes_at_once_than_there_are_buffers_arrive_in_order)
{
	struct server server;
	server_open(&server, port);
	/* 60 links with up to 200 KB each, all sent before the server looks: three times what the buffers of net_ring
	 * hold. */
	struct client clients[60];
	for (uint32_t i = 0; i < 60; i++) {
		clients[i] = (struct client){.descriptor = client_socket(), .number = i};
		client_connect(&server, clients[i].descriptor);
	}
	WAIT_UNTIL(port, server.accepted == 60);
	for (size_t i = 0; i < 60; i++) {
		size_t before;
		do {
			before = clients[i].sent;
			client_step(&clients[i]);
		} while (clients[i].sent > before && clients[i].sent < BYTES_PER_CLIENT);
	}
	for (size_t finished = 0; finished < 60;) {
		port->net.wait(port->net.context, 0);
		finished = 0;
		for (size_t i = 0; i < 60; i++) {
			client_step(&clients[i]);
			finished += clients[i].got == BYTES_PER_CLIENT;
		}
	}
	for (size_t i = 0; i < 60; i++) {
		close(clients[i].descriptor);
	}
	server_close(&server);
}

PORT_TEST(accepting_outlives_a_lack_of_descriptors_and_does_not_spin)
{
	struct server server;
	server_open(&server, port);
	int clients[8];
	for (size_t i = 0; i < 8; i++) {
		clients[i] = client_socket();
	}
	struct rlimit before;
	cr_assert(getrlimit(RLIMIT_NOFILE, &before) == 0);
	/* The next descriptor would be one too many: it is the lowest free number. */
	const int next = dup(clients[0]);
	close(next);
	const struct rlimit none_left = {.rlim_cur = (rlim_t)next, .rlim_max = before.rlim_max};
	cr_assert(setrlimit(RLIMIT_NOFILE, &none_left) == 0);
	for (size_t i = 0; i < 8; i++) {
		client_connect(&server, clients[i]);
	}
	const int waits = idle_waits(port, 0.5);
	cr_assert(server.accepted == 0);
	cr_assert(waits <= IDLE_WAITS_MAX, "%d waits in half a second", waits);

	cr_assert(setrlimit(RLIMIT_NOFILE, &before) == 0);
	WAIT_UNTIL(port, server.accepted == 8);
	for (size_t i = 0; i < 8; i++) {
		close(clients[i]);
	}
	server_close(&server);
}

PORT_TEST(nobody_is_accepted_after_stop_listening)
{
	struct server server;
	server_open(&server, port);
	const int early = client_socket();
	client_connect(&server, early);
	WAIT_UNTIL(port, server.accepted == 1);
	port->net.stop_listening(port->net.context);
	const int late = client_socket();
	client_connect(&server, late);
	for (int i = 0; i < 5; i++) {
		port->net.wait(port->net.context, 5 * MS_NS);
	}
	cr_assert(server.accepted == 1);
	close(early);
	close(late);
	server_close(&server);
}

static void on_accepted_stop(void *context, int descriptor)
{
	struct server *server = context;
	on_accepted(context, descriptor);
	server->port->net.stop_listening(server->port->net.context);
}

PORT_TEST(listening_may_be_stopped_from_within_accepted)
{
	struct server server;
	server_open(&server, port);
	port->events.accepted = on_accepted_stop;
	int clients[4];
	for (size_t i = 0; i < 4; i++) {
		clients[i] = client_socket();
		client_connect(&server, clients[i]);
	}
	WAIT_UNTIL(port, server.accepted == 1);
	for (int i = 0; i < 5; i++) {
		port->net.wait(port->net.context, 5 * MS_NS);
	}
	cr_assert(server.accepted == 1);
	for (size_t i = 0; i < 4; i++) {
		close(clients[i]);
	}
	server_close(&server);
}

#define WAKES 200

/* Wakes again only when the last one was noticed. */
static void *wake_often(void *context)
{
	struct server *server = context;
	for (int i = 0; i < WAKES; i++) {
		server->port->net.wake(server->port->net.context);
		sem_wait(&server->noticed);
	}
	return NULL;
}

PORT_TEST(wake_from_another_thread_ends_every_wait)
{
	struct server server;
	server_open(&server, port);
	pthread_t waker;
	cr_assert(pthread_create(&waker, NULL, wake_often, &server) == 0);
	while (server.woken < WAKES) {
		port->net.wait(port->net.context, -1);
	}
	cr_assert(pthread_join(waker, NULL) == 0);
	/* Several that nobody waited for may be one. */
	for (int i = 0; i < 10; i++) {
		port->net.wake(port->net.context);
	}
	WAIT_UNTIL(port, server.woken > WAKES);
	cr_assert(idle_waits(port, 0.05) <= IDLE_WAITS_MAX, "goes on waking");
	server_close(&server);
}

static struct port *signalled;

static void wake_on_signal(int number)
{
	(void)number;
	signalled->net.wake(signalled->net.context);
}

PORT_TEST(wake_from_a_signal_handler_ends_the_wait_that_it_interrupts)
{
	struct server server;
	server_open(&server, port);
	signalled = port;
	const struct sigaction action = {.sa_handler = wake_on_signal};
	cr_assert(sigaction(SIGALRM, &action, NULL) == 0);
	const struct itimerspec soon = {.it_value.tv_nsec = 20000000};
	timer_t timer;
	cr_assert(timer_create(CLOCK_MONOTONIC, NULL, &timer) == 0);
	cr_assert(timer_settime(timer, 0, &soon, NULL) == 0);
	while (server.woken == 0) {
		port->net.wait(port->net.context, -1);
	}
	timer_delete(timer);
	server_close(&server);
}

static void on_ready(void *context)
{
	int *descriptor = context;
	eventfd_t count;
	cr_assert(eventfd_read(*descriptor, &count) == 0);
	*descriptor = -1;
}

Test(net_epoll, watches_the_descriptors_of_others)
{
	struct port port = {.on_ring = false};
	struct server server;
	server_open(&server, &port);
	const int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int watched = descriptor;
	struct error error = {0};
	cr_assert(net_epoll_watch(&port.net, descriptor, on_ready, &watched, &error), "%s", error.text);
	port.net.wait(port.net.context, 5 * MS_NS);
	cr_assert(watched == descriptor);
	cr_assert(eventfd_write(descriptor, 1) == 0);
	WAIT_UNTIL(&port, watched == -1);
	server_close(&server);
	close(descriptor);
}
