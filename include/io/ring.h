/*
 * ring: one io_uring of one thread, and what is under way on it.
 *
 * Every operation is a struct ring_op embedded in whatever it is done for; its address is the user_data, its `done` is
 * called from ring_wait on the owning thread, once per completion. A multishot operation calls `done` again and again
 * until a completion without IORING_CQE_F_MORE.
 *
 * One ring serves the network and the disk port of a worker, so that one wait, and one system call, covers both.
 *
 * Threads: only the one that opened the ring, close included (SINGLE_ISSUER, DEFER_TASKRUN; the registered ring
 * descriptor belongs to that thread, too).
 * See: io_uring_setup(2), io_uring_enter(2).
 */
#pragma once

#include <base/error.h>
#include <liburing.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring_op;
typedef void ring_done_f(struct ring_op *op, int32_t result, uint32_t flags);

struct ring_op {
	ring_done_f *done;
};

/* The struct of `type` whose `member` this operation is. */
#define RING_OP_OWNER(op, type, member) ((type *)(void *)((char *)(op)-offsetof(type, member)))

/* Has something happened outside the ring that should not wait until all completions at hand are handled? It is asked, and
 * deals with it, before each of them but the first and behind the last; true ends the wait, and those left come with the next.
 * It is asked before the wait, too, and then only whether the thread may sleep (`sleeps`); true: it does not. Whoever makes
 * such a thing happen while it sleeps has to complete an operation. */
typedef bool ring_between_f(void *context, bool sleeps);

struct ring {
	struct io_uring uring;
	/* owned by: one port that uses the ring, set while nothing waits; NULL: nobody asks */
	ring_between_f *between;
	void *between_context;
};

/* Opens a ring of `entries` submissions (a power of two); completions have room for eight times as many. Retries while
 * the kernel still holds the memory of a process that just died (ENOMEM), for up to a second, and takes fewer entries where
 * RLIMIT_MEMLOCK counts for us and leaves no room for more.
 * ERROR_UNSUPPORTED where io_uring is denied (seccomp, kernel.io_uring_disabled) or too old, with the likely cause in
 * words. */
bool ring_open(struct ring *ring, uint32_t entries, struct error *error);
/* Nothing of ours may be under way any more: the kernel would go on using its memory for a while. */
void ring_close(struct ring *ring);

/* Makes the ring hold on to an open file, once: the kernel lets go of it only when everything under way on the ring is over,
 * however the process ended. What hangs on that file, such as a lock, then outlives the last write.
 * See: io_uring_register_files(3). */
bool ring_hold(struct ring *ring, int descriptor, struct error *error);

/* Registers a ring of provided buffers, which counts against RLIMIT_MEMLOCK as the ring itself does, with the same patience.
 * See: io_uring_register_buf_ring(3). */
bool ring_provide(struct ring *ring, struct io_uring_buf_reg buffers, struct error *error);

/* A submission entry for `op`, to be filled in with io_uring_prep_*, which leave its user_data alone. Submits what is
 * there when the queue is full; never NULL. */
struct io_uring_sqe *ring_entry(struct ring *ring, struct ring_op *op);

/* Submits everything prepared, waits for at least one completion or `timeout_ns` (negative: no limit; 0: do not wait),
 * and calls `done` for all there are; `done` may prepare new entries. EINTR, EAGAIN and EBUSY are its own affair. */
void ring_wait(struct ring *ring, int64_t timeout_ns);
