/*
 * background: see the header.
 */
#include <serve/background.h>
#include <serve/worker.h>

bool background_pending(const struct background *background)
{
	for (int class = 0; class < BACKGROUND_CLASSES; class ++) {
		if (background->first[class] != NULL) {
			return true;
		}
	}
	return false;
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
	if (!background_pending(background)) {
		return;
	}
	background->until_ns =
	    clock_monotonic_ns(worker->service->clock) + worker->service->config->background_slice * UINT64_C(1000);
	for (int class = 0; class < BACKGROUND_CLASSES; class ++) {
		run_class(worker, class);
	}
}
