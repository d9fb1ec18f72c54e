/*
 * model: see model/model.h. Nothing here is clever on purpose.
 */
#include <base/check.h>
#include <base/limits.h>
#include <model/model.h>
#include <stdlib.h>
#include <string.h>

const char *model_outcome_name(enum model_outcome outcome)
{
	static const char *const names[] = {"DONE",     "TAKEN",     "NOSLOT", "OVERLAP",
					    "OCCUPIED", "NOSESSION", "STATE",  "PAST"};
	return names[outcome];
}

void model_init(struct model *model, bool unlisted_slots)
{
	*model = (struct model){.unlisted_slots = unlisted_slots};
	lock_init(&model->lock);
}

void model_fini(struct model *model)
{
	lock_fini(&model->lock);
	free(model->slots);
	free(model->sessions);
}

static void *copy_array(const void *from, size_t size)
{
	void *to = malloc(size + 1); /* none is none, not NULL */
	CHECK(to != NULL);
	if (size > 0) {
		memcpy(to, from, size);
	}
	return to;
}

void model_copy(struct model *copy, const struct model *model)
{
	model_init(copy, model->unlisted_slots);
	copy->purged_before_day = model->purged_before_day;
	copy->slot_count = model->slot_count;
	copy->session_count = model->session_count;
	copy->slots = copy_array(model->slots, model->slot_count * sizeof *model->slots);
	copy->sessions = copy_array(model->sessions, model->session_count * sizeof *model->sessions);
}

static struct model_slot *find_slot(struct model *model, uint64_t key)
{
	for (size_t i = 0; i < model->slot_count; i++) {
		if (model->slots[i].key == key) {
			return &model->slots[i];
		}
	}
	return NULL;
}

static struct model_session *find_session(struct model *model, uint64_t id)
{
	for (size_t i = 0; i < model->session_count; i++) {
		if (model->sessions[i].id == id) {
			return &model->sessions[i];
		}
	}
	return NULL;
}

static void add_slot(struct model *model, uint64_t key, uint16_t minutes)
{
	model->slots = realloc(model->slots, (model->slot_count + 1) * sizeof *model->slots);
	CHECK(model->slots != NULL);
	model->slots[model->slot_count++] = (struct model_slot){.key = key, .minutes = minutes};
}

static void add_session(struct model *model, const struct model_session *session)
{
	CHECK(find_session(model, session->id) == NULL);
	model->sessions = realloc(model->sessions, (model->session_count + 1) * sizeof *model->sessions);
	CHECK(model->sessions != NULL);
	model->sessions[model->session_count++] = *session;
}

static bool is_past(const struct model *model, uint64_t key)
{
	return key_day(key) < model->purged_before_day;
}

/* Minutes from the start of day 0. */
static uint32_t begin_of(uint64_t key)
{
	return (uint32_t)key_day(key) * MINUTES_PER_DAY + key_minute(key);
}

static bool overlaps(const struct model *model, uint64_t key, uint16_t minutes)
{
	for (size_t i = 0; i < model->slot_count; i++) {
		const struct model_slot *slot = &model->slots[i];
		const bool same = key_psychologist(slot->key) == key_psychologist(key) && slot->minutes != 0;
		if (same && begin_of(slot->key) < begin_of(key) + minutes &&
		    begin_of(key) < begin_of(slot->key) + slot->minutes) {
			return true;
		}
	}
	return false;
}

static enum model_outcome open_slot(struct model *model, uint64_t key, uint16_t minutes, bool *opened)
{
	*opened = false;
	if (is_past(model, key)) {
		return MODEL_PAST;
	}
	const struct model_slot *slot = find_slot(model, key);
	if (slot != NULL) {
		return slot->minutes == minutes || slot->minutes == 0 ? MODEL_DONE : MODEL_OVERLAP;
	}
	if (overlaps(model, key, minutes)) {
		return MODEL_OVERLAP;
	}
	add_slot(model, key, minutes);
	*opened = true;
	return MODEL_DONE;
}

static enum model_outcome close_slot(struct model *model, uint64_t key)
{
	struct model_slot *slot = find_slot(model, key);
	if (is_past(model, key)) {
		return MODEL_PAST;
	}
	if (slot == NULL) {
		return MODEL_NOSLOT;
	}
	if (slot->client != 0) {
		return MODEL_OCCUPIED;
	}
	*slot = model->slots[--model->slot_count];
	return MODEL_DONE;
}

static enum model_outcome book_slot(struct model *model, uint64_t key, uint32_t client, uint64_t *session)
{
	if (is_past(model, key)) {
		return MODEL_PAST;
	}
	if (find_slot(model, key) == NULL && model->unlisted_slots) {
		add_slot(model, key, 0);
	}
	struct model_slot *slot = find_slot(model, key);
	if (slot == NULL) {
		return MODEL_NOSLOT;
	}
	if (slot->client == client) {
		*session = slot->session;
		return MODEL_DONE;
	}
	if (slot->client != 0) {
		return MODEL_TAKEN;
	}
	slot->client = client;
	slot->session = *session;
	add_session(model,
		    &(struct model_session){.id = *session, .key = key, .client = client, .status = SESSION_BOOKED});
	return MODEL_DONE;
}

static enum model_outcome cancel_session(struct model *model, uint64_t id)
{
	struct model_session *session = find_session(model, id);
	if (session == NULL) {
		return MODEL_NOSESSION;
	}
	if (session->status != SESSION_BOOKED) {
		return MODEL_STATE;
	}
	session->status = SESSION_CANCELLED;
	find_slot(model, session->key)->client = 0;
	return MODEL_DONE;
}

static void purge_days(struct model *model, uint16_t day)
{
	model->purged_before_day = day > model->purged_before_day ? day : model->purged_before_day;
	size_t kept = 0;
	for (size_t i = 0; i < model->slot_count; i++) {
		if (!is_past(model, model->slots[i].key)) {
			model->slots[kept++] = model->slots[i];
		}
	}
	model->slot_count = kept;
	kept = 0;
	for (size_t i = 0; i < model->session_count; i++) {
		if (!is_past(model, model->sessions[i].key)) {
			model->sessions[kept++] = model->sessions[i];
		}
	}
	model->session_count = kept;
}

enum model_outcome model_open(struct model *model, uint64_t key, uint16_t minutes, bool *opened)
{
	lock_take(&model->lock);
	const enum model_outcome outcome = open_slot(model, key, minutes, opened);
	lock_give(&model->lock);
	return outcome;
}

enum model_outcome model_close(struct model *model, uint64_t key)
{
	lock_take(&model->lock);
	const enum model_outcome outcome = close_slot(model, key);
	lock_give(&model->lock);
	return outcome;
}

enum model_outcome model_book(struct model *model, uint64_t key, uint32_t client, uint64_t *session)
{
	lock_take(&model->lock);
	const enum model_outcome outcome = book_slot(model, key, client, session);
	lock_give(&model->lock);
	return outcome;
}

enum model_outcome model_cancel(struct model *model, uint64_t session)
{
	lock_take(&model->lock);
	const enum model_outcome outcome = cancel_session(model, session);
	lock_give(&model->lock);
	return outcome;
}

void model_purge(struct model *model, uint16_t day)
{
	lock_take(&model->lock);
	purge_days(model, day);
	lock_give(&model->lock);
}

bool model_slot(struct model *model, uint64_t key, struct model_slot *slot)
{
	lock_take(&model->lock);
	const struct model_slot *found = find_slot(model, key);
	if (found != NULL) {
		*slot = *found;
	}
	lock_give(&model->lock);
	return found != NULL;
}

bool model_session(struct model *model, uint64_t id, struct model_session *session)
{
	lock_take(&model->lock);
	const struct model_session *found = find_session(model, id);
	if (found != NULL) {
		*session = *found;
	}
	lock_give(&model->lock);
	return found != NULL;
}

size_t model_day(struct model *model, uint32_t psychologist, uint16_t day, struct model_slot *slots)
{
	size_t count = 0;
	for (uint16_t minute = 0; minute < MINUTES_PER_DAY; minute++) {
		count += model_slot(model, key_make(psychologist, day, minute), &slots[count]);
	}
	return count;
}
