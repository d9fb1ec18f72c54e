/*
 * desk_judge_change: what becomes of one change of a group on top of those before it. Nothing is changed here, and nothing
 * held.
 *
 * What the changes before leave of a slot or session is what the look said, and on top of that the effects that the slot
 * has (desk_round.h). They are judged in their order, so a slot is left before it is taken: nobody can go round in a circle.
 */
#include "desk_parts.h"
#include "desk_round.h"
#include <base/check.h>

/* ------------------------------------------------------------------------------------------------------------- places */

/* A place to one change. */
struct standing {
	struct outcome outcome;
	bool mine;    /* DONE: it is the client's already, */
	bool commits; /* but only held, which this change ends */
};

/* Whose the slot is, as the changes before leave it. */
struct occupant {
	bool somebody;
	bool blocked; /* it is a calendar */
	bool held;
	bool fresh;      /* by a claim of this group: it has no id yet */
	uint32_t client; /* not if fresh */
	uint64_t id;     /* not if fresh */
	uint64_t expires_ms;
};

static struct occupant occupant_taking(const struct group_effect *takes)
{
	return (struct occupant){.somebody = true,
				 .fresh = takes->kind == EFFECT_CLAIM,
				 .held = takes->to == SESSION_HELD,
				 .client = takes->seen.client,
				 .id = takes->seen.id};
}

static struct occupant occupant_of(const struct group_round *round, const struct group_slot *slot)
{
	const struct slot_view *view = &slot->view;
	if (slot->takes != NULL) {
		return occupant_taking(slot->takes);
	}
	if (slot->slot == 0 || view->free || round_frees(slot)) {
		return (struct occupant){.somebody = false};
	}
	const struct group_effect *changes = slot->changes;
	struct occupant occupant = {.somebody = true,
				    .blocked = view->kind == CLAIM_BLOCKED,
				    .held = (changes != NULL ? changes->to : view->status) == SESSION_HELD,
				    .client = view->client,
				    .id = view->session,
				    .expires_ms = view->expires_ms};
	if (changes != NULL) {
		const uint64_t hold_ms = UINT64_C(1000) * round_change(round, changes)->hold_seconds;
		occupant.expires_ms = occupant.held ? round->now_ms + hold_ms : 0;
	}
	return occupant;
}

static bool is_clients(const struct group_round *round, const struct group_slot *slot, const struct occupant *occupant,
		       struct span client)
{
	if (!occupant->somebody || occupant->blocked) {
		return false;
	}
	return occupant->fresh ? span_equal(round_change(round, slot->takes)->client, client)
			       : occupant->client == intern_find(&round->desk->table->clients, client);
}

/* The slot is the client's, who asks for it again [I10]. */
static struct standing standing_of_own(const struct group_change *change, const struct group_slot *slot,
				       const struct occupant *occupant)
{
	const bool books = change->verb == GROUP_BOOK && occupant->held;
	struct standing standing = {.mine = true, .commits = books};
	standing.outcome = (struct outcome){
	    .code = OUTCOME_DONE, .lsn = slot->lsn, .value = occupant->id, .expires_ms = occupant->expires_ms};
	if (books && (occupant->fresh || slot->changes != NULL)) {
		standing.outcome.code = OUTCOME_TWICE; /* what this group holds or renews */
	}
	return standing;
}

/* There is nobody in the slot: is there one, and may it be taken? */
static struct outcome judge_free(const struct group_round *round, const struct group_slot *slot)
{
	struct desk *desk = round->desk;
	const bool frees = round_frees(slot);
	uint64_t lsn = slot->lsn;
	if (frees && table_is_busy(desk->table, slot->key, slot->view.minutes, &lsn)) {
		return (struct outcome){.code = OUTCOME_BLOCKED, .lsn = lsn}; /* once its session has left it */
	}
	/* An unlisted slot is no more when its session moves away. */
	const bool gone =
	    slot->slot == 0 || (frees && slot->changes->kind == EFFECT_MOVE && !claim_listed(slot->view.word));
	const bool refused = gone && !desk->unlisted_slots;
	return (struct outcome){.code = refused ? OUTCOME_NOSLOT : OUTCOME_DONE, .lsn = slot->lsn};
}

/* May the change take this place? */
static struct standing judge_place(struct group_round *round, const struct group_change *change, uint32_t place)
{
	struct desk *desk = round->desk;
	const struct group_slot *slot = round_slot(round, round->keys[place]);
	if (slot == NULL) {
		return (struct standing){.outcome.code = OUTCOME_NOSLOT};
	}
	const struct occupant occupant = occupant_of(round, slot);
	if (change->verb != GROUP_MOVE && is_clients(round, slot, &occupant, change->client)) {
		return standing_of_own(change, slot, &occupant);
	}
	uint64_t lsn = slot->slot != 0 ? slot->lsn : 0;
	if (desk_has_started(desk, slot->key, round->wall_ms, &lsn)) {
		return (struct standing){.outcome = {.code = OUTCOME_PAST, .lsn = lsn}};
	}
	if (occupant.somebody) {
		const enum outcome_code code = occupant.blocked ? OUTCOME_BLOCKED
					       : occupant.held  ? OUTCOME_HELD
								: OUTCOME_TAKEN;
		return (struct standing){.outcome = {.code = code, .lsn = slot->lsn}};
	}
	return (struct standing){.outcome = judge_free(round, slot)};
}

/* The slot is the client's by this session: a hold is booked, what the client asks for otherwise stands. False: it is not as
 * the slot said. */
static bool have(struct group_round *round, struct group_slot *slot, bool commits, struct group_effect *effect)
{
	const struct slot_view *view = &slot->view;
	struct session_view seen;
	if (slot->takes != NULL || slot->changes != NULL) {
		return true; /* by what this group does */
	}
	if (!table_session_view(round->desk->table, view->session, &seen) || seen.lsn != view->lsn ||
	    desk_hold_is_over(round->desk, seen.expires_ms)) {
		return false;
	}
	*effect = (struct group_effect){.kind = EFFECT_KEEP, .seen = seen};
	if (commits) {
		effect->kind = EFFECT_STATUS;
		effect->to = SESSION_BOOKED;
		slot->changes = effect;
	}
	return true;
}

/* The first place that is the client's, or else the first that is free, or else the refusal of the first, which depends on
 * all of them. */
static bool judge_claim(struct group_round *round, struct group_change *change, struct group_effect *effect)
{
	struct standing chosen = {.outcome.code = OUTCOME_DONE};
	bool found = false;
	uint64_t lsn = 0;
	for (uint32_t place = change->first; place < change->first + change->count && !chosen.mine; place++) {
		const struct standing standing = judge_place(round, change, place);
		const bool done = standing.outcome.code == OUTCOME_DONE;
		lsn = lsn_later(lsn, standing.outcome.lsn);
		if (standing.mine || (done && !found) || place == change->first) {
			chosen = standing;
			change->place = place;
		}
		found = found || done;
	}
	change->outcome = chosen.outcome;
	if (chosen.outcome.code != OUTCOME_DONE) {
		change->outcome.lsn = lsn;
		return true;
	}
	struct group_slot *slot = round_slot(round, round->keys[change->place]);
	if (chosen.mine) {
		return have(round, slot, chosen.commits, effect);
	}
	const enum session_status to = change->verb == GROUP_HOLD ? SESSION_HELD : SESSION_BOOKED;
	*effect = (struct group_effect){.kind = EFFECT_CLAIM, .slot = slot, .to = to};
	slot->takes = effect;
	return true;
}

/* ----------------------------------------------------------------------------------------------------------- sessions */

/* What the changes before do with a session that has no slot (else the slot knows), or NULL. */
static const struct group_effect *effect_on(const struct group_round *round, uint64_t session, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct group_effect *effect = &round->effects[i];
		if (effect->kind == EFFECT_STATUS && effect->seen.id == session) {
			return effect;
		}
	}
	return NULL;
}

/* Where a MOVE leads, by its place alone: true, it is to be made. */
static bool judge_move(struct group_round *round, struct group_change *change, uint64_t from_key, bool moved)
{
	if (round->keys[change->first] != from_key) {
		/* What is said of the slot says as well that the session could be moved [I2]. */
		const uint64_t lsn = change->outcome.lsn;
		change->outcome = judge_place(round, change, change->first).outcome;
		change->outcome.lsn = lsn_later(change->outcome.lsn, lsn);
		return change->outcome.code == OUTCOME_DONE;
	}
	change->outcome.code = moved ? OUTCOME_DONE : OUTCOME_THERE; /* asked again [I10] */
	return false;
}

/* A session and the slot it has, as seen. */
struct pair {
	struct session_view seen;
	struct group_slot *slot;           /* NULL: it has none */
	const struct group_effect *before; /* what the changes before do with it, or NULL */
};

/* False: the two do not agree. */
static bool look_at_pair(struct group_round *round, uint32_t i, struct pair *pair)
{
	const struct session_view *seen = &pair->seen;
	pair->slot = session_occupies(seen->status) ? round_slot(round, seen->key) : NULL;
	if (!session_occupies(seen->status)) {
		pair->before = effect_on(round, seen->id, i);
		return true;
	}
	const struct group_slot *slot = pair->slot;
	pair->before = slot != NULL ? slot->changes : NULL;
	return slot != NULL && slot->slot != 0 && slot->view.session == seen->id && slot->view.lsn == seen->lsn &&
	       !desk_hold_is_over(round->desk, seen->expires_ms);
}

static bool judge_session(struct group_round *round, uint32_t i)
{
	struct group_change *change = &round->group->changes[i];
	struct group_effect *effect = &round->effects[i];
	struct desk *desk = round->desk;
	const bool moves = change->verb == GROUP_MOVE;
	struct pair pair;
	struct session_view *seen = &pair.seen;
	if (!table_session_view(desk->table, change->session, seen)) {
		change->outcome = (struct outcome){.code = OUTCOME_NOSESSION, .lsn = table_removed_lsn(desk->table)};
		return true;
	}
	/* The same psychologist as before: not the one that the places were collected with? */
	const bool follows = moves && round->group->places[change->first].psychologist.size == 0;
	if (!look_at_pair(round, i, &pair) ||
	    (follows && key_psychologist(round->keys[change->first]) != key_psychologist(seen->key))) {
		return false;
	}
	const struct session_view now = *seen;
	if (pair.before != NULL) {
		seen->status = pair.before->to;
		seen->key = pair.before->kind == EFFECT_MOVE ? pair.before->slot->key : seen->key;
	}
	uint64_t lsn = seen->lsn;
	const unsigned facts =
	    desk_facts(desk, seen, change->hold_seconds, round->now_ms, &lsn) & ~(unsigned)LIFE_IS_OVER;
	const enum life_command command = moves ? LIFE_RESCHEDULE : change->command;
	const enum life_verdict verdict = life_judge(seen->status, command, facts, &effect->to);
	change->outcome = (struct outcome){.code = desk_outcome_of(verdict), .lsn = lsn, .status = seen->status};
	change->outcome.expires_ms = round->now_ms + UINT64_C(1000) * change->hold_seconds;
	if (verdict != LIFE_CHANGES ||
	    (moves && !judge_move(round, change, seen->key, seen->status == SESSION_RESCHEDULED))) {
		effect->kind = pair.before == NULL ? EFFECT_KEEP : EFFECT_NONE; /* if it is not refused */
		effect->seen = now;
		return true;
	}
	if (pair.before != NULL) {
		change->outcome.code = OUTCOME_TWICE;
		return true;
	}
	effect->kind = moves ? EFFECT_MOVE : EFFECT_STATUS;
	effect->seen = now;
	if (pair.slot != NULL) {
		pair.slot->changes = effect;
	}
	if (moves) {
		change->place = change->first;
		effect->slot = round_slot(round, round->keys[change->first]);
		effect->slot->takes = effect;
	}
	return true;
}

bool round_judge_change(struct group_round *round, uint32_t i)
{
	struct group_change *change = &round->group->changes[i];
	round->effects[i] = (struct group_effect){.kind = EFFECT_NONE};
	change->place = change->first;
	return change->verb == GROUP_BOOK || change->verb == GROUP_HOLD ? judge_claim(round, change, &round->effects[i])
									: judge_session(round, i);
}
