/*
 * command_group: BOOKALL and BOOKANY; and what of every command that may be one of a group (MULTI ... EXEC) is the same: it
 * says what it would change (plan), and afterwards what became of it (answer).
 */
#include "command_alternatives.h"
#include "command_plan.h"
#include <base/check.h>
#include <serve/arguments.h>
#include <slot/civil.h>

static void refuse_limit(struct reply *reply)
{
	reply_error(reply, "LIMIT at most %d slots can be booked or changed at once", GROUP_SLOTS_MAX);
}

struct group_change *plan_change(struct group *group, enum group_verb verb, struct reply *reply)
{
	struct group_change *change = group_add(group, verb);
	if (change == NULL) {
		refuse_limit(reply);
	}
	return change;
}

struct place *plan_place(struct group *group, struct reply *reply)
{
	struct place *place = group_add_place(group);
	if (place == NULL) {
		refuse_limit(reply);
	}
	return place;
}

/* ----------------------------------------------------------------------------------------------------- BOOK and CLAIM */

bool command_plan_book(const struct service *service, const struct request *request, struct group *group,
		       struct reply *reply)
{
	(void)service;
	struct place place;
	struct span client;
	uint64_t alternatives; /* of a BOOK; -EXECABORT names none */
	if (!argument_place(reply, request, 1, &place) ||
	    !argument_token(reply, "client", request->words[4], &client) ||
	    !argument_only_alternatives(reply, request, 5, &alternatives)) {
		return false;
	}
	struct group_change *change = plan_change(group, GROUP_BOOK, reply);
	struct place *added = change != NULL ? plan_place(group, reply) : NULL;
	if (added == NULL) {
		return false;
	}
	change->client = client;
	*added = place;
	return true;
}

void command_answer_book(const struct group_part *part, const struct desk *desk, struct reply *reply)
{
	const struct outcome *outcome = &part->changes[0].outcome;
	if (outcome->code == OUTCOME_DONE) {
		reply_integer(reply, (int64_t)outcome->value);
	} else {
		reply_refusal(reply, desk, outcome);
	}
}

/* In a group a lost CLAIM is a refusal like any other: the others must not happen without it. */
void command_answer_claim(const struct group_part *part, const struct desk *desk, struct reply *reply)
{
	const struct outcome *outcome = &part->changes[0].outcome;
	if (outcome->code == OUTCOME_DONE) {
		reply_integer(reply, 1);
	} else {
		reply_refusal(reply, desk, outcome);
	}
}

/* ----------------------------------------------------------------------------------------------- several places, a list */

/* Is the i-th of the places one of those before it, from `first` on? */
static bool is_named_before(const struct group *group, uint32_t first, uint32_t i)
{
	const struct place *place = &group->places[i];
	for (uint32_t before = first; before < i; before++) {
		const struct place *other = &group->places[before];
		if (other->day == place->day && other->minute == place->minute &&
		    span_equal(other->psychologist, place->psychologist)) {
			return true;
		}
	}
	return false;
}

static void add_place_text(struct buffer *text, const struct place *place)
{
	char date[CIVIL_DATE_SIZE];
	char time[CIVIL_TIME_SIZE];
	civil_format_date(place->day, date);
	civil_format_time(place->minute, time);
	buffer_format(text, "%.*s %.*s %.*s", (int)place->psychologist.size, (const char *)place->psychologist.at,
		      CIVIL_DATE_SIZE, date, CIVIL_TIME_SIZE, time);
}

static bool refuse_twice(struct reply *reply, const struct place *place)
{
	struct buffer text = {0};
	buffer_format(&text, "ERR a slot is named twice: ");
	add_place_text(&text, place);
	reply_error_text(reply, (struct span){text.at, text.size});
	buffer_fini(&text);
	return false;
}

/* client psychologist date time [psychologist date time ...]: each place a change of its own, or all in one. */
static bool plan_list(const struct request *request, struct group *group, bool each_alone, struct reply *reply)
{
	struct span client;
	if ((request->count - 2) % 3 != 0) {
		argument_syntax(reply, request);
		return false;
	}
	if (!argument_token(reply, "client", request->words[1], &client)) {
		return false;
	}
	const uint32_t first = group->place_count;
	for (uint32_t word = 2; word < request->count; word += 3) {
		if (each_alone || word == 2) {
			struct group_change *change = plan_change(group, GROUP_BOOK, reply);
			if (change == NULL) {
				return false;
			}
			change->client = client;
		}
		struct place *place = plan_place(group, reply);
		if (place == NULL || !argument_place(reply, request, word, place)) {
			return false;
		}
		if (is_named_before(group, first, group->place_count - 1)) {
			return refuse_twice(reply, place);
		}
	}
	return true;
}

bool command_plan_bookall(const struct service *service, const struct request *request, struct group *group,
			  struct reply *reply)
{
	(void)service;
	return plan_list(request, group, true, reply);
}

bool command_plan_bookany(const struct service *service, const struct request *request, struct group *group,
			  struct reply *reply)
{
	(void)service;
	return plan_list(request, group, false, reply);
}

/* "TAKEN dr-lee 2031-01-06 09:00, dr-lee 2031-01-13 09:00"; where not all have the code of the first, each behind it has its
 * own: "TAKEN dr-lee 2031-01-06 09:00, NOSLOT dr-lee 2031-01-13 09:00". */
static void reply_lost(const struct group_part *part, struct reply *reply)
{
	struct buffer text = {0};
	enum outcome_code first = OUTCOME_DONE;
	bool same = true;
	for (uint32_t i = 0; i < part->count; i++) {
		const enum outcome_code code = part->changes[i].outcome.code;
		first = first == OUTCOME_DONE ? code : first;
		same = same && (code == OUTCOME_DONE || code == first);
	}
	for (uint32_t i = 0; i < part->count; i++) {
		const struct group_change *change = &part->changes[i];
		if (change->outcome.code == OUTCOME_DONE) {
			continue;
		}
		if (text.size == 0) {
			buffer_format(&text, "%s ", outcome_word(first));
		} else {
			buffer_format(&text, ", %s%s", same ? "" : outcome_word(change->outcome.code), same ? "" : " ");
		}
		add_place_text(&text, &part->group->places[change->first]);
	}
	reply_error_text(reply, (struct span){text.at, text.size});
	buffer_fini(&text);
}

void command_answer_bookall(const struct group_part *part, const struct desk *desk, struct reply *reply)
{
	const struct outcome *first = &part->changes[0].outcome;
	if (first->code == OUTCOME_MEMORY || first->code == OUTCOME_LIMIT || first->code == OUTCOME_FULL) {
		reply_refusal(reply, desk, first); /* of all of them */
		return;
	}
	for (uint32_t i = 0; i < part->count; i++) {
		if (part->changes[i].outcome.code != OUTCOME_DONE) {
			reply_lost(part, reply);
			return;
		}
	}
	reply_array(reply, part->count);
	for (uint32_t i = 0; i < part->count; i++) {
		reply_integer(reply, (int64_t)part->changes[i].outcome.value);
	}
}

void command_answer_bookany(const struct group_part *part, const struct desk *desk, struct reply *reply)
{
	const struct group_change *change = &part->changes[0];
	if (change->outcome.code != OUTCOME_DONE) {
		reply_refusal(reply, desk, &change->outcome);
		return;
	}
	const struct place *place = &part->group->places[change->place];
	reply_array(reply, 4);
	reply_integer(reply, (int64_t)change->outcome.value);
	reply_bulk(reply, place->psychologist);
	reply_date(reply, place->day);
	reply_time(reply, place->minute);
}

/* -------------------------------------------------------------------------------------------------------------- alone */

uint64_t command_group(struct service *service, struct client *client, const struct request *request,
		       struct reply *reply)
{
	(void)client;
	const struct command *command = command_find(request->words[0]);
	struct group group;
	group_init(&group);
	if (!command->plan(service, request, &group, reply)) {
		return 0;
	}
	const struct outcome outcome = desk_group(service->desk, &group);
	const struct group_part part = {&group, group.changes, group.change_count};
	command->answer(&part, service->desk, reply);
	return outcome.lsn;
}
