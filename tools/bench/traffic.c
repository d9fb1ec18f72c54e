/*
 * traffic: see traffic.h.
 *
 * An open loop needs no queue of moments: request i is the (i / connections)-th of connection i % connections, and answers
 * come in order, so the count of a connection's answers says which request each belongs to, and the schedule when it was due.
 */
#include <base/check.h>
#include <base/clock.h>
#include <bench/traffic.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_MAX 128
#define NS_PER_S   UINT64_C(1000000000)
#define NS_PER_MS  UINT64_C(1000000)

struct caller {
	struct link link;
	uint64_t sent_ns; /* closed loop: when the requests that are under way were sent */
};

struct run {
	const struct traffic *traffic;
	struct traffic_result *result;
	struct caller *callers;
	uint32_t open; /* callers that are connected */
	int epoll;
	struct schedule schedule;
	uint64_t end_ns; /* nothing is sent from here on, nothing answered later is counted */
	uint64_t outstanding;
	uint64_t last_ns; /* of the newest answer that was counted */
};

static uint64_t now_ns(void)
{
	const struct clock clock = clock_real();
	return clock_monotonic_ns(&clock);
}

enum request_kind traffic_kind(enum traffic_mix mix, uint64_t k, bool may_cancel)
{
	if (mix != TRAFFIC_MIXED) {
		return mix == TRAFFIC_PING ? REQUEST_PING : REQUEST_CLAIM;
	}
	const uint64_t turn = k % 10;
	if (turn == 9 && may_cancel) {
		return REQUEST_CANCEL;
	}
	return turn >= 6 && turn < 9 ? REQUEST_LIST : REQUEST_CLAIM;
}

double traffic_rate(const struct traffic_result *result)
{
	return result->elapsed_ns == 0 ? 0 : (double)result->answered * (double)NS_PER_S / (double)result->elapsed_ns;
}

static void ask(struct run *run, struct caller *caller)
{
	const enum request_kind kind = traffic_kind(run->traffic->mix, caller->link.asked, caller->link.session != 0);
	struct draw draw;
	draw_slot(&draw, run->traffic->tag, run->traffic->first + run->result->asked++);
	caller->link.peer->ask(&caller->link, kind, &draw);
	run->outstanding++;
}

static bool flush(struct caller *caller, struct error *error)
{
	return caller->link.peer->flush(&caller->link, error);
}

/* How many requests of an open loop are to be sent by now: what is due, but nothing from the end on. */
static uint64_t due_count(const struct run *run, uint64_t now)
{
	const uint64_t most = run->traffic->request_most;
	const uint64_t due = schedule_count(&run->schedule, now < run->end_ns ? now : run->end_ns - 1);
	return most > 0 && most < due ? most : due;
}

/* Is there nothing left to send? An open loop sends everything that was due before the end, however late it is by then. */
static bool is_over(const struct run *run, uint64_t now)
{
	const uint64_t most = run->traffic->request_most;
	if (most > 0) {
		return run->result->asked >= most;
	}
	return now >= run->end_ns && (run->traffic->rate == 0 || run->result->asked == due_count(run, now));
}

/* Closed loop: the next requests of a caller, all of whose answers have come. */
static bool send_batch(struct run *run, struct caller *caller, struct error *error)
{
	const uint64_t now = now_ns();
	for (uint32_t i = 0; i < run->traffic->pipeline && !is_over(run, now); i++) {
		ask(run, caller);
	}
	caller->sent_ns = now;
	return flush(caller, error);
}

/* Open loop: every request that is due. */
static bool send_due(struct run *run, struct error *error)
{
	const uint64_t due = due_count(run, now_ns());
	const uint32_t connections = run->traffic->connections;
	const uint64_t first = run->result->asked;
	while (run->result->asked < due) {
		ask(run, &run->callers[run->result->asked % connections]);
	}
	const uint64_t touched = run->result->asked - first < connections ? run->result->asked - first : connections;
	for (uint64_t i = 0; i < touched; i++) {
		if (!flush(&run->callers[(first + i) % connections], error)) {
			return false;
		}
	}
	return true;
}

/* When the request was sent, or should have been, whose answer is the newest of this caller. */
static uint64_t asked_ns(const struct run *run, const struct caller *caller)
{
	if (run->traffic->rate == 0) {
		return caller->sent_ns;
	}
	const uint64_t k = caller->link.answered - 1;
	return schedule_due_ns(&run->schedule, k * run->traffic->connections + (uint64_t)(caller - run->callers));
}

static bool receive(struct run *run, struct caller *caller, struct error *error)
{
	const struct peer *peer = caller->link.peer;
	if (!peer->fill(&caller->link, error)) {
		return false;
	}
	const uint64_t now = now_ns();
	const bool counts = now < run->end_ns;
	for (enum reply reply; (reply = peer->next(&caller->link)) != REPLY_NONE;) {
		if (reply == REPLY_WRONG) {
			return error_set(error, ERROR_IO, "%s gave an answer that should not be: %.*s", peer->name,
					 (int)(caller->link.input.size < 80 ? caller->link.input.size : 80),
					 (const char *)caller->link.input.at);
		}
		run->outstanding--;
		run->result->lost += reply == REPLY_LOST;
		if (counts) {
			run->result->answered++;
			run->last_ns = now;
		}
		/* Of an open loop, those that were slow at the end are the last that may be left out. */
		if (counts || run->traffic->rate > 0) {
			histogram_add(&run->result->latency_ns, now - asked_ns(run, caller));
		}
	}
	return true;
}

static bool attend(struct run *run, struct caller *caller, struct error *error)
{
	if (!flush(caller, error) || !receive(run, caller, error)) {
		return false;
	}
	const bool idle = caller->link.asked == caller->link.answered;
	if (run->traffic->rate > 0 || !idle || is_over(run, now_ns())) {
		return true;
	}
	return send_batch(run, caller, error);
}

/* How long to wait for answers: to the next request of an open loop or the end of a closed one, but no longer than an
 * answer may take. */
static uint64_t wait_ns(const struct run *run, uint64_t now)
{
	const uint64_t most = run->traffic->timeout_ms * NS_PER_MS;
	if (is_over(run, now)) {
		return most;
	}
	uint64_t until = run->end_ns;
	if (run->traffic->rate > 0) {
		const uint64_t due = schedule_due_ns(&run->schedule, run->result->asked);
		until = due < until ? due : until;
	}
	if (until <= now) {
		return 0;
	}
	return until - now < most ? until - now : most;
}

static bool step(struct run *run, struct error *error)
{
	const uint64_t now = now_ns();
	const uint64_t wait = wait_ns(run, now);
	const struct timespec limit = {.tv_sec = (time_t)(wait / NS_PER_S), .tv_nsec = (long)(wait % NS_PER_S)};
	struct epoll_event events[EVENTS_MAX];
	const int count = epoll_pwait2(run->epoll, events, EVENTS_MAX, &limit, NULL);
	if (count < 0 && errno != EINTR) {
		return error_errno(error, errno, "epoll_pwait2");
	}
	if (count == 0 && run->outstanding > 0 && wait == run->traffic->timeout_ms * NS_PER_MS) {
		return error_set(error, ERROR_IO, "%ju requests were not answered in time",
				 (uintmax_t)run->outstanding);
	}
	for (int i = 0; i < count; i++) {
		if (!attend(run, events[i].data.ptr, error)) {
			return false;
		}
	}
	return run->traffic->rate == 0 || is_over(run, now) || send_due(run, error);
}

static bool connect_all(struct run *run, struct error *error)
{
	while (run->open < run->traffic->connections) {
		struct caller *caller = &run->callers[run->open];
		caller->link.peer = run->traffic->peer;
		if (!caller->link.peer->open(&caller->link, run->traffic->server, error)) {
			return false;
		}
		run->open++;
		struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = caller};
		if (epoll_ctl(run->epoll, EPOLL_CTL_ADD, caller->link.descriptor, &event) != 0) {
			return error_errno(error, errno, "epoll_ctl");
		}
	}
	return true;
}

static bool drive(struct run *run, struct error *error)
{
	const uint64_t start_ns = now_ns();
	run->schedule = (struct schedule){.start_ns = start_ns, .rate = run->traffic->rate};
	run->end_ns = run->traffic->request_most > 0 ? UINT64_MAX : start_ns + run->traffic->duration_ns;
	for (uint32_t i = 0; run->traffic->rate == 0 && i < run->open; i++) {
		if (!send_batch(run, &run->callers[i], error)) {
			return false;
		}
	}
	while (run->outstanding > 0 || !is_over(run, now_ns())) {
		if (!step(run, error)) {
			return false;
		}
	}
	run->result->elapsed_ns = run->traffic->request_most > 0 ? run->last_ns - start_ns : run->traffic->duration_ns;
	return true;
}

bool traffic_run(const struct traffic *traffic, struct traffic_result *result, struct error *error)
{
	CHECK(traffic->connections > 0);
	CHECK(traffic->pipeline > 0);
	*result = (struct traffic_result){0};
	struct run run = {
	    .traffic = traffic,
	    .result = result,
	    .callers = calloc(traffic->connections, sizeof *run.callers),
	    .epoll = epoll_create1(EPOLL_CLOEXEC),
	};
	CHECK(run.callers != NULL);
	CHECK(run.epoll >= 0);
	const bool good = connect_all(&run, error) && drive(&run, error);
	for (uint32_t i = 0; i < run.open; i++) {
		run.callers[i].link.peer->close(&run.callers[i].link);
	}
	close(run.epoll);
	free(run.callers);
	return good;
}
