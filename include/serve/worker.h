/*
 * worker: one thread, its loop, its connections; worker 0 also owns the log.
 *
 *   wait -> (accepted, received, sent, durable) -> step connections -> what can wait, for a while -> pump the log -> wait
 *
 * A loop makes one submission: what the pass over the input appended leaves as one batch, and the replies that a commit
 * released leave together.
 *
 * Threads: a worker belongs to its thread; what others may touch is under the banner.
 */
#pragma once

#include <base/lock.h>
#include <io/net.h>
#include <log/wal.h>
#include <pthread.h>
#include <serve/ahead.h>
#include <serve/background.h>
#include <serve/conn.h>
#include <serve/handoff.h>
#include <serve/ports.h>
#include <serve/service.h>

struct worker {
	/* const after worker_start */
	struct service *service;
	struct worker *workers; /* all of them */
	uint32_t number;
	uint32_t rings;       /* of all workers; 0: on epoll and pwrite */
	const int *listeners; /* listening sockets, shared by all workers */
	uint32_t listener_count;
	int lock; /* the descriptor that the lock of the data directory hangs on */
	pthread_t thread;
	/* owned by the worker's thread */
	alignas(64) struct net net;
	struct disk disk; /* worker 0: the log's */
	struct ports *ports;
	struct ahead ahead;
	struct background background;
	struct conn *conns;     /* all its connections */
	struct conn *attention; /* those that wait for the log or have work left */
	uint64_t released_lsn;  /* durable_lsn when the attention list was last walked */
	uint64_t now_ns;        /* monotonic, read once a loop */
	uint64_t swept_ns;      /* when deadlines were last looked at */
	uint64_t holds_ns;      /* worker 0: when it last looked for holds that are over */
	uint64_t rest_ns;       /* worker 0: when the log wants to be looked at again: monotonic, or WAL_NEVER */
	uint64_t stopping_ns;   /* when this worker saw `stopping`; 0 before */
	uint64_t failed_ns;     /* when this worker saw that the log has failed; 0 before */
	struct log_told told;   /* worker 0: of the log, to the operator */
	enum log_state log;     /* when the list was last walked */
	bool listening;
	bool was_woken; /* look at all that wait */
	bool has_tasks; /* more is to be tidied up: do not wait */
	/* shared: this worker sets it before it waits with replies on hold; worker 0 clears it and wakes (worker_advanced) */
	alignas(64) _Atomic bool waits;
	/* shared: worker 0's, set once by the thread that replayed: the log to take over. Release, pairs with take_log. */
	struct wal *_Atomic handover;
	/* guarded by wake_lock: may net.wake be called? From when the ports are open to just before they are closed. */
	struct lock wake_lock;
	bool wakeable;
	/* shared: connections that others accepted for it */
	struct handoff handoff;
	/* shared: this worker sets it when its loop is over. Release, pairs with log_is_flushed of worker 0. */
	_Atomic bool ended;
	/* shared: this worker sets it when the log has failed and every peer was told so. Release, pairs with last_words. */
	_Atomic bool has_told;
	/* of worker_start while it waits, then NULL */
	struct worker_start *start;
};

/* Starts the thread and returns once its loop runs; false, with the reason, if its ports cannot be opened. */
bool worker_start(struct worker *worker, struct error *error);
/* Waits for the thread to end: service->stopping must be set, and the worker woken. Worker 0 closes the log, flushed. */
void worker_join(struct worker *worker);
/* Makes its loop turn, if it runs. Any thread. */
void worker_wake(struct worker *worker);

/* Gives worker 0 the log that was opened; it takes it over and ends `loading`. Any thread. */
void worker_hand_over(struct worker *worker, struct wal *wal);

/* For struct wal_options: context is worker 0. */
void worker_advanced(void *context);
void worker_appended(void *context);
