/*
 * race: the load test of the original back end, many requests for one slot at one moment, the background services
 * running.
 *
 * For each level N, `rounds` times: a psychologist's hours are opened, N connections that are ready ask for the first
 * hour at once, each for a client of its own. Exactly one may get it, and that nobody else did is checked three ways:
 * in the replies (here), by asking the server (audit_server), and in its log after it was stopped (audit_log).
 *
 * The first failure ends the races; what was measured until then is still printed.
 *
 * Threads: the main thread; those of the crews and of the background are started and joined inside.
 */
#pragma once

#include <bench/options.h>

/* Returns the exit status: 0, or 1 if anything was not as it should be. */
int race_run(const struct options *options);
