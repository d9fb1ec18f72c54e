/*
 * ahead: a look at a burst of requests before they are executed, so that the memory they need is on its way.
 *
 * A pipelined burst is parsed twice: once here, where nothing is decided, answered or kept, and once to be executed. The
 * first costs some tens of nanoseconds a request; a claim of a slot among millions waits several times that for memory,
 * if nobody asked for it before.
 *
 * Threads: owned by the worker.
 */
#pragma once

#include <serve/desk.h>
#include <wire/request.h>

/* Zero-initialised is ready. */
struct ahead {
	struct request request; /* what the burst is cut with; the connection's own keeps its place */
	struct table_prospect prospects[TABLE_PROSPECTS_MAX];
};

/* Looks at the claims at the start of `bytes`, which begin with a request. Returns how many bytes to execute before the
 * next look is worth it: up to the last claim seen, or all if there is another request before it. */
size_t ahead_look(struct ahead *ahead, const struct desk *desk, struct span bytes);
void ahead_fini(struct ahead *ahead);
