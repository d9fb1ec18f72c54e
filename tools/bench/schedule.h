/*
 * schedule: when each request of an open loop is to be sent, decided before the first one is.
 *
 * Request i is due at start + i / rate, whatever became of those before it, and its latency counts from then. So a server
 * that stalls is charged for everybody who would have come meanwhile, and not only for the one who happened to wait
 * (Gil Tene's coordinated omission). Computed from i, not added up, so that nothing drifts.
 *
 *   rate 4/s     i      0    1    2    3    4
 *                due    0   250  500  750  1000 ms
 *
 * Threads: any.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct schedule {
	uint64_t start_ns;
	uint64_t rate; /* requests a second, not 0 */
};

uint64_t schedule_due_ns(const struct schedule *schedule, uint64_t request);
/* How many requests are due at this moment: those below this number, and no other. */
uint64_t schedule_count(const struct schedule *schedule, uint64_t now_ns);

/* Was so much of the rate reached that the latencies mean anything? Below 99 % they only show how long the queue was. */
bool schedule_kept(double achieved, double target);
