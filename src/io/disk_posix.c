/*
 * disk_posix: the disk port on plain system calls (io/disk_posix.h); blocking operations are in disk_directory.c.
 *
 *   write, sync --> submitted --> [thread: pwritev2, fdatasync] --> finished --> deliver --> done
 *
 * Both queues are lists through the operations themselves, under one lock. One thread, so what was submitted first is
 * over first. A durable write is one pwritev2 with RWF_DSYNC; if it came up short, the rest is written and the file
 * flushed anew.
 *
 * Threads: owner and the port's thread meet in `submitted` and `finished` only.
 * See: pwritev2(2).
 */
#include "disk_directory.h"

#include <assert.h>
#include <base/check.h>
#include <base/lock.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

struct posix_op {
	struct posix_op *next;
	struct disk_request request;
	int failure; /* errno, 0: none */
};
static_assert(sizeof(struct posix_op) <= sizeof((struct disk_op){0}.reserved), "a posix_op fits in a disk_op");

struct posix_queue {
	struct posix_op *first;
	struct posix_op *last;
};

struct disk_posix {
	struct directory directory; /* first: the blocking operations take it for the whole */
	/* const after disk_posix_start */
	bool started;
	int finished_descriptor; /* an eventfd: readable when `finished` is not empty */
	pthread_t thread;
	/* owned by the owner */
	uint32_t under_way;
	/* guarded by lock */
	struct lock lock;
	pthread_cond_t changed; /* something was submitted, or stopping */
	struct posix_queue submitted;
	struct posix_queue finished;
	bool stopping;
};

static struct disk_op *disk_op_of(struct posix_op *op)
{
	return (struct disk_op *)(void *)((char *)op - offsetof(struct disk_op, reserved));
}

static void queue_add(struct posix_queue *queue, struct posix_op *op)
{
	op->next = NULL;
	if (queue->first == NULL) {
		queue->first = op;
	} else {
		queue->last->next = op;
	}
	queue->last = op;
}

static struct posix_op *queue_take(struct posix_queue *queue)
{
	struct posix_op *op = queue->first;
	if (op != NULL) {
		queue->first = op->next;
	}
	return op;
}

/* ---------------------------------------------------------------------------------------------------- on the thread */

/* Returns 0 or an errno; the request then says what was left. Nothing is tried twice [I6]. */
static int execute(struct disk_request *request)
{
	bool flush = request->sync;
	bool first = true;
	while (request->left > 0) {
		const struct iovec piece = {.iov_base = (void *)(uintptr_t)request->bytes, .iov_len = request->left};
		const int flags = request->durable && first ? RWF_DSYNC : 0;
		const ssize_t written = pwritev2(request->descriptor, &piece, 1, (off_t)request->offset, flags);
		if (written <= 0) {
			return written < 0 ? errno : EIO;
		}
		request->offset += (uint64_t)written;
		request->bytes += written;
		request->left -= (size_t)written;
		flush |= request->durable && request->left > 0;
		first = false;
	}
	if (!flush) {
		return 0;
	}
	/* Names are not data. */
	const bool names = request->file < 0;
	return (names ? fsync : fdatasync)(request->descriptor) == 0 ? 0 : errno;
}

static void finish(struct disk_posix *posix, struct posix_op *op)
{
	lock_take(&posix->lock);
	queue_add(&posix->finished, op);
	lock_give(&posix->lock);
	(void)eventfd_write(posix->finished_descriptor, 1);
}

/* The next operation, waiting for one; NULL when the port closes. */
static struct posix_op *next_submitted(struct disk_posix *posix)
{
	lock_take(&posix->lock);
	while (posix->submitted.first == NULL && !posix->stopping) {
		pthread_cond_wait(&posix->changed, &posix->lock.mutex);
	}
	struct posix_op *op = queue_take(&posix->submitted);
	lock_give(&posix->lock);
	return op;
}

static void *run(void *context)
{
	struct disk_posix *posix = context;
	struct posix_op *op;
	while ((op = next_submitted(posix)) != NULL) {
		op->failure = execute(&op->request);
		finish(posix, op);
	}
	return NULL;
}

/* -------------------------------------------------------------------------------------------------------- the owner */

static void submit(struct disk_posix *posix, struct disk_op *disk_op, struct disk_request request)
{
	CHECK(posix->started);
	struct posix_op *op = (struct posix_op *)(void *)disk_op->reserved;
	*op = (struct posix_op){.request = request};
	posix->under_way++;
	lock_take(&posix->lock);
	queue_add(&posix->submitted, op);
	lock_give(&posix->lock);
	pthread_cond_signal(&posix->changed);
}

static void port_write(void *context, struct disk_op *op, disk_file file, uint64_t offset, const void *bytes,
		       size_t size, bool durable)
{
	struct disk_posix *posix = context;
	submit(posix, op, directory_write_request(&posix->directory, file, offset, bytes, size, durable));
}

static void port_sync(void *context, struct disk_op *op, disk_file file)
{
	struct disk_posix *posix = context;
	submit(posix, op, directory_sync_request(&posix->directory, file));
}

static void port_sync_names(void *context, struct disk_op *op)
{
	struct disk_posix *posix = context;
	submit(posix, op, directory_names_request(&posix->directory));
}

void disk_posix_deliver(void *context)
{
	struct disk_posix *posix = context;
	eventfd_t count;
	(void)eventfd_read(posix->finished_descriptor, &count);
	lock_take(&posix->lock);
	struct posix_op *op = posix->finished.first;
	posix->finished.first = NULL;
	lock_give(&posix->lock);
	while (op != NULL) {
		struct posix_op *next = op->next;
		struct disk_op *disk_op = disk_op_of(op);
		struct error error;
		if (op->failure != 0) {
			directory_failure(&posix->directory, &op->request, op->failure, &error);
		}
		posix->under_way--;
		disk_op->done(disk_op, op->failure != 0 ? &error : NULL);
		op = next;
	}
}

bool disk_posix_open(struct disk *disk, const char *path, enum disk_access access, struct error *error)
{
	struct disk_posix *posix = calloc(1, sizeof *posix);
	if (posix == NULL) {
		return error_set(error, ERROR_NO_MEMORY, "no memory for the disk port");
	}
	if (!directory_open(&posix->directory, path, access, error)) {
		free(posix);
		return false;
	}
	lock_init(&posix->lock);
	pthread_cond_init(&posix->changed, NULL);
	*disk = (struct disk){
	    .context = posix,
	    .engine = "pwrite",
	    .write = port_write,
	    .sync = port_sync,
	    .sync_names = port_sync_names,
	};
	directory_operations(disk);
	return true;
}

bool disk_posix_start(struct disk *disk, int *descriptor, struct error *error)
{
	struct disk_posix *posix = disk->context;
	CHECK(!posix->started);
	posix->finished_descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (posix->finished_descriptor < 0) {
		return error_errno(error, errno, "cannot create an eventfd");
	}
	/* Signals are for the threads that expect them. */
	sigset_t all;
	sigset_t before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	const int result = pthread_create(&posix->thread, NULL, run, posix);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (result != 0) {
		close(posix->finished_descriptor);
		return error_errno(error, result, "cannot start the disk thread");
	}
	posix->started = true;
	*descriptor = posix->finished_descriptor;
	return true;
}

int disk_posix_lock_descriptor(const struct disk *disk)
{
	return ((const struct disk_posix *)disk->context)->directory.lock_descriptor;
}

void disk_posix_close(struct disk *disk)
{
	struct disk_posix *posix = disk->context;
	CHECK(posix->under_way == 0);
	if (posix->started) {
		lock_take(&posix->lock);
		posix->stopping = true;
		lock_give(&posix->lock);
		pthread_cond_signal(&posix->changed);
		pthread_join(posix->thread, NULL);
		close(posix->finished_descriptor);
	}
	pthread_cond_destroy(&posix->changed);
	lock_fini(&posix->lock);
	directory_close(&posix->directory);
	free(posix);
	*disk = (struct disk){0};
}
