/*
 * round: see the header.
 *
 *   QUEUED -> FETCHING -> (WAITING -> FETCHING)* -> UNROLLED_NEXT -> UNROLLING -> DONE
 *
 * One loop waits for everything: curl's sockets, the workers' pipes, the next moment something is due.
 */
#include <base/check.h>
#include <base/clock.h>
#include <base/hash.h>
#include <calsync/caldav.h>
#include <calsync/ics.h>
#include <calsync/round.h>
#include <calsync/worker.h>
#include <stdlib.h>

#define MS UINT64_C(1000000) /* in nanoseconds */

/* Processes that unroll at once. */
#define WORKERS 2
/* How often one request is made again in a run; what waiting begins with, and what it is at most from run to run. */
#define RETRIES_MAX     3
#define RETRY_MS        500
#define BACK_OFF_MAX_MS (UINT64_C(6) * 3600 * 1000)
#define RETRY_AFTER_MAX (UINT64_C(24) * 3600) /* seconds that a server may ask for */
#define POLL_MS_MAX     1000

enum state {
	STATE_QUEUED,
	STATE_FETCHING,
	STATE_WAITING,
	STATE_FETCHED,
	STATE_UNROLLING,
	STATE_DONE,
};

struct job {
	struct calendar *calendar;
	enum state state;
	uint64_t began_ns; /* the first request */
	uint64_t due_ns;   /* when waiting is over */
	uint32_t retries;
	struct request request;
	struct transfer transfer;
	struct caldav caldav;
	struct worker worker;
};

struct loop {
	struct round *round;
	struct clock clock;
	CURLM *multi;
	struct job *jobs;
	size_t next; /* job to begin with */
	uint32_t fetching;
	uint32_t unrolling;
	size_t done;
};

static uint64_t now_ns(const struct loop *loop)
{
	return clock_monotonic_ns(&loop->clock);
}

/* From half of it to all of it: those that failed together do not come back together. */
static uint64_t jitter(uint64_t delay)
{
	return delay / 2 + (delay > 1 ? hash_seed_random() % (delay / 2) : 0);
}

static void finish(struct loop *loop, struct job *job)
{
	job->state = STATE_DONE;
	transfer_fini(&job->transfer);
	caldav_fini(&job->caldav);
	loop->done++;
	if (loop->round->progress != NULL) {
		loop->round->progress(loop->round->context, loop->done, loop->round->count);
	}
}

/* ---- unrolling ---- */

static void fetched(struct loop *loop, struct job *job)
{
	const struct calendar *calendar = job->calendar;
	job->state = STATE_FETCHED;
	if (!calendar->is_known || calendar->is_expanded) {
		finish(loop, job);
	}
}

static void unroll(struct loop *loop, struct job *job)
{
	struct calendar *calendar = job->calendar;
	struct error error;
	const struct expansion_asked asked = {
	    .kept = {calendar->kept.at, calendar->kept.size},
	    .zone = calendar->zone,
	    .window = calendar->window,
	    .occurrences_max = loop->round->options->limits.occurrences,
	};
	if (!worker_start(&job->worker, &asked, &error)) {
		calendar_fail(calendar, error.text);
		finish(loop, job);
		return;
	}
	job->state = STATE_UNROLLING;
	loop->unrolling++;
}

static void unrolled(struct loop *loop, struct job *job)
{
	struct calendar *calendar = job->calendar;
	struct error error;
	struct expansion expansion;
	loop->unrolling--;
	if (worker_finish(&job->worker, &calendar->window, &expansion, &error)) {
		free(calendar->expansion.intervals);
		calendar->expansion = expansion;
		calendar->is_expanded = true;
	} else {
		calendar_fail(calendar, error.text);
	}
	finish(loop, job);
}

/* ---- fetching ---- */

static uint32_t time_left_ms(const struct loop *loop, const struct job *job)
{
	const uint64_t limit_ms = loop->round->options->limits.seconds * UINT64_C(1000);
	const uint64_t spent_ms = (now_ns(loop) - job->began_ns) / MS;
	return spent_ms < limit_ms ? (uint32_t)(limit_ms - spent_ms) : 0;
}

static void ask(struct loop *loop, struct job *job)
{
	const uint32_t left_ms = time_left_ms(loop, job);
	if (left_ms == 0) {
		struct error error;
		error_set(&error, ERROR_IO, "took longer than %u s (max-seconds)",
			  loop->round->options->limits.seconds);
		calendar_fail(job->calendar, error.text);
		fetched(loop, job);
		return;
	}
	transfer_begin(&job->transfer, loop->multi, &job->request, loop->round->options, left_ms, job);
	job->state = STATE_FETCHING;
	loop->fetching++;
}

static void begin(struct loop *loop, struct job *job)
{
	struct calendar *calendar = job->calendar;
	job->began_ns = now_ns(loop);
	if (calendar->outcome == CALENDAR_FAILED) {
		fetched(loop, job);
		return;
	}
	const uint64_t wall_ms = clock_wall_ms(&loop->clock);
	/* Farther off than that only a clock has put it that was set back. */
	if (calendar->not_before_ms > wall_ms && calendar->not_before_ms - wall_ms <= RETRY_AFTER_MAX * 1000) {
		struct error error;
		error_set(&error, ERROR_IO, "waits %llu s before it asks again",
			  (unsigned long long)(calendar->not_before_ms - wall_ms + 999) / 1000);
		calendar_fail(calendar, error.text);
		fetched(loop, job);
		return;
	}
	if (calendar->url.is_caldav) {
		caldav_begin(&job->caldav, calendar);
		caldav_ask(&job->caldav, &job->request);
	} else {
		ics_ask(calendar, &job->request);
	}
	ask(loop, job);
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Waits and asks again, in this run if there is time for it; otherwise not before so long. */
static void later(struct loop *loop, struct job *job, const char *reason)
{
	struct calendar *calendar = job->calendar;
	const uint64_t asked_ms = smaller(job->transfer.answer.retry_after, RETRY_AFTER_MAX) * 1000;
	uint64_t delay_ms = jitter((uint64_t)RETRY_MS << job->retries);
	delay_ms = delay_ms > asked_ms ? delay_ms : asked_ms;
	transfer_fini(&job->transfer);
	if (job->retries < RETRIES_MAX && delay_ms < time_left_ms(loop, job)) {
		job->retries++;
		job->due_ns = now_ns(loop) + delay_ms * MS;
		job->state = STATE_WAITING;
		return;
	}
	const uint64_t every_ms = loop->round->options->every * UINT64_C(1000);
	const uint32_t doubled = calendar->failures < 16 ? calendar->failures : 16;
	const uint64_t back_off_ms = jitter(smaller(every_ms << doubled, BACK_OFF_MAX_MS));
	calendar->failures++;
	calendar->not_before_ms = clock_wall_ms(&loop->clock) + (back_off_ms > asked_ms ? back_off_ms : asked_ms);
	calendar_fail(calendar, reason);
	fetched(loop, job);
}

static void answered(struct loop *loop, struct job *job)
{
	struct calendar *calendar = job->calendar;
	const struct limits *limits = &loop->round->options->limits;
	struct error error = {0};
	const enum step step = calendar->url.is_caldav
				   ? caldav_answered(&job->caldav, &job->transfer.answer, limits, &error)
				   : ics_answered(calendar, &job->transfer.answer, limits, &error);
	if (step == STEP_LATER) {
		later(loop, job, error.text);
		return;
	}
	transfer_fini(&job->transfer);
	calendar->failures = 0;
	calendar->not_before_ms = 0;
	if (step == STEP_ASK) {
		caldav_ask(&job->caldav, &job->request);
		job->retries = 0;
		ask(loop, job);
		return;
	}
	if (step == STEP_FAILED) {
		calendar_fail(calendar, error.text);
	}
	fetched(loop, job);
}

static void transferred(struct loop *loop, struct job *job, CURLcode result)
{
	struct error error;
	loop->fetching--;
	switch (transfer_end(&job->transfer, loop->multi, result, &error)) {
	case TRANSFER_ANSWERED:
		answered(loop, job);
		break;
	case TRANSFER_LATER:
		later(loop, job, error.text);
		break;
	case TRANSFER_FAILED:
		calendar_fail(job->calendar, error.text);
		fetched(loop, job);
		break;
	}
}

/* ---- the loop ---- */

static void take_results(struct loop *loop)
{
	int left;
	for (CURLMsg *message; (message = curl_multi_info_read(loop->multi, &left)) != NULL;) {
		struct job *job = NULL;
		if (message->msg == CURLMSG_DONE) {
			const CURLcode result = message->data.result;
			(void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &job);
			transferred(loop, job, result);
		}
	}
}

/* Begins what there is room for; returns in how many milliseconds something is due. */
static uint64_t start_what_can(struct loop *loop)
{
	uint64_t wait_ms = POLL_MS_MAX;
	const uint64_t now = now_ns(loop);
	for (size_t i = 0; i < loop->next; i++) {
		struct job *job = &loop->jobs[i];
		if (job->state == STATE_WAITING && job->due_ns <= now) {
			ask(loop, job);
		} else if (job->state == STATE_WAITING) {
			wait_ms = smaller(wait_ms, (job->due_ns - now) / MS + 1);
		}
		if (job->state == STATE_FETCHED && loop->unrolling < WORKERS) {
			unroll(loop, job);
		}
	}
	while (loop->next < loop->round->count && loop->fetching < loop->round->options->limits.parallel) {
		begin(loop, &loop->jobs[loop->next++]);
		wait_ms = 0;
	}
	return wait_ms;
}

/* Waits for something to happen; false when told to stop. */
static bool wait_for_any(struct loop *loop, uint64_t wait_ms)
{
	struct curl_waitfd others[1 + WORKERS] = {{.fd = loop->round->stop_fd, .events = CURL_WAIT_POLLIN}};
	struct job *unrolling[WORKERS];
	unsigned count = 1;
	for (size_t i = 0; i < loop->next && count < 1 + WORKERS; i++) {
		if (loop->jobs[i].state == STATE_UNROLLING) {
			unrolling[count - 1] = &loop->jobs[i];
			others[count++] =
			    (struct curl_waitfd){.fd = loop->jobs[i].worker.fd, .events = CURL_WAIT_POLLIN};
		}
	}
	CHECK(curl_multi_poll(loop->multi, others, count, (int)wait_ms, NULL) == CURLM_OK);
	for (unsigned i = 1; i < count; i++) {
		if (worker_read(&unrolling[i - 1]->worker)) {
			unrolled(loop, unrolling[i - 1]);
		}
	}
	return others[0].revents == 0;
}

static void abandon(struct loop *loop)
{
	for (size_t i = 0; i < loop->round->count; i++) {
		struct job *job = &loop->jobs[i];
		struct expansion ignored;
		struct error error;
		if (job->state == STATE_FETCHING) {
			(void)transfer_end(&job->transfer, loop->multi, CURLE_ABORTED_BY_CALLBACK, &error);
		}
		if (job->state == STATE_UNROLLING) {
			(void)worker_finish(&job->worker, &job->calendar->window, &ignored, &error);
			free(ignored.intervals);
		}
		transfer_fini(&job->transfer);
		caldav_fini(&job->caldav);
	}
}

bool round_run(struct round *round)
{
	struct loop loop = {.round = round, .clock = clock_real(), .multi = curl_multi_init()};
	CHECK(loop.multi != NULL);
	loop.jobs = calloc(round->count + 1, sizeof *loop.jobs);
	CHECK(loop.jobs != NULL);
	for (size_t i = 0; i < round->count; i++) {
		loop.jobs[i].calendar = &round->calendars[i];
	}
	bool is_whole = true;
	while (loop.done < round->count && is_whole) {
		int running;
		CHECK(curl_multi_perform(loop.multi, &running) == CURLM_OK);
		take_results(&loop);
		const uint64_t wait_ms = start_what_can(&loop);
		is_whole = loop.done == round->count || wait_for_any(&loop, wait_ms);
	}
	abandon(&loop);
	(void)curl_multi_cleanup(loop.multi);
	free(loop.jobs);
	return is_whole;
}
