/*
 * worker: a process of its own that unrolls one calendar, because a calendar is what somebody on the internet wrote.
 *
 * It has so much processor time and memory and no more, and what is wrong with it, a crash included, is the calendar's
 * matter: the others go on. What it answers is looked at as what a stranger says.
 *
 *   worker_start -> poll worker.fd, worker_read until it is true -> worker_finish
 *
 * Threads: one, the only one there is: the child is a fork of it.
 */
#pragma once

#include <calsync/expand.h>
#include <sys/types.h>

struct worker {
	pid_t pid;
	int fd; /* readable when there is something to read, or it has ended */
	struct buffer output;
};

bool worker_start(struct worker *worker, const struct expansion_asked *asked, struct error *error);
/* Reads what there is; true once it has ended. */
bool worker_read(struct worker *worker);
/* Takes the result, also where it has not ended yet: then it is killed. */
bool worker_finish(struct worker *worker, const struct busy_interval *window, struct expansion *expansion,
		   struct error *error);
