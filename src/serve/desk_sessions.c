/*
 * desk_sessions: the walk along a client's thread. Keeps I2 (the answer carries the lsn of every session looked at, also of
 * those on other days, and of what a purge took) and I8.
 */
#include <base/check.h>
#include <serve/sessions.h>
#include <stdlib.h>

/* Sessions looked at in one step: some ten microseconds. */
#define STEP_LOOKS 128

struct session_list *sessions_begin(const struct desk *desk, struct span client, uint16_t from_day, uint16_t to_day,
				    uint32_t count_max)
{
	struct session_list *list = malloc(sizeof *list + count_max * sizeof list->views[0]);
	if (list != NULL) {
		*list = (struct session_list){
		    .client = intern_find(&desk->table->clients, client),
		    .from_day = from_day,
		    .to_day = to_day,
		    .count_max = count_max,
		};
	}
	return list;
}

static int compare_views(const void *a, const void *b)
{
	const struct session_view *first = a;
	const struct session_view *second = b;
	const uint32_t at_first = (uint32_t)key_day(first->key) * MINUTES_PER_DAY + key_minute(first->key);
	const uint32_t at_second = (uint32_t)key_day(second->key) * MINUTES_PER_DAY + key_minute(second->key);
	return at_first != at_second ? (at_first > at_second) - (at_first < at_second)
				     : (first->id > second->id) - (first->id < second->id);
}

/* False: there is no room for another. */
static bool add(struct session_list *list, struct desk *desk, uint64_t id)
{
	struct session_view view;
	uint64_t lsn;
	const bool there = desk_session(desk, id, &view, &lsn);
	list->lsn = lsn_later(list->lsn, lsn);
	if (!there || key_day(view.key) < list->from_day || key_day(view.key) > list->to_day) {
		return true;
	}
	if (list->count == list->count_max) {
		return false;
	}
	list->views[list->count++] = view;
	return true;
}

enum sessions_result sessions_step(struct session_list *list, struct desk *desk)
{
	if (list->client == 0) {
		return SESSIONS_DONE; /* never named in any record */
	}
	uint64_t ids[STEP_LOOKS];
	enum thread_walk walk;
	const uint32_t count = table_client_sessions(desk->table, list->client, &list->cursor, ids, STEP_LOOKS, &walk);
	if (walk == THREAD_LOST) {
		list->count = 0; /* a purge was there: from the start again, which is as rare as purges are */
		return SESSIONS_MORE;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (!add(list, desk, ids[i])) {
			return SESSIONS_TOO_MANY;
		}
	}
	if (walk == THREAD_MORE) {
		return SESSIONS_MORE;
	}
	qsort(list->views, list->count, sizeof list->views[0], compare_views);
	list->lsn = lsn_later(list->lsn, table_removed_lsn(desk->table)); /* what is missing: asked after looking */
	return SESSIONS_DONE;
}
