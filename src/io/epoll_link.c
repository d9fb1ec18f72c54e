/*
 * epoll_link: the connections of net_epoll (epoll_link.h, where the idea is).
 *
 * An event may do anything to any link, close included, but a link stays in memory until epoll_links_settle has
 * finished it: one batch of epoll's events may name a link that was closed earlier in the same batch.
 */
#include "epoll_link.h"

#include <base/check.h>
#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static struct epoll_link *epoll_link_of(struct net_link *net_link)
{
	return (struct epoll_link *)(void *)net_link->reserved;
}

static struct net_link *net_link_of(struct epoll_link *link)
{
	return (struct net_link *)(void *)((char *)link - offsetof(struct net_link, reserved));
}

static void make_due(struct epoll_link *link)
{
	struct epoll_links *links = link->links;
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

static bool is_live(const struct epoll_link *link)
{
	return !link->failed && !link->closing;
}

static bool wants_receive(const struct epoll_link *link)
{
	return is_live(link) && !link->paused && !link->ended;
}

static bool wants_send(const struct epoll_link *link)
{
	return is_live(link) && link->sending && link->left > 0;
}

/* To be told by settle: this may be a call of the port, from which no event comes. */
static void link_fail(struct epoll_link *link)
{
	link->failed = true;
	make_due(link);
}

static void link_receive(struct epoll_link *link)
{
	struct epoll_links *links = link->links;
	const ssize_t size = recv(net_link_of(link)->descriptor, links->received, sizeof links->received, MSG_DONTWAIT);
	if (size < 0) {
		if (errno != EAGAIN && errno != EINTR) {
			link_fail(link);
		}
		return;
	}
	if (size == 0) {
		link->ended = true;
		make_due(link);
	}
	links->events->received(links->events->context, net_link_of(link), size > 0 ? links->received : NULL,
				(size_t)size);
}

static void link_send(struct epoll_link *link)
{
	while (link->left > 0) {
		const ssize_t size =
		    send(net_link_of(link)->descriptor, link->bytes, link->left, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (size < 0 && errno == EINTR) {
			continue;
		}
		if (size < 0 && errno == EAGAIN) {
			break;
		}
		if (size < 0) {
			link_fail(link);
			return;
		}
		link->bytes += size;
		link->left -= (size_t)size;
	}
	make_due(link);
}

/* An error or a hang-up comes with every kind of interest, and is found out about by trying. */
static void link_ready(struct watch *watch, uint32_t events)
{
	struct epoll_link *link = (struct epoll_link *)(void *)watch;
	if (wants_receive(link) && (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) {
		link_receive(link);
	}
	if (wants_send(link) && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) {
		link_send(link);
	}
}

/* --------------------------------------------------------------------------------------------------------- settling */

static void register_wanted(struct epoll_link *link)
{
	const uint32_t wanted =
	    (wants_receive(link) ? (uint32_t)EPOLLIN : 0) | (wants_send(link) ? (uint32_t)EPOLLOUT : 0);
	if (wanted == link->registered) {
		return;
	}
	const int operation = wanted == 0 ? EPOLL_CTL_DEL : link->registered == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
	struct epoll_event event = {.events = wanted, .data.ptr = &link->watch};
	if (epoll_ctl(link->links->epoll, operation, net_link_of(link)->descriptor, &event) == 0) {
		link->registered = wanted;
		return;
	}
	/* Registering can be refused for memory or by fs.epoll.max_user_watches; taking out cannot. */
	CHECK(operation == EPOLL_CTL_ADD);
	link_fail(link);
}

static void finish(struct epoll_link *link)
{
	struct epoll_links *links = link->links;
	struct net_link *net_link = net_link_of(link);
	close(net_link->descriptor);
	net_link->descriptor = -1;
	links->count--;
	links->events->closed(links->events->context, net_link);
}

/* Tells that everything is sent, or that the connection broke. True if there was something to tell. */
static bool tell(struct epoll_link *link)
{
	const struct net_events *events = link->links->events;
	bool told = false;
	if (is_live(link) && link->sending && link->left == 0) {
		link->sending = false;
		events->sent(events->context, net_link_of(link));
		told = true;
	}
	if (link->failed && !link->broken && !link->closing) {
		link->broken = true;
		events->broken(events->context, net_link_of(link));
		told = true;
	}
	return told;
}

static bool link_settle(struct epoll_link *link)
{
	link->due = false;
	register_wanted(link);
	if (link->closing) {
		finish(link);
		return true;
	}
	/* Last, since what an event asks for makes the link due again, for the next round. */
	return tell(link);
}

bool epoll_links_settle(struct epoll_links *links)
{
	struct epoll_link *link = links->due_first;
	links->due_first = NULL;
	bool told = false;
	while (link != NULL) {
		struct epoll_link *next = link->next_due;
		told |= link_settle(link);
		link = next;
	}
	return told || links->due_first != NULL;
}

/* --------------------------------------------------------------------------------------------- what the port offers */

void epoll_link_attach(struct epoll_links *links, struct net_link *net_link, int descriptor)
{
	CHECK(descriptor >= 0);
	struct epoll_link *link = epoll_link_of(net_link);
	net_link->descriptor = descriptor;
	*link = (struct epoll_link){.watch.ready = link_ready, .links = links};
	links->count++;
	make_due(link);
}

void epoll_link_pause(struct net_link *net_link)
{
	struct epoll_link *link = epoll_link_of(net_link);
	link->paused = true;
	make_due(link);
}

void epoll_link_resume(struct net_link *net_link)
{
	struct epoll_link *link = epoll_link_of(net_link);
	link->paused = false;
	make_due(link);
}

void epoll_link_send(struct net_link *net_link, const uint8_t *bytes, size_t size)
{
	struct epoll_link *link = epoll_link_of(net_link);
	CHECK(size > 0);
	CHECK(!link->closing);
	if (link->failed) {
		return;
	}
	CHECK(!link->sending);
	link->bytes = bytes;
	link->left = size;
	link->sending = true;
	link_send(link);
}

void epoll_link_close(struct net_link *net_link)
{
	struct epoll_link *link = epoll_link_of(net_link);
	CHECK(!link->closing);
	link->closing = true;
	make_due(link);
}
