/*
 * traffic: many connections, one thread, requests for some seconds.
 *
 * Closed loop (`rate` 0): each connection sends `pipeline` requests at once, and the next ones when all are answered. That
 * finds the peak; latency counts from the moment of sending. Open loop: requests leave when the schedule says (schedule.h),
 * the connections taking turns, and latency counts from the moment that it said. That is for percentiles.
 *
 *   closed   [send P] ........ [P answers, send P] ........ [P answers, ...
 *   open     | due  | due  | due  | due  | due      whatever was answered until then
 *
 * A wait is a wait of the kernel (epoll): nothing spins. When the time is up what is under way is waited for, within
 * `timeout_ms`. Answers after the end do not count for the rate; the latencies of an open loop have them all the same.
 *
 * Threads: traffic_run is called by one thread, and starts none.
 */
#pragma once

#include <bench/histogram.h>
#include <bench/peer.h>
#include <bench/schedule.h>

enum traffic_mix {
	TRAFFIC_PING,
	TRAFFIC_CLAIM,
	TRAFFIC_MIXED, /* of each ten: six claims, three lists, and the newest claim cancelled */
};

struct traffic {
	const struct peer *peer;
	const char *server; /* HOST:PORT */
	enum traffic_mix mix;
	uint32_t connections;
	uint32_t pipeline;     /* closed loop */
	uint64_t rate;         /* requests a second of an open loop; 0 is a closed one */
	uint64_t duration_ns;  /* ends by time, */
	uint64_t request_most; /* or by number, if this is not 0 */
	uint32_t timeout_ms;
	struct draw_tag tag;
	uint64_t first; /* number of the first draw */
};

struct traffic_result {
	uint64_t asked;    /* all requests that were sent: the next run draws from first + asked on */
	uint64_t answered; /* within the time */
	uint64_t lost;     /* claims of slots that somebody else had; there is nobody else, so it should be 0 */
	uint64_t elapsed_ns;
	struct histogram latency_ns;
};

/* False, with the reason, for a connection that failed, an answer that should not be, or one that did not come. */
bool traffic_run(const struct traffic *traffic, struct traffic_result *result, struct error *error);
/* The kind of a connection's k-th request. */
enum request_kind traffic_kind(enum traffic_mix mix, uint64_t k, bool may_cancel);
double traffic_rate(const struct traffic_result *result);
