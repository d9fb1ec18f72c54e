/*
 * told_look: what readers were told. See told.h.
 */
#include <history/reply.h>
#include <slot/civil.h>
#include <stdlib.h>
#include <streams/told.h>

#define ALTERNATIVES_DAYS 60 /* alternatives-days */
#define ALTERNATIVES      3  /* if no COUNT is given */

static uint64_t seen(const struct witness *witness, const struct told *told, uint32_t slot,
		     const struct answer_slot *shown, bool listed, uint64_t from)
{
	struct wanted wanted = {.kind = WANTED_GONE, .client = TOLD_NOBODY, .session = shown->session};
	switch (shown->status) {
	case ANSWER_SLOT_NONE:
		break;
	case ANSWER_SLOT_OPEN:
		wanted.kind = listed ? WANTED_SEEN_OPEN : WANTED_OPEN;
		break;
	case ANSWER_SLOT_HELD:
		wanted.kind = WANTED_SEEN_HELD;
		break;
	case ANSWER_SLOT_BOOKED:
		wanted.kind = WANTED_SEEN_BOOKED;
		break;
	case ANSWER_SLOT_BLOCKED:
		wanted.kind = listed ? WANTED_SEEN_BLOCKED : WANTED_BLOCKED;
		break;
	}
	return told_slot(witness, told, slot, &wanted, from);
}

static uint64_t look_slot(const struct witness *witness, const struct told *told, uint64_t from)
{
	struct answer_slot shown;
	if (!answer_slot(told->answer->reply, &shown)) {
		return TOLD_NOWHERE;
	}
	const bool occupied = shown.status == ANSWER_SLOT_HELD || shown.status == ANSWER_SLOT_BOOKED;
	return occupied == (shown.session != 0) ? seen(witness, told, told->op->parts[0].slot, &shown, false, from)
						: TOLD_NOWHERE;
}

/* Each slot of those days is in the list as it was, or not there. */
static uint64_t look_slots(const struct witness *witness, const struct told *told, uint64_t from)
{
	const struct agenda *agenda = witness->agenda;
	const struct agenda_slot *first = &agenda->slots[told->op->parts[0].slot];
	const uint16_t last_day = agenda->slots[told->op->parts[1].slot].day;
	struct span rest = told->answer->reply;
	struct reply_item head;
	uint64_t last = from;
	uint32_t next = 0; /* slot: the agenda is in their order */
	if (!reply_expect(&rest, '*', &head)) {
		return TOLD_NOWHERE;
	}
	for (uint64_t row = 0; row <= head.number; row++) {
		struct answer_slot shown = {0};
		uint32_t slot = agenda->count;
		if (row < head.number &&
		    (!answer_row(&rest, agenda, first->psychologist, &slot, &shown) || slot < next)) {
			return TOLD_NOWHERE;
		}
		for (; next < slot && last != TOLD_NOWHERE; next++) {
			const struct agenda_slot *missing = &agenda->slots[next];
			if (missing->psychologist_number == first->psychologist_number && missing->day >= first->day &&
			    missing->day <= last_day) {
				const struct answer_slot none = {0};
				last = told_later(last, seen(witness, told, next, &none, true, from));
			}
		}
		if (slot < agenda->count) {
			last = told_later(last, seen(witness, told, slot, &shown, true, from));
			next = slot + 1;
		}
	}
	return last;
}

/* ------------------------------------------------------------------------------------------------------------ alternatives */

static int distance(const struct agenda *agenda, uint32_t a, uint32_t b)
{
	const struct agenda_slot *first = &agenda->slots[a];
	const struct agenda_slot *second = &agenda->slots[b];
	return abs((first->day - second->day) * 1440 + first->minute - second->minute);
}

/* The next slot behind `slot` in order of distance to the wanted one, and time; or agenda->count. `slot` is the wanted one
 * at first. */
static uint32_t next_nearest(const struct witness *witness, uint32_t wanted, uint32_t slot)
{
	const struct agenda *agenda = witness->agenda;
	uint32_t best = agenda->count;
	for (uint32_t i = 0; i < agenda->count; i++) {
		const bool here = agenda->slots[i].psychologist_number == agenda->slots[wanted].psychologist_number &&
				  abs(agenda->slots[i].day - agenda->slots[wanted].day) <= ALTERNATIVES_DAYS;
		const int to_slot = distance(agenda, wanted, slot);
		const int to_i = distance(agenda, wanted, i);
		const bool behind = to_i > to_slot || (to_i == to_slot && i > slot);
		if (here && i != wanted && behind && !witness_has_started(witness, i) &&
		    (best == agenda->count || to_i < distance(agenda, wanted, best))) {
			best = i;
		}
	}
	return best;
}

/* The slots listed, nearest first, were open; those that are nearer, or would have had room, were not. */
static uint64_t nearest(const struct witness *witness, const struct told *told, const uint32_t *listed, uint32_t count,
			uint32_t room, uint64_t from)
{
	const uint32_t wanted = told->op->parts[0].slot;
	const struct wanted open = {.kind = WANTED_SEEN_OPEN, .client = TOLD_NOBODY};
	const struct wanted not_open = {.kind = WANTED_NOT_OPEN, .client = TOLD_NOBODY};
	uint64_t last = from;
	uint32_t found = 0;
	for (uint32_t slot = next_nearest(witness, wanted, wanted);
	     slot < witness->agenda->count && found < room && last != TOLD_NOWHERE;
	     slot = next_nearest(witness, wanted, slot)) {
		const bool is_listed = found < count && listed[found] == slot;
		found += is_listed;
		last = told_later(last, told_slot(witness, told, slot, is_listed ? &open : &not_open, from));
	}
	return found == count ? last : TOLD_NOWHERE;
}

static uint64_t look_alternatives(const struct witness *witness, const struct told *told, uint64_t from)
{
	const struct op *op = told->op;
	const char *psychologist = witness->agenda->slots[op->parts[0].slot].psychologist;
	const uint32_t room = op->count != 0 ? op->count : ALTERNATIVES;
	struct span rest = told->answer->reply;
	struct reply_item head;
	uint32_t listed[AGENDA_SLOTS_MAX];
	if (!reply_expect(&rest, '*', &head) || head.number > room || head.number > AGENDA_SLOTS_MAX) {
		return TOLD_NOWHERE;
	}
	for (uint64_t row = 0; row < head.number; row++) {
		struct answer_slot shown;
		if (!answer_row(&rest, witness->agenda, psychologist, &listed[row], &shown) ||
		    shown.status != ANSWER_SLOT_OPEN) {
			return TOLD_NOWHERE;
		}
	}
	return nearest(witness, told, listed, (uint32_t)head.number, room, from);
}

/* " alt=2031-01-06T10:00,2031-01-06T11:00" at the end of an error. */
uint64_t told_alternatives_of_error(const struct witness *witness, const struct told *told, uint64_t from)
{
	const struct op *op = told->op;
	const enum answer_code code = told->answer->code;
	const bool has = code == ANSWER_TAKEN || code == ANSWER_HELD || code == ANSWER_BLOCKED || code == ANSWER_NOSLOT;
	if (op->count == 0 || !has) {
		return from;
	}
	const struct span reply = told->answer->reply;
	const uint8_t *at = memmem(reply.at, reply.size, " alt=", 5);
	uint32_t listed[AGENDA_SLOTS_MAX];
	uint32_t count = 0;
	const char *psychologist = witness->agenda->slots[op->parts[0].slot].psychologist;
	for (const uint8_t *end = reply.at + reply.size; at != NULL && count < op->count;) {
		at += count == 0 ? 5 : 1;
		if (end - at < CIVIL_DATE_SIZE + 1 + CIVIL_TIME_SIZE) {
			return TOLD_NOWHERE;
		}
		const struct span date = {at, CIVIL_DATE_SIZE};
		const struct span time = {at + CIVIL_DATE_SIZE + 1, CIVIL_TIME_SIZE};
		listed[count++] = agenda_find(witness->agenda, span_of(psychologist), date, time);
		at = time.at + time.size < end && time.at[time.size] == ',' ? time.at + time.size : NULL;
	}
	return nearest(witness, told, listed, count, op->count, from);
}

/* ---------------------------------------------------------------------------------------------------------------- sessions */

/* The lowest lsn where the session is as shown. */
static uint64_t shown_session(const struct witness *witness, const struct answer_session *shown, uint64_t from)
{
	const uint32_t number = witness_story(witness, shown->id);
	if (number == WITNESS_NONE) {
		return TOLD_NOWHERE;
	}
	const struct story *story = witness_story_at(witness, number);
	uint64_t next_lsn = UINT64_MAX;
	uint64_t found = TOLD_NOWHERE;
	for (uint32_t i = story->newest; i != WITNESS_NONE && next_lsn > from;) {
		const struct turn *turn = witness_turn(witness, i);
		if (turn->status == shown->status && turn->version == shown->version && turn->slot == shown->slot &&
		    turn->updated_ms == shown->updated_ms) {
			found = told_later(from, turn->lsn);
		}
		next_lsn = turn->lsn;
		i = turn->older;
	}
	return story->client == shown->client && story->created_ms == shown->created_ms ? found : TOLD_NOWHERE;
}

static uint64_t look_session(const struct witness *witness, const struct told *told, uint64_t from)
{
	struct span rest = told->answer->reply;
	struct answer_session shown;
	if (!answer_session(&rest, witness->agenda, &shown) || shown.id != told->op->parts[0].session) {
		return TOLD_NOWHERE;
	}
	return shown_session(witness, &shown, from);
}

/* The lowest lsn where a session is not in the list: not made yet, or on another day. */
static uint64_t unlisted_session(const struct witness *witness, const struct told *told, uint32_t number, uint64_t from)
{
	const uint16_t first_day = witness->agenda->slots[told->op->parts[0].slot].day;
	const uint16_t last_day = witness->agenda->slots[told->op->parts[1].slot].day;
	uint64_t found = TOLD_NOWHERE;
	uint64_t next_lsn = UINT64_MAX;
	for (uint32_t i = witness_story_at(witness, number)->newest; i != WITNESS_NONE && next_lsn > from;) {
		const struct turn *turn = witness_turn(witness, i);
		const uint16_t day = witness->agenda->slots[turn->slot].day;
		found = day < first_day || day > last_day ? told_later(from, turn->lsn) : found;
		next_lsn = turn->lsn;
		i = turn->older;
	}
	return from < next_lsn ? from : found; /* before it was made */
}

static int compare_numbers(const void *a, const void *b)
{
	const uint32_t first = *(const uint32_t *)a;
	const uint32_t second = *(const uint32_t *)b;
	return (first > second) - (first < second);
}

/* Later in the order of the list: date, time, id. */
static bool follows(const struct agenda *agenda, const struct answer_session *a, const struct answer_session *b)
{
	const struct agenda_slot *first = &agenda->slots[a->slot];
	const struct agenda_slot *second = &agenda->slots[b->slot];
	const int at_first = first->day * 1440 + first->minute;
	const int at_second = second->day * 1440 + second->minute;
	return at_first < at_second || (at_first == at_second && a->id < b->id);
}

static uint64_t look_sessions(const struct witness *witness, const struct told *told, uint64_t from)
{
	struct span rest = told->answer->reply;
	struct reply_item head;
	if (!reply_expect(&rest, '*', &head) || head.number > rest.size) {
		return TOLD_NOWHERE;
	}
	uint32_t *numbers = calloc(head.number + 1, sizeof *numbers);
	struct answer_session before = {0};
	uint64_t last = from;
	for (uint64_t i = 0; i < head.number && last != TOLD_NOWHERE; i++) {
		struct answer_session shown;
		const bool good = answer_session(&rest, witness->agenda, &shown) && shown.client == told->op->client &&
				  (i == 0 || follows(witness->agenda, &before, &shown));
		last = good ? told_later(last, shown_session(witness, &shown, from)) : TOLD_NOWHERE;
		numbers[i] = witness_story(witness, shown.id);
		before = shown;
	}
	qsort(numbers, head.number, sizeof *numbers, compare_numbers);
	const struct holder *holders = witness->holders.items;
	const bool known = told->op->client < witness->holders.count;
	for (uint32_t i = known ? holders[told->op->client].newest_session : WITNESS_NONE;
	     i != WITNESS_NONE && last != TOLD_NOWHERE; i = witness_story_at(witness, i)->before) {
		if (bsearch(&i, numbers, head.number, sizeof *numbers, compare_numbers) == NULL) {
			last = told_later(last, unlisted_session(witness, told, i, from));
		}
	}
	free(numbers);
	return last;
}

uint64_t told_look(const struct witness *witness, const struct told *told, uint64_t from)
{
	switch (told->op->verb) {
	case OP_SLOT:
		return look_slot(witness, told, from);
	case OP_SLOTS:
		return look_slots(witness, told, from);
	case OP_ALTERNATIVES:
		return look_alternatives(witness, told, from);
	case OP_SESSION:
		return look_session(witness, told, from);
	default:
		return look_sessions(witness, told, from);
	}
}
