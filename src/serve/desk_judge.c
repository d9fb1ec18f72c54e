/*
 * desk_judge: the first half of a round of a group (desk_group.c says what a round is): which slots it is about, what they are,
 * and what becomes of each change (desk_judge_change.c). Nothing is changed here but holds that are over, and nothing held.
 */
#include "desk_parts.h"
#include "desk_round.h"
#include <base/check.h>
#include <stdlib.h>

/* ----------------------------------------------------------------------------------------------------- collect and look */

static int compare_slots(const void *a, const void *b)
{
	const uint64_t left = ((const struct group_slot *)a)->key;
	const uint64_t right = ((const struct group_slot *)b)->key;
	return left < right ? -1 : left > right;
}

struct group_slot *round_slot(struct group_round *round, uint64_t key)
{
	const struct group_slot wanted = {.key = key};
	return bsearch(&wanted, round->slots, round->slot_count, sizeof wanted, compare_slots);
}

static void add_slot(struct group_round *round, uint64_t key)
{
	if (key != 0) {
		round->slots[round->slot_count++] = (struct group_slot){.key = key};
	}
}

/* The keys of the places of a change. False: no memory for a psychologist of an unlisted slot. */
static bool collect_places(struct group_round *round, const struct group_change *change, uint64_t session_key)
{
	for (uint32_t i = change->first; i < change->first + change->count; i++) {
		const struct place *place = &round->group->places[i];
		struct outcome refusal = {.code = OUTCOME_DONE};
		const uint32_t psychologist = place->psychologist.size == 0
						  ? key_psychologist(session_key)
						  : desk_psychologist(round->desk, place->psychologist, &refusal);
		if (psychologist == 0 && refusal.code == OUTCOME_MEMORY) {
			return false;
		}
		round->keys[i] = psychologist != 0 ? key_make(psychologist, place->day, place->minute) : 0;
		add_slot(round, round->keys[i]);
	}
	return true;
}

/* The keys of all places and sessions. False, as above. */
static bool collect(struct group_round *round)
{
	const struct group *group = round->group;
	round->slot_count = 0;
	memset(round->keys, 0, group->place_count * sizeof round->keys[0]);
	for (uint32_t i = 0; i < group->change_count; i++) {
		const struct group_change *change = &group->changes[i];
		struct session_view session = {.key = 0};
		if ((change->verb == GROUP_MOVE || change->verb == GROUP_CHANGE) &&
		    table_session_view(round->desk->table, change->session, &session)) {
			add_slot(round, session.key);
		}
		if (!collect_places(round, change, session.key)) {
			return false;
		}
	}
	return true;
}

/* Sorts them, so that each is there once. */
static void sort(struct group_round *round)
{
	qsort(round->slots, round->slot_count, sizeof round->slots[0], compare_slots);
	uint32_t count = 0;
	for (uint32_t i = 0; i < round->slot_count; i++) {
		if (count == 0 || round->slots[count - 1].key != round->slots[i].key) {
			round->slots[count++] = round->slots[i];
		}
	}
	round->slot_count = count;
}

static void look_at(const struct table *table, struct group_slot *slot)
{
	slot->slot = table_find(table, slot->key);
	if (slot->slot != 0 && table_view(table, slot->slot, slot->key, &slot->view)) {
		slot->lsn = slot->view.lsn;
	} else {
		slot->slot = 0;
		slot->lsn = table_removed_lsn(table);
	}
}

/* A hold that is over becomes expired by a record of its own, which stays if the group is refused. False: the log, which made
 * room for one record, has none for all of these and the group as well. */
static bool look(struct group_round *round)
{
	struct desk *desk = round->desk;
	for (uint32_t i = 0; i < round->slot_count; i++) {
		struct group_slot *slot = &round->slots[i];
		look_at(desk->table, slot);
		while (slot->slot != 0 && desk_hold_is_over(desk, slot->view.expires_ms)) {
			if (!round_has_room(round, DESK_EXPIRE_SIZE)) {
				return false;
			}
			desk_expire(desk, slot->view.session);
			round->appended += DESK_EXPIRE_SIZE;
			look_at(desk->table, slot);
		}
	}
	return true;
}

bool round_has_room(const struct group_round *round, size_t size)
{
	const struct wal *wal = desk_wal(round->desk);
	return wal_has_room(wal) || round->appended + size <= wal_record_size(wal);
}

/* --------------------------------------------------------------------------------------------------------------- judge */

/* By the session's id; what changes it before what keeps it. */
static int compare_states(const void *a, const void *b, void *context)
{
	const struct group_effect *effects = context;
	const struct group_effect *left = &effects[*(const uint32_t *)a];
	const struct group_effect *right = &effects[*(const uint32_t *)b];
	if (left->seen.id != right->seen.id) {
		return left->seen.id < right->seen.id ? -1 : 1;
	}
	return (left->kind == EFFECT_KEEP) - (right->kind == EFFECT_KEEP);
}

/* A session that is changed as well, or kept for another change, is taken once. False: it was not seen the same each time. */
static bool take_once(struct group_round *round)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < round->state_count; i++) {
		const struct session_view *seen = &round->effects[round->states[i]].seen;
		const struct session_view *last = &round->effects[round->states[count - (count > 0)]].seen;
		if (count == 0 || last->id != seen->id) {
			round->states[count++] = round->states[i];
		} else if (last->state != seen->state) {
			return false;
		}
	}
	round->state_count = count;
	return true;
}

/* In which order sessions are taken. False, as above. */
static bool order_states(struct group_round *round)
{
	round->state_count = 0;
	round->moves = false;
	for (uint32_t i = 0; i < round->group->change_count; i++) {
		const enum group_effect_kind kind = round->effects[i].kind;
		if (kind == EFFECT_STATUS || kind == EFFECT_MOVE || kind == EFFECT_KEEP) {
			round->states[round->state_count++] = i;
			round->moves = round->moves || kind == EFFECT_MOVE;
		}
	}
	qsort_r(round->states, round->state_count, sizeof round->states[0], compare_states, round->effects);
	return take_once(round);
}

enum group_step round_judge(struct group_round *round)
{
	struct group *group = round->group;
	round->wall_ms = clock_wall_ms(round->desk->clock);
	round->now_ms = desk_now_ms(round->desk);
	if (!collect(round)) {
		group->changes[0].outcome = (struct outcome){.code = OUTCOME_MEMORY};
		return STEP_REFUSED;
	}
	sort(round);
	if (!look(round)) {
		group->changes[0].outcome = (struct outcome){.code = OUTCOME_FULL};
		return STEP_REFUSED;
	}
	bool refused = false;
	for (uint32_t i = 0; i < group->change_count; i++) {
		if (!round_judge_change(round, i)) {
			return STEP_AGAIN;
		}
		refused = refused || group->changes[i].outcome.code != OUTCOME_DONE;
	}
	if (refused) {
		return STEP_REFUSED;
	}
	return order_states(round) ? STEP_READY : STEP_AGAIN;
}
