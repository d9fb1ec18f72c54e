/*
 * epoll_link: the connections of net_epoll.
 *
 * The calls of the port only say what is wanted and put the link on the list of those due; epoll_links_settle hands
 * over what is to be told and brings the descriptor's registration in line, before the next wait. A descriptor is
 * registered only while something is wanted of it: epoll reports an error or a hang-up of a registered one for ever,
 * asked or not, and a paused link must not make the loop spin.
 *
 * Sending is tried at once, in the call; only what the socket does not take waits for it to become writable.
 *
 * Threads: the worker's.
 * See: epoll_ctl(2).
 */
#pragma once

#include <assert.h>
#include <io/net_epoll.h>

/* What epoll's data points to, for every descriptor of the loop. */
struct watch {
	void (*ready)(struct watch *watch, uint32_t events);
};

/* How much is received at a time, from one link before the next has its turn. */
#define EPOLL_RECEIVE_SIZE 65536

/* What the links of one port share. */
struct epoll_links {
	/* const after net_epoll_open */
	int epoll;
	const struct net_events *events;
	/* owned by the worker */
	struct epoll_link *due_first;
	struct epoll_link *due_last;
	uint32_t count;
	uint8_t received[EPOLL_RECEIVE_SIZE];
};

/* Lives in net_link.reserved. */
struct epoll_link {
	struct watch watch;
	struct epoll_links *links;
	const uint8_t *bytes; /* still to be sent, borrowed */
	size_t left;
	struct epoll_link *next_due;
	uint32_t registered; /* the events epoll reports; 0: the descriptor is not registered */
	bool paused;
	bool closing;
	bool sending; /* until `sent` is told, also when nothing is left */
	bool ended;   /* the peer sends no more, and the caller knows */
	bool failed;  /* the connection is no good any more */
	bool broken;  /* and the caller knows */
	bool due;     /* on the list */
};
static_assert(sizeof(struct epoll_link) <= sizeof((struct net_link){0}.reserved), "an epoll_link fits in a net_link");

/* Tell what is to be told, register for what is wanted, finish what is closed. True if an event was called. */
bool epoll_links_settle(struct epoll_links *links);

/* As in struct net. */
void epoll_link_attach(struct epoll_links *links, struct net_link *net_link, int descriptor);
void epoll_link_pause(struct net_link *net_link);
void epoll_link_resume(struct net_link *net_link);
void epoll_link_send(struct net_link *net_link, const uint8_t *bytes, size_t size);
void epoll_link_close(struct net_link *net_link);
