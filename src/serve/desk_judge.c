/*
 * desk_judge: the first half of a round of a group (desk_group.c says what a round is): which slots it is about, what they
 * are, and what becomes of each change on top of those before it. Nothing is changed here, and nothing held.
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

/* The keys of all places and sessions. False: no memory for a psychologist of an unlisted slot. */
static bool collect(struct group_round *round)
{
	const struct group *group = round->group;
	round->slot_count = 0;
	for (uint32_t i = 0; i < group->place_count; i++) {
		const struct place *place = &group->places[i];
		struct outcome refusal;
		const uint32_t psychologist = desk_psychologist(round->desk, place->psychologist, &refusal);
		if (psychologist == 0 && refusal.code == OUTCOME_MEMORY) {
			return false;
		}
		round->keys[i] = psychologist != 0 ? key_make(psychologist, place->day, place->minute) : 0;
		add_slot(round, round->keys[i]);
	}
	for (uint32_t i = 0; i < group->change_count; i++) {
		struct session_view session;
		if (group->changes[i].verb == GROUP_CANCEL &&
		    table_session_view(round->desk->table, group->changes[i].session, &session)) {
			add_slot(round, session.key);
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

/* May the client book this place, as the changes before leave it? DONE with a value: it is the client's already. */
static struct outcome judge_place(const struct group_round *round, uint32_t place, struct span client,
				  const struct group_slot *slot)
{
	struct desk *desk = round->desk;
	if (slot == NULL) {
		return (struct outcome){.code = OUTCOME_NOSLOT};
	}
	if (slot->books != NULL) {
		const bool same = span_equal(slot->books->client, client);
		return (struct outcome){.code = same ? OUTCOME_DONE : OUTCOME_TAKEN, .lsn = slot->lsn};
	}
	const struct slot_view *view = &slot->view;
	const bool occupied = slot->slot != 0 && !view->free && slot->cancels == NULL;
	const bool mine = occupied && view->kind == CLAIM_SESSION && view->status != SESSION_HELD &&
			  view->client == intern_find(&desk->table->clients, client);
	if (mine) {
		return (struct outcome){.code = OUTCOME_DONE, .lsn = slot->lsn, .value = view->session};
	}
	const struct place *at = &round->group->places[place];
	if (desk_has_started(desk, at->day, at->minute, round->now_ms)) {
		return (struct outcome){.code = OUTCOME_PAST, .lsn = slot->slot != 0 ? slot->lsn : 0};
	}
	if (occupied) {
		return (struct outcome){.code = desk_refusal(view), .lsn = slot->lsn};
	}
	uint64_t lsn = slot->lsn;
	if (slot->cancels != NULL && table_is_busy(desk->table, slot->key, view->minutes, &lsn)) {
		return (struct outcome){.code = OUTCOME_BLOCKED, .lsn = lsn}; /* once its session is cancelled */
	}
	if (slot->slot == 0 && !desk->unlisted_slots) {
		return (struct outcome){.code = OUTCOME_NOSLOT, .lsn = slot->lsn};
	}
	return (struct outcome){.code = OUTCOME_DONE, .lsn = slot->lsn};
}

/* The first place that is the client's, or else the first that is free, or else the refusal of the first, which depends on
 * all of them. */
static void judge_booking(struct group_round *round, struct group_change *change)
{
	bool found = false;
	uint64_t lsn = 0;
	struct group_slot *chosen = NULL;
	for (uint32_t place = change->first; place < change->first + change->count; place++) {
		struct group_slot *slot = round_slot(round, round->keys[place]);
		const struct outcome outcome = judge_place(round, place, change->client, slot);
		const bool done = outcome.code == OUTCOME_DONE;
		const bool mine = done && (outcome.value != 0 || slot->books != NULL);
		lsn = lsn_later(lsn, outcome.lsn);
		if (mine || (done && !found) || place == change->first) {
			change->outcome = outcome;
			change->place = place;
			chosen = slot;
		}
		found = found || done;
		if (mine) {
			return;
		}
	}
	if (found) {
		chosen->books = change;
	} else {
		change->outcome.lsn = lsn;
	}
}

/* What desk_cancel would say of a session that the group has not cancelled yet; DONE: it is, or can be. */
static enum outcome_code judge_status(enum session_status from)
{
	enum session_status to;
	switch (life_judge(from, LIFE_CANCEL, 0, &to)) {
	case LIFE_STANDS:
	case LIFE_CHANGES:
		return OUTCOME_DONE;
	case LIFE_EXPIRED:
		return OUTCOME_EXPIRED;
	default:
		return OUTCOME_STATE;
	}
}

/* False: the session and its slot do not agree, somebody changed them in between, or time did. */
static bool judge_cancellation(struct group_round *round, struct group_change *change)
{
	struct desk *desk = round->desk;
	struct session_view session;
	if (!table_session_view(desk->table, change->session, &session)) {
		change->outcome = (struct outcome){.code = OUTCOME_NOSESSION, .lsn = table_removed_lsn(desk->table)};
		return true;
	}
	struct group_slot *slot = round_slot(round, session.key);
	const bool again = slot != NULL && slot->cancels != NULL && slot->ended.id == session.id;
	change->outcome =
	    (struct outcome){.code = judge_status(session.status), .lsn = session.lsn, .status = session.status};
	if (again || !session_occupies(session.status)) {
		return true;
	}
	if (slot == NULL || slot->slot == 0 || slot->view.session != session.id || slot->view.lsn != session.lsn ||
	    desk_hold_is_over(desk, session.expires_ms)) {
		return false;
	}
	if (change->outcome.code == OUTCOME_DONE) {
		slot->cancels = change;
		slot->ended = session;
	}
	return true;
}

enum group_step round_judge(struct group_round *round)
{
	struct group *group = round->group;
	if (!collect(round)) {
		group->changes[0].outcome = (struct outcome){.code = OUTCOME_MEMORY};
		return STEP_REFUSED;
	}
	sort(round);
	if (!look(round)) {
		group->changes[0].outcome = (struct outcome){.code = OUTCOME_LIMIT};
		return STEP_REFUSED;
	}
	bool refused = false;
	for (uint32_t i = 0; i < group->change_count; i++) {
		struct group_change *change = &group->changes[i];
		if (change->verb == GROUP_BOOK) {
			judge_booking(round, change);
		} else if (!judge_cancellation(round, change)) {
			return STEP_AGAIN;
		}
		refused = refused || change->outcome.code != OUTCOME_DONE;
	}
	return refused ? STEP_REFUSED : STEP_READY;
}
