/*
 * sessions: those of one client, in order of date and time, by way of its thread (slot/thread.h).
 *
 *   sessions_begin -> sessions_step while it returns SESSIONS_MORE -> views[0 .. count), lsn
 *
 * A step is a bounded amount of work [I8]. Each session is as it was at some moment of the walk, and one that was there all the
 * time is not missing.
 *
 * Threads: a list belongs to one worker.
 */
#pragma once

#include <serve/desk.h>

struct session_list {
	/* const after sessions_begin */
	uint32_t client; /* 0: nobody ever named it */
	uint16_t from_day;
	uint16_t to_day;
	uint32_t count_max;
	/* so far */
	struct thread_cursor cursor;
	uint64_t lsn; /* of all that was looked at [I2] */
	uint32_t count;
	struct session_view views[]; /* room for count_max */
};

enum sessions_result {
	SESSIONS_MORE,
	SESSIONS_DONE,
	SESSIONS_TOO_MANY, /* more than count_max */
};

/* A list with room for `count_max` sessions, which the caller ends with free(); NULL if there is no memory. */
struct session_list *sessions_begin(const struct desk *desk, struct span client, uint16_t from_day, uint16_t to_day,
				    uint32_t count_max);
/* Looks at some more sessions. DONE: they are in order. */
enum sessions_result sessions_step(struct session_list *list, struct desk *desk);
