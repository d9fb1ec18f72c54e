/*
 * push: what a psychologist's calendars say, told to the server: in as many windows as it takes, under one generation.
 *
 * Threads: same thread only.
 */
#pragma once

#include <calsync/server.h>

/* The next part of `intervals` that one BUSY may have, from *at on, and its window: the parts' windows together are
 * `window`, each reaching to where the next one's first interval starts. *at moves on. False when there is no more; there
 * is always one. */
struct push_part {
	struct busy_interval window;
	const struct busy_interval *intervals;
	uint32_t count;
};
bool push_next(const struct busy_interval *window, const struct busy_interval *intervals, uint32_t count, uint32_t *at,
	       struct push_part *part);

/* Sends them all. The generation is the time, or one more than what the server has if that is later: a clock that was set back
 * silences nobody. */
bool push(struct server *server, const char *psychologist, uint64_t now_ms, const struct busy_interval *window,
	  const struct busy_interval *intervals, uint32_t count, struct told *told, struct error *error);
