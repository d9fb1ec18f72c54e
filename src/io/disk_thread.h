/*
 * disk_thread: a thread that does blocking writes and flushes for the owner of a disk port, one after the other.
 *
 *   submit --> submitted --> [thread: pwritev2, fdatasync] --> finished --> take
 *
 * Both queues are lists through the operations themselves, under one lock. One thread, so what was submitted first is over
 * first. It asks for a short time slice, since it does little and everybody waits for it. A durable write is one pwritev2 with
 * RWF_DSYNC; if it came up short, the rest is written and the file flushed anew.
 *
 * Threads: owner and the thread meet in the two queues only, and in the descriptor that tells the owner.
 * See: pwritev2(2), eventfd(2).
 */
#pragma once

#include "disk_directory.h"

#include <base/lock.h>
#include <semaphore.h>

struct thread_op {
	struct thread_op *next;
	struct disk_request request;
	int failure; /* errno, 0: none */
};

struct thread_queue {
	struct thread_op *first;
	struct thread_op *last;
};

struct disk_thread {
	/* const after disk_thread_start */
	int finished_descriptor; /* an eventfd that can be read when something is over */
	pthread_t thread;
	/* one for each that was submitted, and one for stopping; a condition would take a system call more */
	sem_t submissions;
	/* guarded by lock */
	struct lock lock;
	struct thread_queue submitted;
	struct thread_queue finished;
	bool stopping;
	/* shared: written under lock, read by the owner */
	_Atomic bool some_finished;
	/* shared: written by the owner, read by the thread */
	_Atomic bool owner_looks; /* by itself, so it need not be told */
};

bool disk_thread_start(struct disk_thread *thread, struct error *error);
/* Nothing may be under way. */
void disk_thread_stop(struct disk_thread *thread);

/* `op` is the thread's until it is taken. */
void disk_thread_submit(struct disk_thread *thread, struct thread_op *op, struct disk_request request);
/* Is something over? `sleeps`: if not, the descriptor tells of the next, until it is asked without. An owner that never asks is
 * told of each. */
bool disk_thread_look(struct disk_thread *thread, bool sleeps);
/* What is over, in the order it was submitted, a list by `next`; NULL if nothing is. */
struct thread_op *disk_thread_take(struct disk_thread *thread);
