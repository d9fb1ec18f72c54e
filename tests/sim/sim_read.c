/*
 * sim_read: see sim_read.h.
 */
#include <sim/sim_read.h>

#include <base/check.h>
#include <inttypes.h>
#include <serve/alternatives.h>
#include <serve/sessions.h>
#include <slot/zone.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t session_of(const struct slot_view *view)
{
	return view->free ? 0 : view->kind == CLAIM_BLOCKED ? SIM_BLOCKED : view->session;
}

bool sim_desk_slot(struct desk *desk, const struct sim_command *command, uint64_t *session, uint64_t *lsn)
{
	char name[8];
	struct slot_view view;
	const struct place place = sim_place(command, name);
	const bool there = desk_slot(desk, &place, &view, lsn);
	*session = there ? session_of(&view) : 0;
	return there;
}

bool sim_model_slot(struct model *model, const struct sim_command *command, uint64_t *session)
{
	struct model_slot slot = {0};
	const uint64_t key = key_make(command->psychologist, command->day, command->minute);
	const bool there = model_slot(model, key, &slot);
	*session = slot.client != 0 && !model_is_over(model, slot.session) ? slot.session
		   : model_is_blocked(model, key)                          ? SIM_BLOCKED
									   : 0;
	return there;
}

/* A list of the desk's, held against the model slot by slot while it comes. */
struct list {
	struct model *model;
	struct sim_command at;
	uint32_t count;
	bool agrees;
};

static void on_listed(void *context, const struct slot_view *view)
{
	struct list *list = context;
	uint64_t expected;
	list->at.day = key_day(view->key);
	list->at.minute = key_minute(view->key);
	const bool there = sim_model_slot(list->model, &list->at, &expected);
	list->agrees = list->agrees && there && expected == session_of(view);
	list->count++;
}

static bool read_slots(const struct sim_command *command, struct desk *desk, struct model *model, uint64_t *lsn)
{
	char name[8];
	struct list list = {.model = model, .at = *command, .agrees = true};
	const struct place place = sim_place(command, name);
	const uint16_t last = (uint16_t)(command->day + command->days - 1);
	*lsn = desk_slots(desk, place.psychologist, command->day, last, on_listed, &list);
	uint32_t expected = 0;
	for (list.at.day = command->day; list.at.day <= last; list.at.day++) {
		for (uint32_t i = 0; i < SIM_TIMES; i++) {
			uint64_t session;
			list.at.minute = (uint16_t)(540 + 60 * i);
			expected += sim_model_slot(model, &list.at, &session);
		}
	}
	return list.agrees && list.count == expected;
}

static bool read_slot(const struct sim_command *command, struct desk *desk, struct model *model, uint64_t *lsn)
{
	uint64_t session;
	uint64_t expected;
	const bool there = sim_desk_slot(desk, command, &session, lsn);
	return there == sim_model_slot(model, command, &expected) && session == expected;
}

bool sim_same_session(struct desk *desk, struct model *model, uint64_t id, uint64_t *lsn)
{
	struct session_view view;
	struct model_session expected;
	const bool there = desk_session(desk, id, &view, lsn);
	if (there != model_session(model, id, &expected) || !there) {
		return !there && !model_session(model, id, &expected);
	}
	if (model_is_over(model, id)) {
		/* Said by a record of its own by now; where the log has no room, by the clock alone. */
		const bool said = wal_has_room(desk_wal(desk));
		return view.status == SESSION_EXPIRED && view.version == expected.version + said;
	}
	return view.status == expected.status && view.version == expected.version &&
	       key_day(view.key) == key_day(expected.key) && key_minute(view.key) == key_minute(expected.key);
}

/* The model as it is once every hold that is over is said to be. */
static void copy_expired(struct model *copy, struct model *model)
{
	model_copy(copy, model);
	for (size_t i = 0; i < copy->session_count; i++) {
		model_expire(copy, copy->sessions[i].id);
	}
}

static bool same_alternatives(const struct alternatives *walk, const struct model_slot *slots, size_t count)
{
	bool same = walk->count == count;
	for (uint32_t i = 0; same && i < walk->count; i++) {
		/* The desk gives psychologists other numbers. */
		same = key_day(walk->found[i].key) == key_day(slots[i].key) &&
		       key_minute(walk->found[i].key) == key_minute(slots[i].key) &&
		       walk->found[i].minutes == slots[i].minutes;
	}
	return same;
}

static bool read_alternatives(struct sim_command *command, struct desk *desk, struct model *model, uint64_t *lsn)
{
	char name[8];
	struct model copy;
	struct model_slot slots[SIM_DAYS * SIM_TIMES];
	struct alternatives walk;
	const struct place place = sim_place(command, name);
	const struct civil_now now = zone_reached(civil_zone(), command->now_ms);
	const struct model_search search = {
	    .key = key_make(command->psychologist, command->day, command->minute),
	    .not_to = key_make(command->psychologist, now.day, now.minute),
	    .days = SIM_DAYS,
	    .count_max = command->count,
	};
	alternatives_begin(&walk, desk, &place, command->count);
	while (!alternatives_step(&walk, desk)) {
	}
	copy_expired(&copy, model);
	const size_t count = model_alternatives(&copy, &search, slots);
	model_fini(&copy);
	const uint64_t last = count > 0 ? slots[count - 1].key : search.key;
	const int32_t away =
	    (key_day(last) - key_day(search.key)) * MINUTES_PER_DAY + key_minute(last) - key_minute(search.key);
	command->reach = count < command->count ? UINT32_MAX : (uint32_t)abs(away);
	*lsn = walk.lsn;
	return same_alternatives(&walk, slots, count);
}

static bool same_list(const struct session_list *list, struct model *copy, const struct sim_command *command)
{
	struct model_session *sessions = calloc(copy->session_count + 1, sizeof *sessions);
	CHECK(sessions != NULL);
	const uint16_t last = (uint16_t)(command->day + command->days - 1);
	const size_t count = model_sessions(copy, command->client, command->day, last, sessions);
	bool same = list->count == count;
	for (uint32_t i = 0; same && i < list->count; i++) {
		const struct session_view *view = &list->views[i];
		/* Where the log has no room, that a hold is over is judged by the clock alone, and is no new version. */
		same = view->id == sessions[i].id && view->status == sessions[i].status &&
		       key_day(view->key) == key_day(sessions[i].key) &&
		       key_minute(view->key) == key_minute(sessions[i].key) &&
		       (view->version == sessions[i].version || view->status == SESSION_EXPIRED);
	}
	free(sessions);
	return same;
}

static bool read_sessions(const struct sim_command *command, struct desk *desk, struct model *model, uint64_t *lsn)
{
	char client[8];
	struct model copy;
	const uint16_t last = (uint16_t)(command->day + command->days - 1);
	snprintf(client, sizeof client, "c-%" PRIu32, command->client);
	struct session_list *list =
	    sessions_begin(desk, span_of(client), command->day, last, (uint32_t)model->session_count + 1);
	CHECK(list != NULL);
	copy_expired(&copy, model);
	enum sessions_result result = SESSIONS_MORE;
	while (result == SESSIONS_MORE) {
		result = sessions_step(list, desk);
	}
	const bool same = result == SESSIONS_DONE && same_list(list, &copy, command);
	*lsn = list->lsn;
	model_fini(&copy);
	free(list);
	return same;
}

bool sim_read(struct sim_command *command, struct desk *desk, struct model *model, uint64_t *lsn)
{
	switch (command->verb) {
	case SIM_SLOT:
		return read_slot(command, desk, model, lsn);
	case SIM_SLOTS:
		return read_slots(command, desk, model, lsn);
	case SIM_ALTERNATIVES:
		return read_alternatives(command, desk, model, lsn);
	case SIM_SESSIONS:
		return read_sessions(command, desk, model, lsn);
	default:
		return sim_same_session(desk, model, command->session, lsn);
	}
}
