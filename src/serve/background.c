/*
 * background: see the header.
 */
#include <serve/availability.h>
#include <serve/background.h>
#include <serve/worker.h>

/* So long after the last request that could not wait, nobody seems to be there. */
#define ALONE_NS UINT64_C(10000000)

bool background_pending(const struct background *background)
{
	for (int i = 0; i < BACKGROUND_CLASSES; i++) {
		if (background->first[i] != NULL) {
			return true;
		}
	}
	return false;
}

uint64_t background_due(const struct background *background, uint64_t now_ns)
{
	if (!background_pending(background) && !background->hours) {
		return UINT64_MAX;
	}
	return background->resume_ns > now_ns ? background->resume_ns - now_ns : 0;
}

void background_add(struct background *background, struct conn *conn, enum background_class class)
{
	if (conn->queued) {
		return;
	}
	conn->queued = true;
	conn->background_class = class;
	conn->queue_next = NULL;
	conn->queue_previous = background->last[class];
	*(conn->queue_previous != NULL ? &conn->queue_previous->queue_next : &background->first[class]) = conn;
	background->last[class] = conn;
}

void background_remove(struct background *background, struct conn *conn)
{
	if (!conn->queued) {
		return;
	}
	const enum background_class class = conn->background_class;
	conn->queued = false;
	*(conn->queue_previous != NULL ? &conn->queue_previous->queue_next : &background->first[class]) =
	    conn->queue_next;
	*(conn->queue_next != NULL ? &conn->queue_next->queue_previous : &background->last[class]) =
	    conn->queue_previous;
}

static bool has_time(const struct worker *worker)
{
	return clock_monotonic_ns(worker->service->clock) < worker->background.until_ns;
}

bool background_has_turn(struct worker *worker, const struct conn *conn)
{
	struct background *background = &worker->background;
	if (background->running != conn) {
		return false;
	}
	const bool granted = background->granted;
	background->granted = false;
	return granted || has_time(worker);
}

void background_note(struct worker *worker, const struct conn *conn, uint32_t requests)
{
	if (requests > 0 && worker->background.running != conn) {
		worker->background.others_ns = worker->now_ns;
	}
}

/* A step of the availability service. */
static void run_hours(struct worker *worker)
{
	if (worker->background.hours) {
		worker->background.hours = availability_step(worker->service->availability, worker->now_ns);
	}
}

/* Who queues again has its next turn when the others have had theirs. */
static void run_class(struct worker *worker, enum background_class class)
{
	struct background *background = &worker->background;
	struct conn *conn = background->first[class];
	while (conn != NULL) {
		background_remove(background, conn);
		background->running = conn;
		background->granted = true;
		conn_go_on(conn); /* frees nothing: that is for a later on_closed */
		conn = has_time(worker) ? background->first[class] : NULL;
	}
	background->running = NULL;
}

void background_run(struct worker *worker)
{
	struct background *background = &worker->background;
	const struct config *config = worker->service->config;
	if (background_due(background, worker->now_ns) > 0) {
		return;
	}
	const uint64_t began_ns = clock_monotonic_ns(worker->service->clock);
	background->until_ns = began_ns + config->background_slice * UINT64_C(1000);
	for (int i = 0; i < BACKGROUND_CLASSES; i++) {
		run_class(worker, (enum background_class)i);
		if (i == BACKGROUND_HOURS) {
			run_hours(worker);
		}
	}
	const uint64_t ended_ns = clock_monotonic_ns(worker->service->clock);
	const bool alone = ended_ns - background->others_ns > ALONE_NS;
	background->resume_ns = alone ? 0 : ended_ns + (ended_ns - began_ns) * config->background_rest;
}
