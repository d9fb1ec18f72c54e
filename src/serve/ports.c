/*
 * ports: which implementation a worker gets. The rest of the server sees struct net and struct disk only.
 */
#include <io/disk_posix.h>
#include <io/disk_ring.h>
#include <io/net_epoll.h>
#include <io/net_ring.h>
#include <serve/ports.h>
#include <stdlib.h>

/* Submissions of all loops together: a reply to each of some thousand connections; more just make a second system call. Shared
 * between the rings, as they all count against one limit of locked memory. */
#define RING_ENTRIES     4096
#define RING_ENTRIES_MIN 64

struct ports {
	struct ring ring;
	struct net *net;
	struct disk *disk; /* NULL: this worker has none */
	uint32_t rings;    /* 0: on epoll */
};

/* A power of two. */
static uint32_t entries_of_each(uint32_t rings)
{
	uint32_t entries = RING_ENTRIES;
	while (entries > RING_ENTRIES_MIN && entries * rings > RING_ENTRIES) {
		entries /= 2;
	}
	return entries;
}

static bool open_ring(struct ports *ports, const char *dir, int lock, const struct net_events *events,
		      struct error *error)
{
	if (!ring_open(&ports->ring, entries_of_each(ports->rings), error)) {
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
	if (ports->disk != NULL && !disk_ring_open(ports->disk, &ports->ring, dir, error)) {
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

struct ports *ports_open(uint32_t rings, const char *dir, int lock, const struct net_events *events, struct net *net,
			 struct disk *disk, struct error *error)
{
	struct ports *ports = calloc(1, sizeof *ports);
	if (ports == NULL) {
		error_set(error, ERROR_NO_MEMORY, "no memory for a worker's ports");
		return NULL;
	}
	ports->rings = rings;
	ports->net = net;
	ports->disk = dir != NULL ? disk : NULL;
	if (!(rings > 0 ? open_ring : open_epoll)(ports, dir, lock, events, error)) {
		free(ports);
		return NULL;
	}
	return ports;
}

void ports_close(struct ports *ports)
{
	if (ports->rings > 0) {
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

bool ports_probe(uint32_t rings, struct error *error)
{
	/* The real thing, as often as it will be needed: a kernel may have io_uring and not what we need of it, and memory for
	 * one ring and not for all. */
	static const struct net_events events = {.woken = ignore};
	struct probe {
		struct net net;
		struct ports *ports;
	} *probes = calloc(rings, sizeof *probes);
	if (probes == NULL) {
		return error_set(error, ERROR_NO_MEMORY, "no memory to try io_uring");
	}
	uint32_t opened = 0;
	while (opened < rings) {
		struct probe *probe = &probes[opened];
		probe->ports = ports_open(rings, NULL, -1, &events, &probe->net, NULL, error);
		if (probe->ports == NULL) {
			break;
		}
		opened++;
	}
	for (uint32_t i = 0; i < opened; i++) {
		ports_close(probes[i].ports);
	}
	free(probes);
	return opened == rings;
}
