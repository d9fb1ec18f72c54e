/*
 * ports: which implementation a worker gets. The rest of the server sees struct net and struct disk only.
 */
#include <io/disk_posix.h>
#include <io/disk_ring.h>
#include <io/net_epoll.h>
#include <io/net_ring.h>
#include <serve/ports.h>
#include <stdlib.h>

/* Submissions of one loop: a reply to each of some thousand connections; more just make a second system call. */
#define RING_ENTRIES 4096

struct ports {
	struct ring ring;
	struct net *net;
	struct disk *disk; /* NULL: this worker has none */
	bool use_io_uring;
};

static bool open_ring(struct ports *ports, const char *dir, int lock, const struct net_events *events,
		      struct error *error)
{
	if (!ring_open(&ports->ring, RING_ENTRIES, error)) {
		return false;
	}
	if (!net_ring_open(ports->net, &ports->ring, events, error)) {
		goto undo_ring;
	}
	/* After kill -9 the kernel may still finish writes of the ring. The lock must hold until then, or the next server could
	 * read the log, cut its tail, and find it written to afterwards. */
	if (ports->disk != NULL && !ring_hold(&ports->ring, lock, error)) {
		goto undo_net;
	}
	if (ports->disk != NULL && !disk_ring_open(ports->disk, &ports->ring, dir, DISK_COMMIT_LINKED, error)) {
		goto undo_net;
	}
	return true;

undo_net:
	net_ring_close(ports->net);
undo_ring:
	ring_close(&ports->ring);
	return false;
}

static bool open_epoll(struct ports *ports, const char *dir, int lock, const struct net_events *events,
		       struct error *error)
{
	(void)lock; /* the writes of a thread end before the descriptors of its process are closed */
	int readable;
	if (!net_epoll_open(ports->net, events, error)) {
		return false;
	}
	if (ports->disk == NULL) {
		return true;
	}
	if (!disk_posix_open(ports->disk, dir, DISK_READ_WRITE, error)) {
		goto undo_net;
	}
	if (!disk_posix_start(ports->disk, &readable, error) ||
	    !net_epoll_watch(ports->net, readable, disk_posix_deliver, ports->disk->context, error)) {
		goto undo_disk;
	}
	return true;

undo_disk:
	disk_posix_close(ports->disk);
undo_net:
	net_epoll_close(ports->net);
	return false;
}

struct ports *ports_open(bool use_io_uring, const char *dir, int lock, const struct net_events *events, struct net *net,
			 struct disk *disk, struct error *error)
{
	struct ports *ports = calloc(1, sizeof *ports);
	if (ports == NULL) {
		error_set(error, ERROR_NO_MEMORY, "no memory for a worker's ports");
		return NULL;
	}
	ports->use_io_uring = use_io_uring;
	ports->net = net;
	ports->disk = dir != NULL ? disk : NULL;
	if (!(use_io_uring ? open_ring : open_epoll)(ports, dir, lock, events, error)) {
		free(ports);
		return NULL;
	}
	return ports;
}

void ports_close(struct ports *ports)
{
	if (ports->use_io_uring) {
		if (ports->disk != NULL) {
			disk_ring_close(ports->disk);
		}
		net_ring_close(ports->net);
		ring_close(&ports->ring);
	} else {
		if (ports->disk != NULL) {
			disk_posix_close(ports->disk);
		}
		net_epoll_close(ports->net);
	}
	free(ports);
}

static void ignore(void *context)
{
	(void)context;
}

bool ports_probe(struct error *error)
{
	/* The real thing, once: a kernel may have io_uring and not what we need of it. */
	const struct net_events events = {.woken = ignore};
	struct net net;
	struct ports *ports = ports_open(true, NULL, -1, &events, &net, NULL, error);
	if (ports == NULL) {
		return false;
	}
	ports_close(ports);
	return true;
}
