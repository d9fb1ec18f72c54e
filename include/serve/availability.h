/*
 * availability: the service that carries out weekly hours: at midnight of each psychologist's zone, at start-up (catching up
 * what was missed), and when a HOURS SET left it something; and that purges what is older than `retain-days`.
 *
 * It goes through all psychologists with hours, a step (desk_hours_step) at a time, in its turns with what else can wait
 * (serve/background.h) and few in one commit: so a midnight of ten thousand psychologists takes some seconds, and no claim
 * waits for more than a step [I8].
 *
 * It purges only where somebody has hours, since a purge is final: a server that nobody gave any keeps everything. And it does
 * not trust a clock that is ahead of all that the log has seen: a wrong date must not cost a session.
 *
 * Threads: availability_step worker 0; figures any.
 */
#pragma once

#include <serve/desk.h>

struct availability {
	/* const after availability_init */
	struct service *service;
	/* owned by worker 0 */
	uint64_t looked_ns; /* monotonic: when the clock was asked last */
	bool walking;
	uint32_t cursor; /* the last psychologist done with */
	struct hours_progress progress;
	uint64_t commit_lsn; /* durable when the steps of this commit began */
	uint32_t steps;
	bool purge_due;
	bool purging;
	struct purge_cursor purge;
	bool warned_memory;
	bool warned_zone;
	bool warned_clock;
	/* shared: written by worker 0, relaxed, for INFO */
	_Atomic uint64_t last_run_ms; /* wall clock: when it last had gone through all; 0: not yet */
	_Atomic uint64_t purged_days; /* what it has purged is before this day; 0: nothing yet */
};

void availability_init(struct availability *availability, struct service *service);
/* Is there a step to do, as far as is known? Asks the clock about once a second. `now_ns` is monotonic. */
bool availability_has_work(struct availability *availability, uint64_t now_ns);
/* Does it; true when there may be another at once, false also when it waits for the commit. */
bool availability_step(struct availability *availability, uint64_t now_ns);
