/*
 * ring_link: the connections of net_ring.
 *
 * What a link should be doing and what the kernel is doing for it are two things. The calls of the port (attach, pause,
 * resume, close) only say what is wanted and put the link on the list of those due; ring_links_settle compares, and
 * submits the receive or the cancel that is missing, before the next wait. So a pause taken back at once costs nothing,
 * and no order of calls and completions needs a case of its own.
 *
 *   wanted   to receive = not paused, not ended, not broken, not closing
 *   actual   receive_armed, sending, cancelling: operations the kernel has, which keep the link's memory in use
 *
 * A paused link's receive may have completed already, with bytes, before its cancel gets through. Those are kept in a
 * buffer of the link and handed over first after resume; the provided buffer goes back to the kernel at once, so that
 * slow clients cannot starve the others of them.
 *
 * A link is finished when it is to be closed and the kernel has no operation of it left: only then is its memory the
 * caller's again.
 *
 * Threads: the ring's own.
 * See: io_uring_prep_recv_multishot(3), io_uring_prep_cancel(3).
 */
#pragma once

#include "receive_buffers.h"

#include <assert.h>

/* What the links of one port share. */
struct ring_links {
	/* const after ring_links_init */
	struct ring *ring;
	struct receive_buffers *buffers;
	const struct net_events *events;
	/* owned by the worker */
	struct ring_link *due_first;
	struct ring_link *due_last;
	uint32_t count;
};

/* Lives in net_link.reserved. */
struct ring_link {
	struct ring_links *links;
	struct ring_op receive;
	struct ring_op send;
	struct ring_op cancel;
	const uint8_t *bytes; /* still to be sent, borrowed */
	size_t left;
	struct buffer kept; /* received while paused */
	struct ring_link *next_due;
	/* what the caller wants */
	bool paused;
	bool closing;
	/* what the kernel has */
	bool receive_armed;
	bool sending;
	bool cancelling;
	/* what the peer did, and whether the caller knows */
	bool ended;
	bool end_told;
	bool broken;
	/* on the list */
	bool due;
};
static_assert(sizeof(struct ring_link) <= sizeof((struct net_link){0}.reserved), "a ring_link fits in a net_link");

/* Submit what is missing, hand over what was kept, finish what is closed. True if an event was called. */
bool ring_links_settle(struct ring_links *links);

/* As in struct net. */
void ring_link_attach(struct ring_links *links, struct net_link *net_link, int descriptor);
void ring_link_pause(struct net_link *net_link);
void ring_link_resume(struct net_link *net_link);
void ring_link_send(struct net_link *net_link, const uint8_t *bytes, size_t size);
void ring_link_close(struct net_link *net_link);
