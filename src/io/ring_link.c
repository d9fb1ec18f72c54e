/*
 * ring_link: the connections of net_ring (ring_link.h, where the idea is).
 *
 * An event may do anything to any link, close included, but a link stays in memory until ring_links_settle has finished
 * it; so handlers of completions may touch theirs after an event, and look again at what is wanted.
 */
#include "ring_link.h"

#include <base/check.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* More than a socket takes at once; keeps the length within what an entry can say. */
#define SEND_SIZE_MAX (1u << 30)

static struct ring_link *ring_link_of(struct net_link *net_link)
{
	return (struct ring_link *)(void *)net_link->reserved;
}

static struct net_link *net_link_of(struct ring_link *link)
{
	return (struct net_link *)(void *)((char *)link - offsetof(struct net_link, reserved));
}

static void make_due(struct ring_link *link)
{
	struct ring_links *links = link->links;
	if (link->due) {
		return;
	}
	link->due = true;
	link->next_due = NULL;
	if (links->due_first == NULL) {
		links->due_first = link;
	} else {
		links->due_last->next_due = link;
	}
	links->due_last = link;
}

static bool is_live(const struct ring_link *link)
{
	return !link->broken && !link->closing;
}

static void link_break(struct ring_link *link)
{
	if (!is_live(link)) {
		return;
	}
	link->broken = true;
	make_due(link);
	link->links->events->broken(link->links->events->context, net_link_of(link));
}

/* -------------------------------------------------------------------------------------------------------- receiving */

static bool wants_receive(const struct ring_link *link)
{
	return is_live(link) && !link->paused && !link->ended;
}

static void take_bytes(struct ring_link *link, const uint8_t *bytes, size_t size)
{
	const struct net_events *events = link->links->events;
	if (!is_live(link)) {
		return;
	}
	/* After resume, what was kept goes first. */
	if (link->paused || link->kept.size > 0) {
		buffer_add(&link->kept, bytes, size);
	} else {
		events->received(events->context, net_link_of(link), bytes, size);
	}
}

static void link_received(struct ring_op *op, int32_t result, uint32_t flags)
{
	struct ring_link *link = RING_OP_OWNER(op, struct ring_link, receive);
	struct receive_buffers *buffers = link->links->buffers;
	link->receive_armed = (flags & IORING_CQE_F_MORE) != 0;
	if (result > 0) {
		const uint16_t number = receive_buffers_number(flags);
		take_bytes(link, receive_buffers_at(buffers, number), (size_t)result);
		receive_buffers_give(buffers, number);
	} else if (result == 0) {
		link->ended = true;
	} else if (result != -ENOBUFS && result != -ECANCELED) {
		link_break(link);
	}
	/* Ended for lack of buffers, it may be armed again at once: by the time that is submitted, every completion at
	 * hand has given its buffer back. */
	if (!link->receive_armed || !wants_receive(link)) {
		make_due(link);
	}
}

static void arm_receive(struct ring_link *link)
{
	struct io_uring_sqe *sqe = ring_entry(link->links->ring, &link->receive);
	io_uring_prep_recv_multishot(sqe, net_link_of(link)->descriptor, NULL, 0, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = RECEIVE_BUFFERS_GROUP;
	link->receive_armed = true;
}

/* ---------------------------------------------------------------------------------------------------------- sending */

static void submit_send(struct ring_link *link)
{
	struct io_uring_sqe *sqe = ring_entry(link->links->ring, &link->send);
	const size_t size = link->left < SEND_SIZE_MAX ? link->left : SEND_SIZE_MAX;
	io_uring_prep_send(sqe, net_link_of(link)->descriptor, link->bytes, size, MSG_NOSIGNAL);
	link->sending = true;
}

static void link_sent(struct ring_op *op, int32_t result, uint32_t flags)
{
	(void)flags;
	struct ring_link *link = RING_OP_OWNER(op, struct ring_link, send);
	const struct net_events *events = link->links->events;
	link->sending = false;
	if (!is_live(link)) {
		make_due(link);
		return;
	}
	if (result <= 0) {
		link_break(link);
		return;
	}
	CHECK((size_t)result <= link->left);
	link->bytes += result;
	link->left -= (size_t)result;
	if (link->left > 0) {
		submit_send(link);
	} else {
		events->sent(events->context, net_link_of(link));
	}
}

/* --------------------------------------------------------------------------------------------------------- settling */

static void link_cancelled(struct ring_op *op, int32_t result, uint32_t flags)
{
	/* Found or not: what was to be cancelled says itself when it is over. */
	(void)result;
	(void)flags;
	struct ring_link *link = RING_OP_OWNER(op, struct ring_link, cancel);
	link->cancelling = false;
	make_due(link);
}

static void submit_cancel(struct ring_link *link)
{
	struct io_uring_sqe *sqe = ring_entry(link->links->ring, &link->cancel);
	if (link->closing) {
		io_uring_prep_cancel_fd(sqe, net_link_of(link)->descriptor, IORING_ASYNC_CANCEL_ALL);
	} else {
		io_uring_prep_cancel(sqe, &link->receive, 0);
	}
	link->cancelling = true;
}

static void finish(struct ring_link *link)
{
	struct ring_links *links = link->links;
	struct net_link *net_link = net_link_of(link);
	close(net_link->descriptor);
	net_link->descriptor = -1;
	buffer_fini(&link->kept);
	links->count--;
	links->events->closed(links->events->context, net_link);
}

/* Hands over what was kept while paused, then the end. True if an event was called. */
static bool deliver(struct ring_link *link)
{
	const struct net_events *events = link->links->events;
	bool delivered = false;
	if (link->kept.size > 0 && is_live(link) && !link->paused) {
		struct buffer kept = link->kept;
		link->kept = (struct buffer){0};
		events->received(events->context, net_link_of(link), kept.at, kept.size);
		buffer_fini(&kept);
		delivered = true;
	}
	if (link->ended && !link->end_told && is_live(link) && !link->paused) {
		link->end_told = true;
		events->received(events->context, net_link_of(link), NULL, 0);
		delivered = true;
	}
	return delivered;
}

/* Brings what the kernel does for a link in line with what is wanted. True if an event was called. */
static bool link_settle(struct ring_link *link)
{
	link->due = false;
	const bool busy = link->receive_armed || link->sending;
	if (link->closing && !busy && !link->cancelling) {
		finish(link);
		return true;
	}
	if (wants_receive(link)) {
		if (!link->receive_armed) {
			arm_receive(link);
		}
	} else if (!link->cancelling && (link->receive_armed || (link->closing && busy))) {
		submit_cancel(link);
	}
	/* Last, since what an event asks for makes the link due again, for the next round. */
	return deliver(link);
}

bool ring_links_settle(struct ring_links *links)
{
	struct ring_link *link = links->due_first;
	links->due_first = NULL;
	bool delivered = false;
	while (link != NULL) {
		struct ring_link *next = link->next_due;
		delivered |= link_settle(link);
		link = next;
	}
	return delivered || links->due_first != NULL;
}

/* --------------------------------------------------------------------------------------------- what the port offers */

void ring_link_attach(struct ring_links *links, struct net_link *net_link, int descriptor)
{
	CHECK(descriptor >= 0);
	struct ring_link *link = ring_link_of(net_link);
	net_link->descriptor = descriptor;
	*link = (struct ring_link){
	    .links = links,
	    .receive.done = link_received,
	    .send.done = link_sent,
	    .cancel.done = link_cancelled,
	};
	links->count++;
	make_due(link);
}

void ring_link_pause(struct net_link *net_link)
{
	struct ring_link *link = ring_link_of(net_link);
	link->paused = true;
	make_due(link);
}

void ring_link_resume(struct net_link *net_link)
{
	struct ring_link *link = ring_link_of(net_link);
	link->paused = false;
	make_due(link);
}

void ring_link_send(struct net_link *net_link, const uint8_t *bytes, size_t size)
{
	struct ring_link *link = ring_link_of(net_link);
	CHECK(size > 0);
	CHECK(!link->closing);
	if (link->broken) {
		return;
	}
	CHECK(!link->sending);
	link->bytes = bytes;
	link->left = size;
	submit_send(link);
}

void ring_link_close(struct net_link *net_link)
{
	struct ring_link *link = ring_link_of(net_link);
	CHECK(!link->closing);
	link->closing = true;
	make_due(link);
}
