/*
 * process: a program started beside the bench: the server, or slotd-replay.
 *
 * It gets a process group of its own, so that Ctrl-C is the bench's to handle, and SIGTERM when the bench is killed, so
 * that it is never left behind. The programs are taken from the folder the bench itself lies in.
 *
 * Threads: one, and the one that started a process must live as long as it (PR_SET_PDEATHSIG).
 * See: pidfd_open(2), prctl(2).
 */
#pragma once

#include <base/error.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct process {
	const char *name; /* borrowed */
	pid_t pid;
	int watch;    /* a pidfd: readable once the process has ended */
	FILE *output; /* what it prints, if that was captured, else NULL */
};

/* Starts the program called `name`; arguments[0] is filled in here, a NULL ends them. What it prints to stderr is seen
 * as the bench's own; what it prints to stdout can be captured. */
bool process_start(struct process *process, const char *name, const char **arguments, bool capture,
		   struct error *error);

/* Has it ended within so many milliseconds? If so its exit status is in *status (128 + the signal that killed it), and
 * the process is closed. */
bool process_wait(struct process *process, uint32_t timeout_ms, int *status);
/* Asks it to end with SIGTERM. */
void process_terminate(const struct process *process);
/* Kills it and waits for its end. */
void process_kill(struct process *process);
