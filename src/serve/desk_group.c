/*
 * desk_group: several changes together. See serve/group.h.
 *
 * One round:
 *
 *   collect   which slots it is about, once each, in order of their keys
 *   look      at each, waiting for what is not settled: nothing is held yet; a hold that is over is made expired
 *   judge     the changes in their order, each on top of those before
 *   prepare   sessions, tokens, memory, entries of holds, room in the record: everything that can fail [I5]
 *   take      compare-and-swaps from what was seen, waiting for nobody [I1]: first the states of the sessions that change,
 *             move, or are what a change asks for already, in order of their ids, then the words of the slots that are taken,
 *             in order of their keys
 *             lost one? all that were taken are given back, and the next round begins
 *   finish    the sessions that change become what they will be, one record is appended, all are settled with its lsn [I4]
 *
 * Why there is no deadlock: between the first swap and the last settling nothing is waited for, so whoever waits for a
 * session of this group waits for a bounded time, and for nobody who waits. The lock of moves, which a group that moves a
 * session has up to its append, comes before the first swap.
 *
 * Why somebody always gets on: a swap fails because another's has succeeded. Did that one come through, then it got on. If
 * it was given back, its group failed at something later in the order, since it takes in that order, as a single RESCHEDULE
 * does (its session, then its slot); that was held by yet another group, and so on. The order only rises along this chain,
 * so it ends with one that fails nowhere.
 *
 * A session that is as a change asks already is taken like the others, though nothing becomes of it: else somebody else's
 * change of it could come before this group in the log, whose answer says that it was so at that moment [I2, I4]. Once the
 * record is appended it is as it was.
 *
 * A slot may be left and taken in one group. Then its session, which is not settled, keeps everybody else from it: only the
 * session's swap can be lost, and the slot is taken in finish, when what left it has renewed the promise of its memory. They
 * are settled in the order of the changes: the session that leaves a slot before the one that takes it, so that the slot stays
 * where it is until both are (table_moved).
 */
#include "desk_parts.h"
#include "desk_round.h"
#include <base/check.h>

/* ---------------------------------------------------------------------------------------------------- the group itself */

void group_init(struct group *group)
{
	group->change_count = 0;
	group->place_count = 0;
	group->slot_count = 0;
}

struct group_change *group_add(struct group *group, enum group_verb verb)
{
	if (group->slot_count == GROUP_SLOTS_MAX) {
		return NULL;
	}
	group->slot_count += verb == GROUP_MOVE || verb == GROUP_CHANGE;
	struct group_change *change = &group->changes[group->change_count++];
	*change = (struct group_change){.verb = verb, .first = group->place_count};
	return change;
}

struct place *group_add_place(struct group *group)
{
	CHECK(group->change_count > 0);
	struct group_change *last = &group->changes[group->change_count - 1];
	CHECK(last->verb != GROUP_CHANGE);
	if (group->slot_count == GROUP_SLOTS_MAX) {
		return NULL;
	}
	group->slot_count++;
	last->count++;
	return &group->places[group->place_count++];
}

/* ------------------------------------------------------------------------------------------------------------- prepare */

/* What was prepared for claims that are not made. */
static void give_prepared(struct group_round *round)
{
	for (uint32_t i = 0; i < round->group->change_count; i++) {
		struct group_effect *effect = &round->effects[i];
		if (effect->hold != 0) {
			holds_release(&round->desk->holds, effect->hold);
		}
		if (effect->session != 0) {
			table_session_give(round->desk->table, effect->session);
		}
		effect->hold = effect->session = 0;
	}
}

/* How many live holds of the client the changes before the i-th end. */
static uint32_t holds_ending(const struct group_round *round, uint32_t i, uint32_t client)
{
	uint32_t ending = 0;
	for (uint32_t before = 0; before < i; before++) {
		const struct group_effect *effect = &round->effects[before];
		ending += effect->kind == EFFECT_STATUS && effect->seen.client == client &&
			  effect->seen.status == SESSION_HELD && effect->to != SESSION_HELD;
	}
	return ending;
}

/* The entry of a HOLD; false: *outcome says why there is none. */
static bool prepare_hold(struct group_round *round, uint32_t i, struct outcome *outcome)
{
	struct group_effect *effect = &round->effects[i];
	const uint32_t ending = holds_ending(round, i, effect->client);
	if (!round_has_room(round, DESK_EXPIRE_SIZE)) {
		*outcome = (struct outcome){.code = OUTCOME_FULL};
		return false;
	}
	round->appended += DESK_EXPIRE_SIZE; /* if a hold of somebody's that is over makes room for it */
	return desk_reserve_hold(round->desk, effect->client, ending, &effect->hold, outcome);
}

/* What a change needs beside its record. AGAIN: an unlisted slot was made for it, and is to be looked at. REFUSED: *outcome. */
static enum group_step prepare_change(struct group_round *round, uint32_t i, struct outcome *outcome)
{
	struct table *table = round->desk->table;
	struct group_effect *effect = &round->effects[i];
	*outcome = (struct outcome){.code = OUTCOME_MEMORY};
	if (effect->slot == NULL) {
		return STEP_READY;
	}
	if (effect->slot->slot == 0) {
		bool added;
		const uint64_t word = claim_make(CLAIM_OPEN, 0, 0);
		return table_add(table, effect->slot->key, word, false, &added) != 0 ? STEP_AGAIN : STEP_REFUSED;
	}
	if (effect->kind != EFFECT_CLAIM) {
		return STEP_READY;
	}
	/* As for a BOOK: a listed slot has its booking's memory promised since it was opened, or will have once its session
	 * has left it. */
	const bool promised = claim_listed(effect->slot->view.word);
	effect->client = intern_add(&table->clients, round_change(round, effect)->client, promised);
	if (effect->client == 0 || (effect->to == SESSION_HELD && !prepare_hold(round, i, outcome))) {
		return STEP_REFUSED;
	}
	effect->session = table_session_take(table, promised);
	return effect->session != 0 ? STEP_READY : STEP_REFUSED;
}

/* Everything that can fail [I5]. Unless it is READY, nothing is left of it but tokens and unlisted slots. */
static enum group_step prepare(struct group_round *round)
{
	struct group *group = round->group;
	enum group_step result = STEP_READY;
	for (uint32_t i = 0; i < group->change_count && result != STEP_REFUSED; i++) {
		struct outcome outcome;
		const enum group_step step = prepare_change(round, i, &outcome);
		result = step == STEP_READY ? result : step;
		if (step == STEP_REFUSED) {
			/* Memory is short for all of them, not for this one. */
			group->changes[outcome.code == OUTCOME_MEMORY ? 0 : i].outcome = outcome;
		}
	}
	const enum outcome_code fits = result == STEP_READY ? round_fits(round) : OUTCOME_DONE;
	if (fits != OUTCOME_DONE) {
		group->changes[0].outcome = (struct outcome){.code = fits};
		result = STEP_REFUSED;
	}
	if (result != STEP_READY) {
		give_prepared(round);
	}
	return result;
}

/* ---------------------------------------------------------------------------------------------------------------- take */

/* The slot as it is for who takes it: also one that a session of the group leaves. */
static struct slot_view free_view(const struct group_slot *slot)
{
	struct slot_view view = slot->view;
	view.free = true;
	return view;
}

/* One compare-and-swap. False: it is not as it was seen any more. */
static bool take_state(struct group_round *round, const struct group_effect *effect)
{
	struct table *table = round->desk->table;
	if (effect->kind == EFFECT_KEEP) {
		return table_keep(table, &effect->seen);
	}
	return effect->kind == EFFECT_MOVE ? table_move_begin(table, &effect->seen, effect->slot->key)
					   : table_change_begin(table, &effect->seen, effect->to);
}

/* The same. */
static bool take_slot(struct group_round *round, const struct group_slot *slot)
{
	struct table *table = round->desk->table;
	struct group_effect *effect = slot->takes;
	const struct slot_view view = free_view(slot);
	if (effect->kind == EFFECT_MOVE) {
		return table_move_take(table, &effect->seen, slot->slot, &view);
	}
	effect->id = effect->to == SESSION_HELD
			 ? table_hold(table, slot->slot, &view, effect->session, effect->client, round->now_ms,
				      round_change(round, effect)->hold_seconds)
			 : table_claim(table, slot->slot, &view, effect->session, effect->client, round->now_ms);
	return effect->id != 0;
}

static void give_slot_back(struct group_round *round, const struct group_slot *slot)
{
	struct table *table = round->desk->table;
	struct group_effect *effect = slot->takes;
	const struct slot_view view = free_view(slot);
	if (effect->kind == EFFECT_MOVE) {
		table_move_give(table, slot->slot, &view);
	} else {
		table_unclaim(table, slot->slot, &view, effect->id);
		effect->session = 0;
	}
}

static bool take_states(struct group_round *round, uint32_t *taken)
{
	for (*taken = 0; *taken < round->state_count; ++*taken) {
		if (!take_state(round, &round->effects[round->states[*taken]])) {
			return false;
		}
	}
	return true;
}

/* Is it taken with the others, or in finish? */
static bool is_free_already(const struct group_slot *slot)
{
	return slot->takes != NULL && !round_frees(slot);
}

static bool take_slots(struct group_round *round, uint32_t *taken)
{
	for (*taken = 0; *taken < round->slot_count; ++*taken) {
		const struct group_slot *slot = &round->slots[*taken];
		if (is_free_already(slot) && !take_slot(round, slot)) {
			return false;
		}
	}
	return true;
}

/* All of them, or none. */
static bool take(struct group_round *round)
{
	uint32_t states;
	uint32_t slots = 0;
	if (take_states(round, &states) && take_slots(round, &slots)) {
		return true;
	}
	while (slots > 0) {
		if (is_free_already(&round->slots[--slots])) {
			give_slot_back(round, &round->slots[slots]);
		}
	}
	while (states > 0) {
		table_change_undo(round->desk->table, &round->effects[round->states[--states]].seen);
	}
	return false;
}

/* -------------------------------------------------------------------------------------------------------------- finish */

/* The sessions are what they will be, and the slots that some of them left are taken. */
static void end_changes(struct group_round *round)
{
	struct table *table = round->desk->table;
	for (uint32_t i = 0; i < round->group->change_count; i++) {
		const struct group_effect *effect = &round->effects[i];
		if (effect->kind == EFFECT_STATUS) {
			table_change_end(table, &effect->seen, round->now_ms,
					 round_change(round, effect)->hold_seconds);
		} else if (effect->kind == EFFECT_MOVE) {
			table_move_end(table, &effect->seen, &effect->slot->view, round->now_ms);
		}
	}
	for (uint32_t i = 0; i < round->slot_count; i++) {
		const struct group_slot *slot = &round->slots[i];
		/* Nobody else can have come near it. */
		const bool taken = slot->takes == NULL || !round_frees(slot) || take_slot(round, slot);
		CHECK(taken);
	}
}

/* As it is for the counters: an unlisted slot that its session left was none for a moment. */
static struct slot_view counted_view(const struct group_slot *slot)
{
	struct slot_view view = slot->view;
	if (round_frees(slot) && slot->changes->kind == EFFECT_MOVE && !claim_listed(view.word)) {
		view.lsn = 0;
	}
	return view;
}

static void settle_claim(struct group_round *round, const struct group_effect *effect, uint64_t lsn)
{
	const struct slot_view view = counted_view(effect->slot);
	if (effect->hold != 0) {
		const uint64_t hold_ms = UINT64_C(1000) * round_change(round, effect)->hold_seconds;
		holds_begin(&round->desk->holds, effect->hold, effect->id, round->now_ms + hold_ms);
	}
	table_settle(round->desk->table, effect->id, lsn);
	desk_count_claim(round->desk, &view, effect->hold != 0);
}

static void settle_status(struct group_round *round, const struct group_effect *effect, uint64_t lsn)
{
	const uint64_t hold_ms = UINT64_C(1000) * round_change(round, effect)->hold_seconds;
	desk_note_hold(round->desk, &effect->seen, effect->to, round->now_ms + hold_ms);
	const bool blocked = table_settle(round->desk->table, effect->seen.id, lsn);
	desk_count_change(round->desk, &effect->seen, effect->to);
	desk_count_blocked(round->desk, blocked);
}

static void settle_move(struct group_round *round, const struct group_effect *effect, uint64_t lsn)
{
	const struct slot_view view = counted_view(effect->slot);
	const bool blocked = table_moved(round->desk->table, &effect->seen, lsn);
	desk_count_move(round->desk, &effect->seen, &view);
	desk_count_blocked(round->desk, blocked);
}

static void settle(struct group_round *round, uint64_t lsn)
{
	for (uint32_t i = 0; i < round->group->change_count; i++) {
		const struct group_effect *effect = &round->effects[i];
		if (effect->kind == EFFECT_CLAIM) {
			settle_claim(round, effect, lsn);
		} else if (effect->kind == EFFECT_STATUS) {
			settle_status(round, effect, lsn);
		} else if (effect->kind == EFFECT_MOVE) {
			settle_move(round, effect, lsn);
		}
	}
	for (uint32_t i = 0; i < round->state_count; i++) {
		const struct group_effect *effect = &round->effects[round->states[i]];
		if (effect->kind == EFFECT_KEEP) {
			table_change_undo(round->desk->table, &effect->seen);
		}
	}
}

/* Tells each claim its session, also who asked again for what the group claims. Returns the lsn that all depends on. */
static uint64_t answer(struct group_round *round, uint64_t appended_lsn)
{
	struct group *group = round->group;
	uint64_t lsn = appended_lsn;
	for (uint32_t i = 0; i < group->change_count; i++) {
		struct group_change *change = &group->changes[i];
		const bool claims = change->verb == GROUP_BOOK || change->verb == GROUP_HOLD;
		if (claims && change->outcome.value == 0) {
			const struct group_effect *effect = round_slot(round, round->keys[change->place])->takes;
			const uint64_t hold_ms = UINT64_C(1000) * round_change(round, effect)->hold_seconds;
			change->outcome.value = effect->id;
			change->outcome.expires_ms = hold_ms != 0 ? round->now_ms + hold_ms : 0;
		}
		lsn = lsn_later(lsn, change->outcome.lsn);
	}
	return lsn;
}

/* Takes all, and remembers it. Returns the lsn, 0 if nothing changes; false: one was lost. The lock of moves, which only some
 * need, is more than the analysis can follow. */
static bool take_and_append(struct group_round *round, uint64_t *lsn) NOT_ANALYSED
{
	if (round->moves) {
		table_moves_lock(round->desk->table);
	}
	const bool taken = take(round);
	if (taken) {
		end_changes(round);
		*lsn = round_append(round);
	}
	if (round->moves) {
		table_moves_unlock(round->desk->table);
	}
	return taken;
}

/* A MOVE to the same psychologist names none. */
static struct place place_of(const struct group_round *round, const struct group_change *change)
{
	struct place place = round->group->places[change->first];
	const uint32_t psychologist = key_psychologist(round->keys[change->first]);
	if (place.psychologist.size == 0 && psychologist != 0) {
		place.psychologist = intern_token(&round->desk->table->psychologists, psychologist);
	}
	return place;
}

/* The first refusal, at the lsn that all of it depends on: that the others were not refused is part of the answer [I2]. */
static struct outcome refusal(const struct group_round *round)
{
	const struct group *group = round->group;
	struct outcome first = {.code = OUTCOME_DONE};
	for (uint32_t i = 0; i < group->change_count; i++) {
		const struct group_change *change = &group->changes[i];
		const struct outcome *outcome = &change->outcome;
		if (change->verb != GROUP_CHANGE) {
			const struct place place = place_of(round, change);
			desk_count_lost(round->desk, &place, outcome->code);
		}
		const uint64_t lsn = lsn_later(first.lsn, outcome->lsn);
		if (first.code == OUTCOME_DONE) {
			first = *outcome;
		}
		first.lsn = lsn;
	}
	CHECK(first.code != OUTCOME_DONE);
	return first;
}

struct outcome desk_group(struct desk *desk, struct group *group)
{
	CHECK(group->change_count > 0);
	struct group_round round;
	round.desk = desk;
	round.group = group;
	round.appended = 0;
	for (;;) {
		uint64_t lsn;
		enum group_step step = round_judge(&round);
		if (step == STEP_READY) {
			step = prepare(&round);
		}
		if (step == STEP_REFUSED) {
			return refusal(&round);
		}
		if (step == STEP_READY && take_and_append(&round, &lsn)) {
			settle(&round, lsn);
			return (struct outcome){.code = OUTCOME_DONE, .lsn = answer(&round, lsn)};
		}
		if (step == STEP_READY) {
			give_prepared(&round);
		}
	}
}
