/*
 * last_words: see the header.
 */
#include <serve/last_words.h>
#include <unistd.h>

/* The connections have written what there is to say; do the peers have it? */
static bool is_said(const struct worker *worker)
{
	for (const struct conn *conn = worker->conns; conn != NULL; conn = conn->next) {
		if (!conn->closing && !gate_empty(&conn->gate)) {
			return false;
		}
	}
	return true;
}

static bool all_have_told(const struct worker *worker)
{
	for (uint32_t i = 0; i < worker->service->worker_count; i++) {
		/* Acquire; pairs with last_words. */
		if (!atomic_load_explicit(&worker->workers[i].has_told, memory_order_acquire)) {
			return false;
		}
	}
	return true;
}

void last_words(struct worker *worker)
{
	if (worker->log != LOG_STATE_FAILED) {
		return;
	}
	if (worker->failed_ns == 0) {
		/* One turn more: what had arrived by now is read by then, and answered. */
		worker->failed_ns = worker->now_ns;
		return;
	}
	if (is_said(worker)) {
		atomic_store_explicit(&worker->has_told, true, memory_order_release); /* pairs with all_have_told */
	}
	const bool late = worker->now_ns - worker->failed_ns > LAST_WORDS_NS;
	if (worker->number == 0 && (late || all_have_told(worker))) {
		_exit(EXIT_LOG_FAILED);
	}
}
