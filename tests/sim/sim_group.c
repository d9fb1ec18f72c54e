/*
 * sim_group: see sim_group.h.
 */
#include <sim/sim_group.h>

#include <base/check.h>
#include <inttypes.h>
#include <serve/group.h>
#include <stdio.h>

/* ----------------------------------------------------------------------------------------------------------- making up */

static enum sim_verb random_verb(struct prng *prng)
{
	static const enum sim_verb verbs[] = {SIM_BOOK,   SIM_BOOK,   SIM_BOOK, SIM_HOLD, SIM_HOLD, SIM_CHANGE,
					      SIM_CHANGE, SIM_CHANGE, SIM_MOVE, SIM_MOVE, SIM_RENEW};
	return verbs[prng_below(prng, sizeof verbs / sizeof verbs[0])];
}

void sim_group_random(struct prng *prng, uint16_t first_day, struct sim_command *command)
{
	const uint32_t kind = prng_below(prng, 4);
	const bool choice = kind == 1;
	const bool mix = kind >= 2;
	command->member_count = choice ? 1 : 1 + prng_below(prng, 1 + prng_below(prng, SIM_MEMBERS));
	for (uint32_t i = 0; i < command->member_count; i++) {
		struct sim_member *member = &command->members[i];
		member->verb = mix ? random_verb(prng) : SIM_BOOK;
		member->command = member->verb == SIM_CHANGE ? sim_life_random(prng) : LIFE_CANCEL;
		member->client = mix ? 1 + prng_below(prng, SIM_CLIENTS) : command->client;
		member->seconds = (uint16_t)(1 + prng_below(prng, 20));
		member->count = choice ? 1 + prng_below(prng, SIM_CHOICES) : 1;
		for (uint32_t place = 0; place < member->count; place++) {
			member->at[place] = sim_at_random(prng, first_day);
		}
	}
}

/* ------------------------------------------------------------------------------------------------------------ the desk */

/* The names that a group's places and clients borrow. */
struct names {
	char psychologists[SIM_PSYCHOLOGISTS + 1][8];
	char clients[SIM_CLIENTS + 1][8];
};

static void add_places(struct group *group, const struct sim_member *member, const struct names *names)
{
	for (uint32_t i = 0; i < member->count; i++) {
		const struct sim_at *at = &member->at[i];
		*group_add_place(group) =
		    (struct place){span_of(names->psychologists[at->psychologist]), at->day, at->minute};
	}
}

static void add_member(struct group *group, const struct sim_member *member, const struct names *names)
{
	static const enum group_verb verbs[] = {
	    [SIM_BOOK] = GROUP_BOOK,     [SIM_HOLD] = GROUP_HOLD,    [SIM_MOVE] = GROUP_MOVE,
	    [SIM_CHANGE] = GROUP_CHANGE, [SIM_RENEW] = GROUP_CHANGE,
	};
	struct group_change *change = group_add(group, verbs[member->verb]);
	change->reason = span_of("");
	if (change->verb == GROUP_CHANGE) {
		change->command = member->verb == SIM_RENEW ? LIFE_RENEW : member->command;
	} else {
		add_places(group, member, names);
	}
	if (sim_verb_claims(member->verb)) {
		change->client = span_of(names->clients[member->client]);
	} else {
		change->session = member->session;
	}
	if (member->verb == SIM_HOLD || member->verb == SIM_RENEW) {
		change->hold_seconds = member->seconds;
	}
}

struct outcome sim_group_desk(struct sim_command *command, struct desk *desk)
{
	struct group group;
	struct names names;
	for (uint32_t i = 1; i <= SIM_PSYCHOLOGISTS; i++) {
		snprintf(names.psychologists[i], sizeof names.psychologists[i], "dr-%" PRIu32, i);
	}
	for (uint32_t i = 1; i <= SIM_CLIENTS; i++) {
		snprintf(names.clients[i], sizeof names.clients[i], "c-%" PRIu32, i);
	}
	group_init(&group);
	for (uint32_t i = 0; i < command->member_count; i++) {
		add_member(&group, &command->members[i], &names);
	}
	const struct outcome outcome = desk_group(desk, &group);
	for (uint32_t i = 0; i < command->member_count; i++) {
		struct sim_member *member = &command->members[i];
		member->outcome = group.changes[i].outcome;
		if (sim_verb_claims(member->verb)) {
			member->session = outcome.code == OUTCOME_DONE ? member->outcome.value : 0;
		}
	}
	return outcome;
}

/* ----------------------------------------------------------------------------------------------------------- the model */

static uint64_t key_at(const struct sim_at *at)
{
	return key_make(at->psychologist, at->day, at->minute);
}

/* The place the client has already, or `count`. */
static uint32_t own_place(struct model *model, const struct sim_member *member)
{
	for (uint32_t i = 0; i < member->count; i++) {
		struct model_slot slot = {0};
		if (model_slot(model, key_at(&member->at[i]), &slot) && slot.client == member->client) {
			return i;
		}
	}
	return member->count;
}

static enum model_outcome claim_place(struct model *model, struct sim_member *member, uint32_t place, uint64_t *session)
{
	const uint64_t key = key_at(&member->at[place]);
	member->place = place;
	return member->verb == SIM_HOLD
		   ? model_hold(model, key, member->client, member->seconds, session, &member->changed)
		   : model_book(model, key, member->client, session, &member->changed);
}

/* Claims for a member; `trial` is an id for where the desk gave none. */
static enum model_outcome claim_member(struct model *model, struct sim_member *member, uint64_t trial)
{
	const uint32_t own = own_place(model, member);
	if (own < member->count) {
		return claim_place(model, member, own, &member->session);
	}
	enum model_outcome first = MODEL_DONE;
	for (uint32_t i = 0; i < member->count; i++) {
		uint64_t session = member->session != 0 ? member->session : trial;
		const enum model_outcome outcome = claim_place(model, member, i, &session);
		if (outcome == MODEL_DONE) {
			member->session = session;
			return outcome;
		}
		first = i == 0 ? outcome : first;
	}
	return first;
}

static enum model_outcome apply_member(struct model *model, struct sim_member *member, uint64_t trial)
{
	const struct sim_at at = sim_session_at(model, member->session);
	const unsigned facts = model_has_started(model, key_at(&at)) ? LIFE_HAS_STARTED : 0;
	enum model_outcome outcome;
	switch (member->verb) {
	case SIM_CHANGE:
		return model_change(model, member->session, member->command, facts, &member->changed);
	case SIM_RENEW:
		outcome = model_renew(model, member->session, member->seconds);
		member->changed = outcome == MODEL_DONE;
		return outcome;
	case SIM_MOVE:
		member->from = at;
		return model_move(model, member->session, key_at(&member->at[0]), &member->changed);
	default:
		return claim_member(model, member, trial);
	}
}

/* Has the group, which came from `first` to `now`, made this session or changed it? */
static bool is_touched(struct model *first, struct model *now, uint64_t session)
{
	struct model_session before;
	struct model_session after;
	return model_session(now, session, &after) &&
	       (!model_session(first, session, &before) || before.version != after.version);
}

static uint32_t live_holds(const struct model *model, uint32_t client)
{
	uint32_t count = 0;
	for (size_t i = 0; i < model->session_count; i++) {
		const struct model_session *session = &model->sessions[i];
		count += session->client == client && session->status == SESSION_HELD &&
			 session->expires_ms > model->hold_now_ms;
	}
	return count;
}

/* One of them, on top of those before it, unless it changes a session again. */
static enum model_outcome try_member(struct model *first, struct model *now, struct sim_member *member, uint64_t trial)
{
	struct model next;
	model_copy(&next, now);
	next.holds_per_client = 0; /* looked at when nothing else is in the way */
	member->changed = false;
	const enum model_outcome outcome = apply_member(&next, member, trial);
	if (member->changed && is_touched(first, now, member->session)) {
		member->changed = false;
		model_fini(&next);
		return MODEL_TWICE;
	}
	model_take_over(now, &next);
	return outcome;
}

bool sim_group_model(struct sim_command *command, struct model *model)
{
	struct model copy;
	uint32_t crowded = SIM_MEMBERS; /* the first HOLD of more than a client may have */
	bool refused = false;
	bool changed = false;
	model_copy(&copy, model);
	for (uint32_t i = 0; i < command->member_count; i++) {
		struct sim_member *member = &command->members[i];
		command->expected[i] = try_member(model, &copy, member, SIM_NO_SESSION + 1 + i);
		refused = refused || command->expected[i] != MODEL_DONE;
		changed = changed || member->changed;
		if (member->verb == SIM_HOLD && member->changed && crowded == SIM_MEMBERS &&
		    live_holds(&copy, member->client) > model->holds_per_client) {
			crowded = i;
		}
	}
	if (!refused && crowded < SIM_MEMBERS) {
		command->expected[crowded] = MODEL_LIMIT;
		refused = true;
	}
	for (uint32_t i = 0; refused && i < command->member_count; i++) {
		if (sim_verb_claims(command->members[i].verb)) {
			command->members[i].session = 0; /* may be one that was tried */
		}
	}
	if (refused) {
		model_fini(&copy);
	} else {
		model_take_over(model, &copy);
	}
	return changed && !refused;
}

bool sim_group_agrees(const struct sim_command *command, const struct outcome *outcome)
{
	bool refused = false;
	for (uint32_t i = 0; i < command->member_count; i++) {
		const struct sim_member *member = &command->members[i];
		const struct sim_command alone = {.verb = member->verb, .session = member->session};
		refused = refused || command->expected[i] != MODEL_DONE;
		struct outcome of_member = member->outcome;
		if (outcome->code != OUTCOME_DONE) {
			of_member.value = alone.session; /* a refused group gives out no ids */
		}
		if (of_member.code == OUTCOME_NOSLOT) {
			of_member.lsn = 0; /* that of a choice is of all its places: see MODEL_PAST */
		}
		if (!sim_command_agrees(&alone, &of_member, command->expected[i])) {
			return false;
		}
	}
	return refused == (outcome->code != OUTCOME_DONE);
}
