/*
 * desk_group: several changes together. See serve/group.h.
 *
 * One round:
 *
 *   collect   which slots it is about, once each, in order of their keys
 *   look      at each, waiting for what is not settled: nothing is held yet; a hold that is over is made expired
 *   judge     the changes in their order, each on top of those before
 *   prepare   sessions, tokens, memory, room in the record: everything that can fail [I5]
 *   take      one compare-and-swap a slot, from what was seen, in order of the keys, waiting for nobody [I1]
 *             lost one? all that were taken are given back, and the next round begins
 *   finish    the cancelled are ended, one record is appended, all are settled with its lsn [I4]
 *
 * Why there is no deadlock: between the first swap and the last settling nothing is waited for, so whoever waits for a
 * session of this group waits for a bounded time, and for nobody who waits.
 *
 * Why somebody always gets on: a swap fails because another's has succeeded. Did that one come through, then it got on. If
 * it was given back, its group failed at a slot with a higher key, since it takes them in their order; that one was held by
 * yet another group, and so on. Keys only rise along this chain, so it ends with one that fails nowhere.
 *
 * The cancellation of a session keeps everybody else from its slot: the slot's word means a session that is not settled.
 * So where a slot is cancelled and booked in one group, only the cancellation can be lost, and the claim follows in finish,
 * when the cancellation has renewed the promise it is made on.
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
	group->slot_count += verb == GROUP_CANCEL;
	struct group_change *change = &group->changes[group->change_count++];
	*change = (struct group_change){.verb = verb, .first = group->place_count};
	return change;
}

struct place *group_add_place(struct group *group)
{
	CHECK(group->change_count > 0);
	struct group_change *last = &group->changes[group->change_count - 1];
	CHECK(last->verb == GROUP_BOOK);
	if (group->slot_count == GROUP_SLOTS_MAX) {
		return NULL;
	}
	group->slot_count++;
	last->count++;
	return &group->places[group->place_count++];
}

/* ----------------------------------------------------------------------------------------------------------- the record */

/* What the log is to remember of a change; false: it changes nothing. */
static bool record_of(struct group_round *round, const struct group_change *change, struct record *record)
{
	if (change->verb == GROUP_CANCEL) {
		for (uint32_t i = 0; i < round->slot_count; i++) {
			const struct group_slot *slot = &round->slots[i];
			if (slot->cancels == change) {
				*record = (struct record){.type = RECORD_CANCEL,
							  .at_ms = round->now_ms,
							  .session = change->session,
							  .day = key_day(slot->key),
							  .reason = change->reason};
				return true;
			}
		}
		return false;
	}
	const struct group_slot *slot = round_slot(round, round->keys[change->place]);
	const struct place *place = &round->group->places[change->place];
	*record = (struct record){.type = RECORD_BOOK,
				  .at_ms = round->now_ms,
				  .session = slot->id,
				  .psychologist = place->psychologist,
				  .client = change->client,
				  .day = place->day,
				  .minute = place->minute,
				  .minutes = slot->view.minutes,
				  .unlisted = !claim_listed(slot->view.word)};
	return slot->books == change;
}

/* Encodes the members, if there is room for them; returns their size, *last is the last of them. */
static size_t encode_members(struct group_round *round, uint8_t *bytes, struct record *last, uint16_t *count)
{
	size_t size = 0;
	*count = 0;
	for (uint32_t i = 0; i < round->group->change_count; i++) {
		struct record record;
		if (record_of(round, &round->group->changes[i], &record)) {
			size += record_encode(&record, bytes + size);
			*last = record;
			++*count;
		}
	}
	return size;
}

/* Appends what has changed, a single change as a record of its own. Returns its lsn; 0 if nothing has. */
static uint64_t append(struct group_round *round)
{
	uint8_t members[RECORD_SIZE_MAX];
	struct record last;
	uint16_t count;
	const size_t size = encode_members(round, members, &last, &count);
	const struct record group = {
	    .type = RECORD_GROUP, .at_ms = round->now_ms, .member_count = count, .members = {members, size}};
	return count == 0 ? 0 : wal_append(desk_wal(round->desk), count == 1 ? &last : &group);
}

/* Does the log take all of it as one record, and has it room for that? */
static bool fits(struct group_round *round)
{
	size_t size = 0;
	uint32_t count = 0;
	for (uint32_t i = 0; i < round->group->change_count; i++) {
		struct record record;
		if (record_of(round, &round->group->changes[i], &record)) {
			size += record_size(&record);
			count++;
		}
	}
	const size_t all = count < 2 ? size : record_group_size(size);
	return all <= wal_record_size(desk_wal(round->desk)) && (count == 0 || round_has_room(round, all));
}

/* ------------------------------------------------------------------------------------------------------------- prepare */

static void give_sessions(struct group_round *round)
{
	for (uint32_t i = 0; i < round->slot_count; i++) {
		if (round->slots[i].session != 0) {
			table_session_give(round->desk->table, round->slots[i].session);
			round->slots[i].session = 0;
		}
	}
}

/* What the booking of one slot needs. AGAIN: an unlisted slot was made for it, and is to be looked at. */
static enum group_step prepare_slot(struct group_round *round, struct group_slot *slot)
{
	struct table *table = round->desk->table;
	if (slot->slot == 0) {
		bool added;
		const uint64_t word = claim_make(CLAIM_OPEN, 0, 0);
		return table_add(table, slot->key, word, false, &added) != 0 ? STEP_AGAIN : STEP_REFUSED;
	}
	/* As for a BOOK: a listed slot has its booking's memory promised since it was opened, or will have once its session
	 * is cancelled. */
	const bool promised = claim_listed(slot->view.word);
	slot->client = intern_add(&table->clients, slot->books->client, promised);
	slot->session = slot->client != 0 ? table_session_take(table, promised) : 0;
	return slot->session != 0 ? STEP_READY : STEP_REFUSED;
}

static void refuse(struct group_round *round, enum outcome_code code)
{
	round->group->changes[0].outcome = (struct outcome){.code = code};
}

/* Everything that can fail [I5]. Unless it is READY, nothing is left of it but tokens and unlisted slots. */
static enum group_step prepare(struct group_round *round)
{
	if (!fits(round)) {
		refuse(round, OUTCOME_LIMIT);
		return STEP_REFUSED;
	}
	enum group_step result = STEP_READY;
	for (uint32_t i = 0; i < round->slot_count && result != STEP_REFUSED; i++) {
		struct group_slot *slot = &round->slots[i];
		const enum group_step step = slot->books != NULL ? prepare_slot(round, slot) : STEP_READY;
		result = step == STEP_READY ? result : step;
	}
	if (result == STEP_REFUSED) {
		refuse(round, OUTCOME_MEMORY);
	}
	if (result != STEP_READY) {
		give_sessions(round);
	}
	return result;
}

/* ---------------------------------------------------------------------------------------------------------------- take */

/* The slot as it is for who claims it: also one whose session the group cancels. */
static struct slot_view claimed_view(const struct group_slot *slot)
{
	struct slot_view view = slot->view;
	view.free = true;
	return view;
}

static bool claim(struct group_round *round, struct group_slot *slot)
{
	const struct slot_view view = claimed_view(slot);
	slot->id = table_claim(round->desk->table, slot->slot, &view, slot->session, slot->client, round->now_ms);
	return slot->id != 0;
}

/* One compare-and-swap. False: it is not as it was seen any more. */
static bool take_slot(struct group_round *round, struct group_slot *slot)
{
	if (slot->cancels != NULL) {
		return table_change_begin(round->desk->table, &slot->ended, SESSION_CANCELLED);
	}
	return slot->books == NULL || claim(round, slot);
}

static void give_slot_back(struct group_round *round, struct group_slot *slot)
{
	if (slot->cancels != NULL) {
		table_change_undo(round->desk->table, &slot->ended);
	} else if (slot->books != NULL) {
		const struct slot_view view = claimed_view(slot);
		table_unclaim(round->desk->table, slot->slot, &view, slot->id);
		slot->session = 0;
	}
}

/* All of them, or none. */
static bool take(struct group_round *round)
{
	for (uint32_t i = 0; i < round->slot_count; i++) {
		if (!take_slot(round, &round->slots[i])) {
			while (i > 0) {
				give_slot_back(round, &round->slots[--i]);
			}
			give_sessions(round);
			return false;
		}
	}
	return true;
}

/* -------------------------------------------------------------------------------------------------------------- finish */

/* The cancelled end, and what was cancelled and booked is claimed. */
static void end_cancelled(struct group_round *round)
{
	for (uint32_t i = 0; i < round->slot_count; i++) {
		struct group_slot *slot = &round->slots[i];
		if (slot->cancels != NULL) {
			table_change_end(round->desk->table, &slot->ended, round->now_ms);
			/* Nobody else can have come near it. */
			const bool claimed = slot->books == NULL || claim(round, slot);
			CHECK(claimed);
		}
	}
}

static void settle(struct group_round *round, uint64_t lsn)
{
	for (uint32_t i = 0; i < round->slot_count; i++) {
		const struct group_slot *slot = &round->slots[i];
		if (slot->cancels != NULL) {
			desk_note_hold(round->desk, &slot->ended, SESSION_CANCELLED, 0);
			const bool blocked = table_settle(round->desk->table, slot->ended.id, lsn);
			desk_count_change(round->desk, &slot->ended, SESSION_CANCELLED);
			desk_count_blocked(round->desk, blocked);
		}
		if (slot->books != NULL) {
			table_settle(round->desk->table, slot->id, lsn);
			desk_count_claim(round->desk, &slot->view, false);
		}
	}
}

/* Tells each booking its session. Returns the lsn that all depends on. */
static uint64_t answer(struct group_round *round, uint64_t appended_lsn)
{
	struct group *group = round->group;
	uint64_t lsn = appended_lsn;
	for (uint32_t i = 0; i < group->change_count; i++) {
		struct group_change *change = &group->changes[i];
		if (change->verb == GROUP_BOOK && change->outcome.value == 0) {
			change->outcome.value = round_slot(round, round->keys[change->place])->id;
		}
		lsn = lsn_later(lsn, change->outcome.lsn);
	}
	return lsn;
}

static struct outcome finish(struct group_round *round)
{
	end_cancelled(round);
	const uint64_t lsn = append(round);
	settle(round, lsn);
	return (struct outcome){.code = OUTCOME_DONE, .lsn = answer(round, lsn)};
}

/* The first refusal, at the lsn that all of it depends on: that the others were not refused is part of the answer [I2]. */
static struct outcome refusal(const struct group_round *round)
{
	const struct group *group = round->group;
	struct outcome first = {.code = OUTCOME_DONE};
	for (uint32_t i = 0; i < group->change_count; i++) {
		const struct group_change *change = &group->changes[i];
		const struct outcome *outcome = &change->outcome;
		if (change->verb == GROUP_BOOK) {
			desk_count_lost(round->desk, &group->places[change->first], outcome->code);
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
	round.now_ms = clock_wall_ms(desk->clock);
	round.appended = 0;
	for (;;) {
		enum group_step step = round_judge(&round);
		if (step == STEP_READY) {
			step = prepare(&round);
		}
		if (step == STEP_REFUSED) {
			return refusal(&round);
		}
		if (step == STEP_READY && take(&round)) {
			return finish(&round);
		}
	}
}
