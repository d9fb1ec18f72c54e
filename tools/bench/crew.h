/*
 * crew: the threads that drive the connections of a race.
 *
 *            main                crew 0              crew 1
 *   start    ===================================== barrier: all are ready
 *                                send, send, ...     send, send, ...
 *   sent     ===================================== barrier: every request is written
 *                                epoll, receive      epoll, receive
 *   end      ===================================== barrier: every answer is there, or the time is up
 *
 * A race starts at one moment: no answer is read before every request is written. The clock is read before a request
 * is sent and after its answer is received, so a latency holds the waiting behind the other requests of the race, in
 * the server, in the kernel, and here: sending and receiving a thousand lines takes its time on few processors.
 *
 * Before the first race there is one of PINGs, driven in the same way: else the first would also measure how long both sides
 * take to touch the memory of so many connections, and to come to processors of their own.
 *
 * Threads: crew_open, crew_race, crew_close the main thread. Between the start and end barriers the racers belong to
 * the crews, each to one; otherwise to main. The barriers order it.
 */
#pragma once

#include <bench/connection.h>
#include <bench/options.h>
#include <pthread.h>

#define RACER_ANSWER_SIZE 512

enum racer_state {
	RACER_WAITING,  /* no whole answer yet; after a race: lost */
	RACER_ANSWERED, /* `answer` is one line */
	RACER_BROKEN,   /* the connection closed or failed, or more came than one line */
};

/* One connection of a race. */
struct racer {
	struct connection connection;
	char request[REQUEST_SIZE_MAX]; /* set by main before the race */
	size_t request_size;
	enum racer_state state;
	uint64_t sent_ns;
	uint64_t answered_ns;
	char answer[RACER_ANSWER_SIZE];
	size_t answer_size;
};

struct crew {
	struct crews *crews;
	pthread_t thread;
	struct racer *racers; /* its own, of those of all crews */
	uint32_t racer_count;
	uint32_t first; /* who sends first in this race; moves on, so that not always the same one wins */
	int epoll;
};

struct crews {
	/* const after crew_open */
	uint64_t timeout_ns;
	uint32_t racer_count;
	uint32_t crew_count;
	struct racer *racers;
	/* handed over at the barrier: written by main before `start`, read by crews after it */
	pthread_barrier_t barrier;
	bool over;
	struct crew crew[CREWS_MAX];
};

/* Connects the racers, each proven ready by an answered PING, starts the threads, and has all racers ask PING at once. */
bool crew_open(struct crews *crews, const struct address *address, uint32_t racer_count, uint32_t crew_count,
	       uint32_t timeout_ms, struct error *error);
/* Runs one race: what each racer's request was answered is in the racers afterwards. */
void crew_race(struct crews *crews);
void crew_close(struct crews *crews);
