/*
 * service: what all workers share, and what each of them counts.
 *
 * Threads: see the banners. Counters are per worker, written by it alone with relaxed stores, and summed by INFO.
 */
#pragma once

#include <base/clock.h>
#include <base/limits.h>
#include <base/version.h>
#include <serve/config.h>
#include <stdalign.h>
#include <stdatomic.h>

struct desk;
struct hot;
struct housekeeper;
struct availability;
struct import;
struct client;

/* A counter with one writer: relaxed is enough, since readers only add them up. */
typedef _Atomic int64_t counter;

static inline void count(counter *number, int64_t by)
{
	atomic_store_explicit(number, atomic_load_explicit(number, memory_order_relaxed) + by, memory_order_relaxed);
}

struct counters {
	alignas(64) counter claims_won;
	/* claims that were refused, by reason; claims_lost in INFO is their sum */
	counter claims_lost_taken;
	counter claims_lost_held;
	counter claims_lost_blocked;
	counter claims_lost_noslot;
	counter claims_lost_past;
	counter slots_open; /* changes in how many slots are open, booked, held, blocked: sums over workers count */
	counter slots_booked;
	counter slots_held;
	counter slots_blocked;
	counter busy_conflicts; /* that BUSY has reported */
	counter hours_opened;   /* slots, by carrying out weekly hours */
	counter hours_closed;
	counter holds_expired;
	counter commands;    /* requests executed */
	counter errors;      /* requests answered with an error */
	counter connections; /* accepted since start */
	counter rejected;    /* connections refused: maxclients */
	counter clients;     /* connected now */
	counter input_bytes;
	counter output_bytes;
};

struct service {
	/* const after start-up */
	const struct config *config;
	const struct clock *clock;
	struct desk *desk;
	struct housekeeper *housekeeper;   /* NULL: no snapshots are written */
	struct availability *availability; /* NULL: hours are carried out when they are set only */
	struct import *import;             /* NULL: there are no imports */
	struct hot *hots;                  /* one of each worker; NULL: losers are not counted by slot */
	uint64_t started_ms;               /* wall clock */
	uint64_t started_ns;               /* monotonic */
	char run_id[41];                   /* 40 hex digits, random */
	uint32_t worker_count;
	/* shared: written by the thread that replays, and from then on by who imports (serve/import.h) */
	_Atomic bool loading;           /* requests are answered -LOADING; release, pairs with the workers' acquire */
	_Atomic uint64_t loaded_bytes;  /* progress, relaxed */
	_Atomic uint64_t loading_bytes; /* of so many */
	/* shared: set once by SHUTDOWN or a signal; workers then stop reading requests, flush, and end */
	_Atomic bool stopping;
	/* shared: threads that read the log beside the workers; it is closed when there is none (service_stopped_reading) */
	_Atomic uint32_t log_readers;
	_Atomic uint64_t next_client_id; /* relaxed: only has to be unique */
	/* each entry owned by its worker, the one behind the last worker's by the thread that replays */
	struct counters counters[THREADS_MAX + 1];
	struct client *clients[THREADS_MAX]; /* lists of each worker's clients */
	/* woken when a worker is to look at `stopping` */
	void (*wake_all)(struct service *service);
};

/* The worker this thread is: 0 .. worker_count - 1, set by each worker when it starts; worker_count for the thread that
 * replays. */
extern _Thread_local uint32_t service_worker;

static inline struct counters *service_counters(struct service *service)
{
	return &service->counters[service_worker];
}

/* A thread beside the workers is going to read the log, and has ended doing so. */
static inline void service_reads_log(struct service *service)
{
	/* Relaxed: before there are workers who could close it. */
	atomic_fetch_add_explicit(&service->log_readers, 1, memory_order_relaxed);
}
static inline void service_stopped_reading(struct service *service)
{
	/* Release; pairs with log_is_flushed. */
	atomic_fetch_sub_explicit(&service->log_readers, 1, memory_order_release);
}
