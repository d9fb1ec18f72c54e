/*
 * ahead: bursts of claims, cut before the first of them is executed, so that the memory they need is on its way.
 *
 * A claim of a slot among millions goes to several places in memory, and would wait for each of them. So the claims at the
 * start of what a connection sent are cut together, and what they will look at is called to the cache; nothing is decided,
 * answered or changed. Then they are handed out one by one to be executed. The first request that is no claim ends the burst,
 * and is handed out with it. What follows is left to the connection's own parser, which keeps its place in what is not whole.
 *
 *   bytes  | claim | claim | claim | PING | PING | PING | PI
 *          '-------- cut ahead -----------'
 *
 * Threads: owned by the worker.
 */
#pragma once

#include <serve/desk.h>
#include <wire/request.h>

/* Zero-initialised is ready, and empty. */
struct ahead {
	struct request requests[TABLE_PROSPECTS_MAX]; /* each with the words of its own */
	size_t sizes[TABLE_PROSPECTS_MAX];            /* bytes of each */
	size_t count;
	size_t next;  /* to be handed out */
	bool is_over; /* not worth another look before it is forgotten: what comes is no claim, or not whole */
	struct table_prospect prospects[TABLE_PROSPECTS_MAX];
};

/* What request_parse would say of `bytes` with the connection's `own` request, the table looked at if it is loaded. READY: the
 * request is *request, with words as request_parse gives them. The bytes of a burst stay where they are until all of it has
 * been handed out, or it is forgotten. */
enum request_result ahead_cut(struct ahead *ahead, const struct service *service, struct request *own,
			      struct span bytes, const struct request **request, size_t *used, const char **refusal);
/* These bytes are done with, or go on elsewhere: what is left of the burst will not be asked for. */
void ahead_forget(struct ahead *ahead);
void ahead_fini(struct ahead *ahead);
