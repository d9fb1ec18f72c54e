/*
 * disk_ring: asynchronous writes and flushes on a worker's io_uring (io/disk_ring.h); blocking operations are in
 * disk_directory.c.
 *
 *   submit: one write with RWF_DSYNC, or a write and a flush linked behind it (commit_choice), or one of both alone
 *   part_done, when no part is pending any more:
 *           failed           --> done, with the error [I6]
 *           nothing is left  --> done
 *           written short    --> submit what is left, with a flush of its own linked behind it
 *
 * A short write cancels the flush that is linked to it, and a flush counts only for what was written before it; hence
 * the flush of its own.
 *
 * See: io_uring_enter(2) on IOSQE_IO_LINK, pwritev2(2) on RWF_DSYNC.
 */
#include "disk_directory.h"

#include <assert.h>
#include <base/check.h>
#include <base/clock.h>
#include <errno.h>
#include <fcntl.h>
#include <io/commit_choice.h>
#include <io/disk_ring.h>
#include <stdlib.h>
#include <sys/uio.h>

struct disk_ring {
	struct directory directory; /* first: the blocking operations take it for the whole */
	struct ring *ring;
	enum disk_commit commit;
	struct commit_choice choice; /* DISK_COMMIT_FASTER */
	struct clock clock;
	uint32_t under_way;
};

struct disk_ring_op {
	struct disk_ring *disk;
	struct ring_op write;
	struct ring_op flush;
	struct disk_request request;
	uint64_t began_ns;
	enum disk_commit way; /* a durable write: how */
	int failure;          /* errno of what failed first, 0: none */
	uint32_t pending;     /* parts the kernel has */
	bool continued;       /* a write came up short */
};
static_assert(sizeof(struct disk_ring_op) <= sizeof((struct disk_op){0}.reserved), "a disk_ring_op fits in a disk_op");

static struct disk_op *disk_op_of(struct disk_ring_op *op)
{
	return (struct disk_op *)(void *)((char *)op - offsetof(struct disk_op, reserved));
}

static void submit_flush(struct disk_ring_op *op)
{
	struct io_uring_sqe *sqe = ring_entry(op->disk->ring, &op->flush);
	/* Names are not data. */
	const bool names = op->request.file < 0;
	io_uring_prep_fsync(sqe, op->request.descriptor, names ? 0 : IORING_FSYNC_DATASYNC);
	op->pending++;
}

static void submit_write(struct disk_ring_op *op)
{
	const struct disk_request *request = &op->request;
	CHECK(request->left <= INT32_MAX);
	const bool linked = request->durable && (op->continued || op->way == DISK_COMMIT_LINKED);
	ring_reserve(op->disk->ring, 2);
	struct io_uring_sqe *sqe = ring_entry(op->disk->ring, &op->write);
	io_uring_prep_write(sqe, request->descriptor, request->bytes, (unsigned)request->left, request->offset);
	op->pending++;
	if (linked) {
		sqe->flags |= IOSQE_IO_LINK;
		submit_flush(op);
	} else if (request->durable) {
		sqe->rw_flags = RWF_DSYNC;
	}
}

static void part_done(struct disk_ring_op *op)
{
	struct disk_ring *disk = op->disk;
	CHECK(op->pending > 0);
	if (--op->pending > 0) {
		return;
	}
	if (op->failure == 0 && op->request.left > 0) {
		op->continued = true;
		submit_write(op);
		return;
	}
	if (op->request.durable && disk->commit == DISK_COMMIT_FASTER) {
		commit_choice_took(&disk->choice, op->way, clock_monotonic_ns(&disk->clock) - op->began_ns);
	}
	struct error error;
	if (op->failure != 0) {
		directory_failure(&disk->directory, &op->request, op->failure, &error);
	}
	disk->under_way--;
	struct disk_op *disk_op = disk_op_of(op);
	disk_op->done(disk_op, op->failure != 0 ? &error : NULL);
}

static void fail(struct disk_ring_op *op, int errno_value)
{
	if (op->failure == 0) {
		op->failure = errno_value;
	}
}

static void write_done(struct ring_op *ring_op, int32_t result, uint32_t flags)
{
	(void)flags;
	struct disk_ring_op *op = RING_OP_OWNER(ring_op, struct disk_ring_op, write);
	if (result <= 0) {
		fail(op, result < 0 ? -result : EIO);
	} else {
		CHECK((size_t)result <= op->request.left);
		op->request.offset += (uint64_t)result;
		op->request.bytes += result;
		op->request.left -= (size_t)result;
	}
	part_done(op);
}

static void flush_done(struct ring_op *ring_op, int32_t result, uint32_t flags)
{
	(void)flags;
	struct disk_ring_op *op = RING_OP_OWNER(ring_op, struct disk_ring_op, flush);
	/* The write before it says itself that it came up short; a flush cancelled for no such reason is a failure. */
	const bool link_broke = result == -ECANCELED && op->request.left > 0;
	if (result < 0 && !link_broke) {
		fail(op, -result);
	}
	part_done(op);
}

/* --------------------------------------------------------------------------------------------------------- the port */

static struct disk_ring_op *begin(struct disk_ring *disk, struct disk_op *disk_op, struct disk_request request)
{
	struct disk_ring_op *op = (struct disk_ring_op *)(void *)disk_op->reserved;
	*op = (struct disk_ring_op){
	    .disk = disk,
	    .write.done = write_done,
	    .flush.done = flush_done,
	    .request = request,
	    .way = disk->commit,
	};
	if (request.durable && disk->commit == DISK_COMMIT_FASTER) {
		op->way = commit_choice_next(&disk->choice);
		op->began_ns = clock_monotonic_ns(&disk->clock);
	}
	disk->under_way++;
	return op;
}

static void port_write(void *context, struct disk_op *op, disk_file file, uint64_t offset, const void *bytes,
		       size_t size, bool durable)
{
	struct disk_ring *disk = context;
	submit_write(begin(disk, op, directory_write_request(&disk->directory, file, offset, bytes, size, durable)));
}

static void port_sync(void *context, struct disk_op *op, disk_file file)
{
	struct disk_ring *disk = context;
	submit_flush(begin(disk, op, directory_sync_request(&disk->directory, file)));
}

static void port_sync_names(void *context, struct disk_op *op)
{
	struct disk_ring *disk = context;
	submit_flush(begin(disk, op, directory_names_request(&disk->directory)));
}

bool disk_ring_open(struct disk *port, struct ring *ring, const char *path, enum disk_commit commit,
		    struct error *error)
{
	struct disk_ring *disk = calloc(1, sizeof *disk);
	if (disk == NULL) {
		return error_set(error, ERROR_NO_MEMORY, "no memory for the disk port");
	}
	if (!directory_open(&disk->directory, path, DISK_READ_WRITE, error)) {
		free(disk);
		return false;
	}
	disk->ring = ring;
	disk->commit = commit;
	disk->clock = clock_real();
	*port = (struct disk){
	    .context = disk,
	    .engine = "io_uring",
	    .write = port_write,
	    .sync = port_sync,
	    .sync_names = port_sync_names,
	};
	directory_operations(port);
	return true;
}

void disk_ring_close(struct disk *port)
{
	struct disk_ring *disk = port->context;
	CHECK(disk->under_way == 0);
	directory_close(&disk->directory);
	free(disk);
	*port = (struct disk){0};
}
