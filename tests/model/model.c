/*
 * model: see model/model.h. Nothing here is clever on purpose.
 */
#include <base/check.h>
#include <base/hash.h>
#include <base/limits.h>
#include <model/model_busy.h>
#include <stdlib.h>
#include <string.h>

const char *model_outcome_name(enum model_outcome outcome)
{
	static const char *const names[] = {"DONE",      "TAKEN",   "NOSLOT", "OVERLAP", "OCCUPIED",
					    "NOSESSION", "STATE",   "PAST",   "EXPIRED", "EARLY",
					    "HELD",      "BLOCKED", "LIMIT",  "THERE",   "TWICE"};
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
	free(model->places);
	free(model->intervals);
	free(model->sources);
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
	copy->now_day = model->now_day;
	copy->now_minute = model->now_minute;
	copy->hold_now_ms = model->hold_now_ms;
	copy->hold_total_ms = model->hold_total_ms;
	copy->holds_per_client = model->holds_per_client;
	copy->slot_count = model->slot_count;
	copy->session_count = model->session_count;
	copy->place_count = model->place_count;
	copy->interval_count = model->interval_count;
	copy->source_count = model->source_count;
	copy->slots = copy_array(model->slots, model->slot_count * sizeof *model->slots);
	copy->sessions = copy_array(model->sessions, model->session_count * sizeof *model->sessions);
	copy->places = copy_array(model->places, model->place_count * sizeof *model->places);
	copy->intervals = copy_array(model->intervals, model->interval_count * sizeof *model->intervals);
	copy->sources = copy_array(model->sources, model->source_count * sizeof *model->sources);
}

void model_take_over(struct model *model, struct model *copy)
{
	struct model old = *copy;
	old.slots = model->slots;
	old.sessions = model->sessions;
	old.places = model->places;
	model->slots = copy->slots;
	model->slot_count = copy->slot_count;
	model->sessions = copy->sessions;
	model->session_count = copy->session_count;
	model->places = copy->places;
	model->place_count = copy->place_count;
	model_fini(&old); /* what calendars say is the same in both */
}

/* No client has this number. */
#define NOBODY UINT32_MAX

static struct model_slot *find_slot(struct model *model, uint64_t key)
{
	for (size_t i = 0; i < model->slot_count; i++) {
		if (model->slots[i].key == key) {
			return &model->slots[i];
		}
	}
	return NULL;
}

/* Where the id is, or the empty place where it would be. */
static uint32_t *place_of(const struct model *model, uint64_t id)
{
	size_t at = (size_t)hash_u64(id, 0) & (model->place_count - 1);
	while (model->places[at] != 0 && model->sessions[model->places[at] - 1].id != id) {
		at = (at + 1) & (model->place_count - 1);
	}
	return &model->places[at];
}

static struct model_session *find_session(struct model *model, uint64_t id)
{
	const uint32_t place = model->place_count != 0 ? *place_of(model, id) : 0;
	return place != 0 ? &model->sessions[place - 1] : NULL;
}

/* Twice as many places as sessions at least, each session at its own. */
static void place_sessions(struct model *model)
{
	while (model->place_count < 2 * model->session_count + 2) {
		model->place_count = model->place_count != 0 ? 2 * model->place_count : 16;
	}
	free(model->places);
	model->places = calloc(model->place_count, sizeof *model->places);
	CHECK(model->places != NULL);
	for (size_t i = 0; i < model->session_count; i++) {
		*place_of(model, model->sessions[i].id) = (uint32_t)i + 1;
	}
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
	if (model->place_count < 2 * model->session_count + 2) {
		place_sessions(model);
	} else {
		*place_of(model, session->id) = (uint32_t)model->session_count;
	}
}

static bool is_past(const struct model *model, uint64_t key)
{
	return key_day(key) < model->purged_before_day;
}

bool model_has_started(const struct model *model, uint64_t key)
{
	return key_day(key) < model->now_day ||
	       (key_day(key) == model->now_day && key_minute(key) <= model->now_minute);
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

static bool is_over(const struct model *model, const struct model_session *session)
{
	return session->status == SESSION_HELD && model->hold_now_ms >= session->expires_ms;
}

static void expire(struct model *model, struct model_session *session)
{
	find_slot(model, session->key)->client = 0;
	session->status = SESSION_EXPIRED;
	session->expires_ms = 0;
	session->version++;
}

/* If the slot is held, and that is over. */
static void expire_slot(struct model *model, const struct model_slot *slot)
{
	struct model_session *session = slot->client != 0 ? find_session(model, slot->session) : NULL;
	if (session != NULL && is_over(model, session)) {
		expire(model, session);
	}
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
	expire_slot(model, slot);
	if (slot->client != 0) {
		return MODEL_OCCUPIED;
	}
	*slot = model->slots[--model->slot_count];
	return MODEL_DONE;
}

static uint32_t count_live(struct model *model, uint32_t client)
{
	uint32_t count = 0;
	for (size_t i = 0; i < model->slot_count; i++) {
		const struct model_session *session =
		    model->slots[i].client == client ? find_session(model, model->slots[i].session) : NULL;
		count += session != NULL && session->status == SESSION_HELD && !is_over(model, session);
	}
	return count;
}

/* The slot at this place as it can be claimed: outcome DONE if it is free or the client's own. */
static enum model_outcome look_for(struct model *model, uint64_t key, uint32_t client, struct model_slot **slot)
{
	const bool started = model_has_started(model, key);
	if (is_past(model, key)) {
		return MODEL_PAST;
	}
	if (find_slot(model, key) == NULL && model->unlisted_slots && !started) {
		add_slot(model, key, 0);
	}
	*slot = find_slot(model, key);
	if (*slot == NULL) {
		return started ? MODEL_PAST : MODEL_NOSLOT;
	}
	expire_slot(model, *slot);
	if ((*slot)->client == client) {
		return MODEL_DONE;
	}
	if (started) {
		return MODEL_PAST;
	}
	if ((*slot)->client == 0) {
		return model_busy(model, key, (*slot)->minutes) ? MODEL_BLOCKED : MODEL_DONE;
	}
	return find_session(model, (*slot)->session)->status == SESSION_HELD ? MODEL_HELD : MODEL_TAKEN;
}

static void claim_slot(struct model *model, struct model_slot *slot, uint32_t client, uint64_t id, uint16_t seconds)
{
	slot->client = client;
	slot->session = id;
	add_session(model, &(struct model_session){
			       .id = id,
			       .key = slot->key,
			       .client = client,
			       .status = seconds != 0 ? SESSION_HELD : SESSION_BOOKED,
			       .version = 1,
			       .created_ms = model->hold_now_ms,
			       .expires_ms = seconds != 0 ? model->hold_now_ms + UINT64_C(1000) * seconds : 0,
			   });
}

static enum model_outcome book_slot(struct model *model, uint64_t key, uint32_t client, uint64_t *session,
				    bool *changed)
{
	*changed = false;
	struct model_slot *slot;
	const enum model_outcome outcome = look_for(model, key, client, &slot);
	if (outcome != MODEL_DONE) {
		return outcome;
	}
	if (slot->client == 0) {
		claim_slot(model, slot, client, *session, 0);
		*changed = true;
		return MODEL_DONE;
	}
	*session = slot->session;
	struct model_session *mine = find_session(model, slot->session);
	if (mine->status == SESSION_HELD) {
		mine->status = SESSION_BOOKED;
		mine->expires_ms = 0;
		mine->version++;
		*changed = true;
	}
	return MODEL_DONE;
}

static enum model_outcome hold_slot(struct model *model, uint64_t key, uint32_t client, uint16_t seconds,
				    uint64_t *session, bool *changed)
{
	struct model_slot *slot;
	const enum model_outcome outcome = look_for(model, key, client, &slot);
	*changed = outcome == MODEL_DONE && slot->client == 0;
	if (outcome == MODEL_DONE && slot->client != 0) {
		*session = slot->session;
	}
	if (*changed && model->holds_per_client != 0 && count_live(model, client) >= model->holds_per_client) {
		*changed = false;
		return MODEL_LIMIT;
	}
	if (*changed) {
		claim_slot(model, slot, client, *session, seconds);
	}
	return outcome;
}

static enum model_outcome renew_session(struct model *model, uint64_t id, uint16_t seconds)
{
	struct model_session *session = find_session(model, id);
	if (session == NULL) {
		return MODEL_NOSESSION;
	}
	if (session->status == SESSION_EXPIRED || is_over(model, session)) {
		return MODEL_EXPIRED;
	}
	if (session->status != SESSION_HELD) {
		return MODEL_STATE;
	}
	const uint64_t expires_ms = model->hold_now_ms + UINT64_C(1000) * seconds;
	if (model->hold_total_ms != 0 && expires_ms > session->created_ms + model->hold_total_ms) {
		return MODEL_LIMIT;
	}
	session->expires_ms = expires_ms;
	session->version++;
	return MODEL_DONE;
}

static bool is_one_of(enum session_status status, const char *letters)
{
	/* free held booked rescheduled confirmed cancelled expired completed no_show */
	return strchr(letters, "fhbrcxeyn"[status]) != NULL;
}

/* The status a command leads to, if it does; as long sentences as the design has it. */
static enum model_outcome next_status(enum session_status from, enum life_command command, unsigned facts,
				      enum session_status *to)
{
	const bool started = (facts & LIFE_HAS_STARTED) != 0;
	*to = from;
	switch (command) {
	case LIFE_COMMIT:
		*to = from == SESSION_HELD ? SESSION_BOOKED : from;
		return is_one_of(from, "hbrc") ? MODEL_DONE : MODEL_STATE;
	case LIFE_CONFIRM:
		*to = SESSION_CONFIRMED;
		return is_one_of(from, "brc") ? MODEL_DONE : MODEL_STATE;
	case LIFE_CANCEL:
		*to = SESSION_CANCELLED;
		return is_one_of(from, "hbrcx") ? MODEL_DONE : MODEL_STATE;
	case LIFE_COMPLETE:
	case LIFE_NO_SHOW:
		*to = command == LIFE_COMPLETE ? SESSION_COMPLETED : SESSION_NO_SHOW;
		if (is_one_of(from, "brc")) {
			return started ? MODEL_DONE : MODEL_EARLY;
		}
		return is_one_of(from, "yn") ? MODEL_DONE : MODEL_STATE;
	default:
		WRONG("the model knows no other command");
	}
}

static enum model_outcome change_session(struct model *model, uint64_t id, enum life_command command, unsigned facts,
					 bool *changed)
{
	struct model_session *session = find_session(model, id);
	*changed = false;
	if (session == NULL) {
		return MODEL_NOSESSION;
	}
	enum session_status to;
	const enum model_outcome outcome = next_status(session->status, command, facts, &to);
	if (session->status == SESSION_EXPIRED || is_over(model, session)) {
		return MODEL_EXPIRED;
	}
	if (outcome != MODEL_DONE || to == session->status) {
		return outcome;
	}
	if (is_one_of(session->status, "hbrc") && !is_one_of(to, "hbrc")) {
		find_slot(model, session->key)->client = 0;
	}
	session->status = to;
	session->expires_ms = 0;
	session->version++;
	*changed = true;
	return MODEL_DONE;
}

static enum model_outcome move_session(struct model *model, uint64_t id, uint64_t key, bool *changed)
{
	*changed = false;
	struct model_session *session = find_session(model, id);
	if (session == NULL) {
		return MODEL_NOSESSION;
	}
	if (session->status == SESSION_EXPIRED || is_over(model, session)) {
		return MODEL_EXPIRED;
	}
	if (!is_one_of(session->status, "brc")) {
		return MODEL_STATE;
	}
	if (key == session->key) {
		return session->status == SESSION_RESCHEDULED ? MODEL_DONE : MODEL_THERE;
	}
	struct model_slot *slot;
	/* As for a client who has no slot yet: what it holds itself is held for it, too. */
	const enum model_outcome outcome = look_for(model, key, NOBODY, &slot);
	if (outcome != MODEL_DONE) {
		return outcome;
	}
	struct model_slot *left = find_slot(model, session->key);
	slot->client = session->client;
	slot->session = id;
	left->client = 0;
	if (left->minutes == 0) {
		*left = model->slots[--model->slot_count];
	}
	session->key = key;
	session->status = SESSION_RESCHEDULED;
	session->version++;
	*changed = true;
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
	place_sessions(model);
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

enum model_outcome model_book(struct model *model, uint64_t key, uint32_t client, uint64_t *session, bool *changed)
{
	lock_take(&model->lock);
	const enum model_outcome outcome = book_slot(model, key, client, session, changed);
	lock_give(&model->lock);
	return outcome;
}

enum model_outcome model_hold(struct model *model, uint64_t key, uint32_t client, uint16_t seconds, uint64_t *session,
			      bool *changed)
{
	lock_take(&model->lock);
	const enum model_outcome outcome = hold_slot(model, key, client, seconds, session, changed);
	lock_give(&model->lock);
	return outcome;
}

enum model_outcome model_renew(struct model *model, uint64_t session, uint16_t seconds)
{
	lock_take(&model->lock);
	const enum model_outcome outcome = renew_session(model, session, seconds);
	lock_give(&model->lock);
	return outcome;
}

bool model_is_over(struct model *model, uint64_t session)
{
	lock_take(&model->lock);
	const struct model_session *found = find_session(model, session);
	const bool over = found != NULL && is_over(model, found);
	lock_give(&model->lock);
	return over;
}

bool model_expire(struct model *model, uint64_t session)
{
	lock_take(&model->lock);
	struct model_session *found = find_session(model, session);
	const bool over = found != NULL && is_over(model, found);
	if (over) {
		expire(model, found);
	}
	lock_give(&model->lock);
	return over;
}

enum model_outcome model_change(struct model *model, uint64_t session, enum life_command command, unsigned facts,
				bool *changed)
{
	lock_take(&model->lock);
	const enum model_outcome outcome = change_session(model, session, command, facts, changed);
	lock_give(&model->lock);
	return outcome;
}

enum model_outcome model_move(struct model *model, uint64_t session, uint64_t key, bool *changed)
{
	lock_take(&model->lock);
	const enum model_outcome outcome = move_session(model, session, key, changed);
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

size_t model_session_number(struct model *model, uint64_t id)
{
	lock_take(&model->lock);
	const struct model_session *found = find_session(model, id);
	const size_t number = found != NULL ? (size_t)(found - model->sessions) + 1 : 0;
	lock_give(&model->lock);
	return number;
}

size_t model_day(struct model *model, uint32_t psychologist, uint16_t day, struct model_slot *slots)
{
	size_t count = 0;
	for (uint16_t minute = 0; minute < MINUTES_PER_DAY; minute++) {
		count += model_slot(model, key_make(psychologist, day, minute), &slots[count]);
	}
	return count;
}
