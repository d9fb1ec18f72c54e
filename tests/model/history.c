/*
 * history: see model/history.h.
 */
#include <base/check.h>
#include <model/history.h>
#include <stdlib.h>

static void add(struct history *history, const struct state *state)
{
	if ((history->count & (history->count - 1)) == 0) {
		const uint64_t capacity = history->count == 0 ? 1 : history->count * 2;
		history->states = realloc(history->states, capacity * sizeof *history->states);
		CHECK(history->states != NULL);
	}
	history->states[history->count++] = *state;
}

static bool is_free(const struct toy_record *record)
{
	return record->type == TOY_CHANGE ? !session_occupies(record->status) : record->type != TOY_BOOK;
}

void history_read(struct history *history, const struct toy_desk *toy, uint64_t key)
{
	*history = (struct history){.count = 0};
	add(history, &(struct state){.lsn = 0});
	for (uint64_t lsn = 1; lsn <= toy_lsn(toy); lsn++) {
		const struct toy_record *record = &toy->records[lsn - 1];
		if (record->key == key) {
			add(history, &(struct state){.lsn = lsn,
						     .session = record->session,
						     .there = record->type != TOY_CLOSE,
						     .free = is_free(record)});
		}
	}
}

void history_fini(struct history *history)
{
	free(history->states);
}

/* The last state at or before `lsn`. */
static uint64_t state_at(const struct history *history, uint64_t lsn)
{
	uint64_t low = 0;
	uint64_t high = history->count;
	while (high - low > 1) {
		const uint64_t middle = low + (high - low) / 2;
		if (history->states[middle].lsn <= lsn) {
			low = middle;
		} else {
			high = middle;
		}
	}
	return low;
}

static bool ended_by(const struct history *history, uint64_t i, uint64_t lsn)
{
	return i + 1 < history->count && history->states[i + 1].lsn <= lsn;
}

bool history_allows(const struct history *history, const struct toy_look *look, uint64_t lsn_before)
{
	uint64_t i = state_at(history, look->lsn);
	const struct state *state = &history->states[i];
	if (look->there) {
		return state->lsn == look->lsn && state->there && state->free == look->view.free &&
		       (state->free || state->session == look->view.session) && !ended_by(history, i, lsn_before);
	}
	for (; !ended_by(history, i, lsn_before); i--) {
		if (!history->states[i].there) {
			return true;
		}
		CHECK(i > 0); /* the first state is one that is not there */
	}
	return false;
}
