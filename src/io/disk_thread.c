/*
 * disk_thread: see the header.
 */
#include "disk_thread.h"
#include "short_slice.h"

#include <base/check.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

static void queue_add(struct thread_queue *queue, struct thread_op *op)
{
	op->next = NULL;
	if (queue->first == NULL) {
		queue->first = op;
	} else {
		queue->last->next = op;
	}
	queue->last = op;
}

static struct thread_op *queue_take(struct thread_queue *queue)
{
	struct thread_op *op = queue->first;
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

static void finish(struct disk_thread *thread, struct thread_op *op)
{
	lock_take(&thread->lock);
	queue_add(&thread->finished, op);
	/* Relaxed: who sees it takes the lock. */
	atomic_store_explicit(&thread->some_finished, true, memory_order_relaxed);
	lock_give(&thread->lock);
	/* One half of a handshake, disk_thread_look is the other: each side stores first and then reads, so one of the two sees
	 * what the other did. */
	atomic_thread_fence(memory_order_seq_cst);
	if (!atomic_load_explicit(&thread->owner_looks, memory_order_relaxed)) {
		(void)eventfd_write(thread->finished_descriptor, 1);
	}
}

/* The next operation, waiting for one; NULL when the port closes. */
static struct thread_op *next_submitted(struct disk_thread *thread)
{
	while (sem_wait(&thread->submissions) != 0) {
		CHECK(errno == EINTR);
	}
	lock_take(&thread->lock);
	CHECK(thread->submitted.first != NULL || thread->stopping);
	struct thread_op *op = queue_take(&thread->submitted);
	lock_give(&thread->lock);
	return op;
}

static void *run(void *context)
{
	struct disk_thread *thread = context;
	struct thread_op *op;
	short_slice_ask();
	while ((op = next_submitted(thread)) != NULL) {
		op->failure = execute(&op->request);
		finish(thread, op);
	}
	return NULL;
}

/* -------------------------------------------------------------------------------------------------------- the owner */

void disk_thread_submit(struct disk_thread *thread, struct thread_op *op, struct disk_request request)
{
	*op = (struct thread_op){.request = request};
	lock_take(&thread->lock);
	queue_add(&thread->submitted, op);
	lock_give(&thread->lock);
	CHECK(sem_post(&thread->submissions) == 0);
}

bool disk_thread_look(struct disk_thread *thread, bool sleeps)
{
	/* Relaxed: ordered by the fence where it matters. */
	atomic_store_explicit(&thread->owner_looks, !sleeps, memory_order_relaxed);
	if (sleeps) {
		atomic_thread_fence(memory_order_seq_cst);
	}
	return atomic_load_explicit(&thread->some_finished, memory_order_relaxed); /* as in finish */
}

struct thread_op *disk_thread_take(struct disk_thread *thread)
{
	lock_take(&thread->lock);
	struct thread_op *op = thread->finished.first;
	thread->finished.first = NULL;
	atomic_store_explicit(&thread->some_finished, false, memory_order_relaxed); /* as in finish */
	lock_give(&thread->lock);
	return op;
}

bool disk_thread_start(struct disk_thread *thread, struct error *error)
{
	*thread = (struct disk_thread){.finished_descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	if (thread->finished_descriptor < 0) {
		return error_errno(error, errno, "cannot create an eventfd");
	}
	lock_init(&thread->lock);
	CHECK(sem_init(&thread->submissions, 0, 0) == 0);
	/* Signals are for the threads that expect them. */
	sigset_t all;
	sigset_t before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	const int result = pthread_create(&thread->thread, NULL, run, thread);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (result != 0) {
		sem_destroy(&thread->submissions);
		lock_fini(&thread->lock);
		close(thread->finished_descriptor);
		return error_errno(error, result, "cannot start the disk thread");
	}
	return true;
}

void disk_thread_stop(struct disk_thread *thread)
{
	lock_take(&thread->lock);
	CHECK(thread->submitted.first == NULL);
	thread->stopping = true;
	lock_give(&thread->lock);
	CHECK(sem_post(&thread->submissions) == 0);
	pthread_join(thread->thread, NULL);
	sem_destroy(&thread->submissions);
	lock_fini(&thread->lock);
	close(thread->finished_descriptor);
}
