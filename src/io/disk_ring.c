/*
 * disk_ring: the disk port of a worker on io_uring (io/disk_ring.h).
 *
 *   durable write            submitted --> [disk_thread: one pwritev2 with RWF_DSYNC] --> eventfd --> on_finished --> done
 *   plain write, flush       an entry of the ring -----------------------------------------------> part_done --> done
 *
 * What was submitted to the thread and is over makes an eventfd readable, which the ring polls for as long as the port is open.
 *
 * See: io_uring_enter(2), io_uring_prep_poll_multishot(3).
 */
#include "disk_thread.h"

#include <assert.h>
#include <base/check.h>
#include <errno.h>
#include <io/disk_ring.h>
#include <poll.h>
#include <stdlib.h>

struct disk_ring {
	struct directory directory; /* first: the blocking operations take it for the whole */
	struct ring *ring;
	struct disk_thread thread;
	struct ring_op finished; /* the poll of the thread's descriptor */
	struct ring_op cancel;   /* of that */
	bool polling;
	bool cancelling;
	bool closing;
	uint32_t under_way;
};

struct disk_ring_op {
	struct thread_op thread; /* first: what the thread gives back; the request is here in any case */
	struct disk_ring *disk;
	struct ring_op part; /* what the ring has */
};
static_assert(sizeof(struct disk_ring_op) <= sizeof((struct disk_op){0}.reserved), "a disk_ring_op fits in a disk_op");

static struct disk_op *disk_op_of(struct disk_ring_op *op)
{
	return (struct disk_op *)(void *)((char *)op - offsetof(struct disk_op, reserved));
}

static void end(struct disk_ring_op *op, int failure)
{
	struct disk_ring *disk = op->disk;
	struct error error;
	if (failure != 0) {
		directory_failure(&disk->directory, &op->thread.request, failure, &error);
	}
	disk->under_way--;
	struct disk_op *disk_op = disk_op_of(op);
	disk_op->done(disk_op, failure != 0 ? &error : NULL);
}

/* ----------------------------------------------------------------------------------------------------- on the ring */

static void submit_part(struct disk_ring_op *op)
{
	const struct disk_request *request = &op->thread.request;
	struct io_uring_sqe *sqe = ring_entry(op->disk->ring, &op->part);
	if (request->sync) {
		/* Names are not data. */
		io_uring_prep_fsync(sqe, request->descriptor, request->file < 0 ? 0 : IORING_FSYNC_DATASYNC);
		return;
	}
	CHECK(request->left <= INT32_MAX);
	io_uring_prep_write(sqe, request->descriptor, request->bytes, (unsigned)request->left, request->offset);
}

static void part_done(struct ring_op *ring_op, int32_t result, uint32_t flags)
{
	(void)flags;
	struct disk_ring_op *op = RING_OP_OWNER(ring_op, struct disk_ring_op, part);
	struct disk_request *request = &op->thread.request;
	if (request->sync) {
		end(op, result < 0 ? -result : 0);
		return;
	}
	if (result <= 0) {
		end(op, result < 0 ? -result : EIO);
		return;
	}
	CHECK((size_t)result <= request->left);
	request->offset += (uint64_t)result;
	request->bytes += result;
	request->left -= (size_t)result;
	if (request->left > 0) {
		submit_part(op); /* it came up short */
	} else {
		end(op, 0);
	}
}

/* --------------------------------------------------------------------------------------------------- on the thread */

static void poll_finished(struct disk_ring *disk)
{
	struct io_uring_sqe *sqe = ring_entry(disk->ring, &disk->finished);
	/* Each write to an eventfd wakes whoever polls it, so it need not be read. */
	io_uring_prep_poll_multishot(sqe, disk->thread.finished_descriptor, POLLIN);
	disk->polling = true;
}

static void deliver(struct disk_ring *disk)
{
	struct thread_op *op = disk_thread_take(&disk->thread);
	while (op != NULL) {
		struct thread_op *next = op->next;
		end((struct disk_ring_op *)(void *)op, op->failure);
		op = next;
	}
}

static void on_finished(struct ring_op *ring_op, int32_t result, uint32_t flags)
{
	struct disk_ring *disk = RING_OP_OWNER(ring_op, struct disk_ring, finished);
	CHECK(result >= 0 || result == -ECANCELED);
	disk->polling = (flags & IORING_CQE_F_MORE) != 0;
	if (!disk->polling && !disk->closing) {
		poll_finished(disk);
	}
	deliver(disk);
}

/* A commit that is over goes before most requests at hand: the next can leave, and those it answers can ask again. Not before
 * the first of them: of few clients those who ask now belong into the batch of those it answers. */
static bool between(void *context, bool sleeps)
{
	struct disk_ring *disk = context;
	if (!disk_thread_look(&disk->thread, sleeps)) {
		return false;
	}
	if (!sleeps) {
		deliver(disk);
	}
	return true;
}

static void on_cancelled(struct ring_op *ring_op, int32_t result, uint32_t flags)
{
	(void)result;
	(void)flags;
	RING_OP_OWNER(ring_op, struct disk_ring, cancel)->cancelling = false;
}

/* --------------------------------------------------------------------------------------------------------- the port */

static void begin(struct disk_ring *disk, struct disk_op *disk_op, struct disk_request request)
{
	struct disk_ring_op *op = (struct disk_ring_op *)(void *)disk_op->reserved;
	op->disk = disk;
	op->part.done = part_done;
	disk->under_way++;
	if (request.durable) {
		disk_thread_submit(&disk->thread, &op->thread, request);
	} else {
		op->thread.request = request;
		submit_part(op);
	}
}

static void port_write(void *context, struct disk_op *op, disk_file file, uint64_t offset, const void *bytes,
		       size_t size, bool durable)
{
	struct disk_ring *disk = context;
	begin(disk, op, directory_write_request(&disk->directory, file, offset, bytes, size, durable));
}

static void port_sync(void *context, struct disk_op *op, disk_file file)
{
	struct disk_ring *disk = context;
	begin(disk, op, directory_sync_request(&disk->directory, file));
}

static void port_sync_names(void *context, struct disk_op *op)
{
	struct disk_ring *disk = context;
	begin(disk, op, directory_names_request(&disk->directory));
}

bool disk_ring_open(struct disk *port, struct ring *ring, const char *path, struct error *error)
{
	struct disk_ring *disk = calloc(1, sizeof *disk);
	if (disk == NULL) {
		return error_set(error, ERROR_NO_MEMORY, "no memory for the disk port");
	}
	if (!directory_open(&disk->directory, path, DISK_READ_WRITE, error)) {
		goto undo_calloc;
	}
	if (!disk_thread_start(&disk->thread, error)) {
		goto undo_directory;
	}
	disk->ring = ring;
	disk->finished.done = on_finished;
	disk->cancel.done = on_cancelled;
	poll_finished(disk);
	ring->between = between;
	ring->between_context = disk;
	*port = (struct disk){
	    .context = disk,
	    .engine = "io_uring",
	    .write = port_write,
	    .sync = port_sync,
	    .sync_names = port_sync_names,
	};
	directory_operations(port);
	return true;

undo_directory:
	directory_close(&disk->directory);
undo_calloc:
	free(disk);
	return false;
}

void disk_ring_close(struct disk *port)
{
	struct disk_ring *disk = port->context;
	CHECK(disk->under_way == 0);
	disk->closing = true;
	io_uring_prep_cancel(ring_entry(disk->ring, &disk->cancel), &disk->finished, 0);
	disk->cancelling = true;
	while (disk->polling || disk->cancelling) {
		ring_wait(disk->ring, -1);
	}
	disk->ring->between = NULL;
	disk_thread_stop(&disk->thread);
	directory_close(&disk->directory);
	free(disk);
	*port = (struct disk){0};
}
