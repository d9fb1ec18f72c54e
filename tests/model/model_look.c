/*
 * model_look: what the model answers to readers of many slots or sessions: looks at all there are, sorts, and cuts. See
 * model/model.h.
 */
#include <base/check.h>
#include <base/limits.h>
#include <model/model_busy.h>
#include <stdlib.h>

static uint32_t distance_of(uint64_t a, uint64_t b)
{
	const int at_a = key_day(a) * MINUTES_PER_DAY + key_minute(a);
	const int at_b = key_day(b) * MINUTES_PER_DAY + key_minute(b);
	return (uint32_t)abs(at_a - at_b);
}

static bool is_alternative(const struct model_search *search, const struct model_slot *slot)
{
	return key_psychologist(slot->key) == key_psychologist(search->key) && slot->client == 0 &&
	       slot->minutes != 0 && slot->key != search->key && slot->key > search->not_to &&
	       abs(key_day(slot->key) - key_day(search->key)) <= search->days;
}

static int compare_distances(const void *a, const void *b, void *wanted)
{
	const uint64_t first = ((const struct model_slot *)a)->key;
	const uint64_t second = ((const struct model_slot *)b)->key;
	const uint32_t to_first = distance_of(first, *(const uint64_t *)wanted);
	const uint32_t to_second = distance_of(second, *(const uint64_t *)wanted);
	return to_first != to_second ? (to_first > to_second) - (to_first < to_second)
				     : (first > second) - (first < second);
}

size_t model_alternatives(struct model *model, const struct model_search *search, struct model_slot *slots)
{
	size_t count = 0;
	lock_take(&model->lock);
	struct model_slot *all = calloc(model->slot_count + 1, sizeof *all);
	CHECK(all != NULL);
	for (size_t i = 0; i < model->slot_count; i++) {
		const struct model_slot *slot = &model->slots[i];
		if (is_alternative(search, slot) && !model_busy(model, slot->key, slot->minutes)) {
			all[count++] = model->slots[i];
		}
	}
	lock_give(&model->lock);
	uint64_t wanted = search->key;
	qsort_r(all, count, sizeof *all, compare_distances, &wanted);
	count = count < search->count_max ? count : search->count_max;
	for (size_t i = 0; i < count; i++) {
		slots[i] = all[i];
	}
	free(all);
	return count;
}

static int compare_times(const void *a, const void *b)
{
	const struct model_session *first = a;
	const struct model_session *second = b;
	const int at_first = key_day(first->key) * MINUTES_PER_DAY + key_minute(first->key);
	const int at_second = key_day(second->key) * MINUTES_PER_DAY + key_minute(second->key);
	return at_first != at_second ? at_first - at_second : (first->id > second->id) - (first->id < second->id);
}

size_t model_sessions(struct model *model, uint32_t client, uint16_t from_day, uint16_t to_day,
		      struct model_session *sessions)
{
	size_t count = 0;
	lock_take(&model->lock);
	for (size_t i = 0; i < model->session_count; i++) {
		const struct model_session *session = &model->sessions[i];
		if (session->client == client && key_day(session->key) >= from_day && key_day(session->key) <= to_day) {
			sessions[count++] = *session;
		}
	}
	lock_give(&model->lock);
	qsort(sessions, count, sizeof *sessions, compare_times);
	return count;
}
