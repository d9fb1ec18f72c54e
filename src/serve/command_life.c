/*
 * command_life: HOLD, and what becomes of a session, by its id: COMMIT, RENEW, CONFIRM, CANCEL, RESCHEDULE, COMPLETE, NOSHOW;
 * each alone, and as one of a group (MULTI ... EXEC).
 */
#include "command_alternatives.h"
#include "command_plan.h"
#include <serve/arguments.h>

/* --------------------------------------------------------------------------------------------------------------- words */

static bool read_id(struct reply *reply, const struct request *request, uint64_t *id)
{
	return argument_number(reply, "id", request->words[1], 1, INT64_MAX, id);
}

static bool read_ttl(const struct service *service, struct reply *reply, struct span word, uint16_t *seconds)
{
	uint64_t number;
	if (!argument_number(reply, "TTL", word, 1, service->config->hold_ttl_max, &number)) {
		return false;
	}
	*seconds = (uint16_t)number;
	return true;
}

/* What a HOLD says. */
struct hold {
	struct place place;
	struct span client;
	uint16_t seconds;
	uint64_t alternatives;
};

/* [TTL seconds] [ALT n], in any order, each at most once, the words of `request` from the sixth on. */
static bool read_hold_options(const struct service *service, struct reply *reply, const struct request *request,
			      struct hold *hold)
{
	for (uint32_t word = 5; word < request->count; word += 2) {
		const bool whole = word + 1 < request->count;
		if (whole && hold->seconds == 0 && span_is(request->words[word], "TTL")) {
			if (!read_ttl(service, reply, request->words[word + 1], &hold->seconds)) {
				return false;
			}
		} else if (whole && hold->alternatives == 0 && span_is(request->words[word], "ALT")) {
			if (!argument_alternatives(reply, request->words[word + 1], &hold->alternatives)) {
				return false;
			}
		} else {
			argument_syntax(reply, request);
			return false;
		}
	}
	if (hold->seconds == 0) {
		hold->seconds = (uint16_t)service->config->hold_ttl;
	}
	return true;
}

static bool read_hold(const struct service *service, struct reply *reply, const struct request *request,
		      struct hold *hold)
{
	*hold = (struct hold){.seconds = 0};
	return argument_place(reply, request, 1, &hold->place) &&
	       argument_token(reply, "client", request->words[4], &hold->client) &&
	       read_hold_options(service, reply, request, hold);
}

static bool read_renew(const struct service *service, struct reply *reply, const struct request *request, uint64_t *id,
		       uint16_t *seconds)
{
	*seconds = (uint16_t)service->config->hold_ttl;
	if (!read_id(reply, request, id)) {
		return false;
	}
	if (request->count == 2) {
		return true;
	}
	if (request->count != 4 || !span_is(request->words[2], "TTL")) {
		argument_syntax(reply, request);
		return false;
	}
	return read_ttl(service, reply, request->words[3], seconds);
}

static bool read_reschedule(struct reply *reply, const struct request *request, uint64_t *id, struct place *place)
{
	*place = (struct place){.day = 0};
	return read_id(reply, request, id) && argument_date(reply, "date", request->words[2], &place->day) &&
	       argument_time(reply, "time", request->words[3], &place->minute) &&
	       (request->count < 5 || argument_token(reply, "psychologist", request->words[4], &place->psychologist));
}

/* ------------------------------------------------------------------------------------------------------------- replies */

static uint64_t reply_outcome(struct reply *reply, const struct desk *desk, const struct outcome *outcome)
{
	if (outcome->code == OUTCOME_DONE) {
		reply_status(reply, "OK");
	} else {
		reply_refusal(reply, desk, outcome);
	}
	return outcome->lsn;
}

static uint64_t reply_renewed(struct reply *reply, const struct desk *desk, const struct outcome *outcome)
{
	if (outcome->code == OUTCOME_DONE) {
		reply_integer(reply, (int64_t)outcome->expires_ms);
	} else {
		reply_refusal(reply, desk, outcome);
	}
	return outcome->lsn;
}

static void reply_held(struct reply *reply, const struct outcome *outcome)
{
	reply_array(reply, 2);
	reply_integer(reply, (int64_t)outcome->value);
	reply_integer(reply, (int64_t)outcome->expires_ms);
}

/* --------------------------------------------------------------------------------------------------------------- alone */

static uint64_t change(struct service *service, const struct request *request, struct reply *reply,
		       enum life_command command)
{
	uint64_t id;
	if (!read_id(reply, request, &id)) {
		return 0;
	}
	const struct outcome outcome = desk_change(service->desk, id, command);
	return reply_outcome(reply, service->desk, &outcome);
}

uint64_t command_hold(struct service *service, struct client *client, const struct request *request,
		      struct reply *reply)
{
	struct hold hold;
	if (!read_hold(service, reply, request, &hold)) {
		return 0;
	}
	const struct outcome outcome = desk_hold(service->desk, &hold.place, hold.client, hold.seconds);
	if (outcome.code != OUTCOME_DONE) {
		return command_refuse_claim(service, client, reply, &hold.place, &outcome, hold.alternatives);
	}
	reply_held(reply, &outcome);
	return outcome.lsn;
}

uint64_t command_renew(struct service *service, struct client *client, const struct request *request,
		       struct reply *reply)
{
	(void)client;
	uint64_t id;
	uint16_t seconds;
	if (!read_renew(service, reply, request, &id, &seconds)) {
		return 0;
	}
	const struct outcome outcome = desk_renew(service->desk, id, seconds);
	return reply_renewed(reply, service->desk, &outcome);
}

uint64_t command_commit(struct service *service, struct client *client, const struct request *request,
			struct reply *reply)
{
	(void)client;
	return change(service, request, reply, LIFE_COMMIT);
}

uint64_t command_confirm(struct service *service, struct client *client, const struct request *request,
			 struct reply *reply)
{
	(void)client;
	return change(service, request, reply, LIFE_CONFIRM);
}

uint64_t command_complete(struct service *service, struct client *client, const struct request *request,
			  struct reply *reply)
{
	(void)client;
	return change(service, request, reply, LIFE_COMPLETE);
}

uint64_t command_noshow(struct service *service, struct client *client, const struct request *request,
			struct reply *reply)
{
	(void)client;
	return change(service, request, reply, LIFE_NO_SHOW);
}

uint64_t command_reschedule(struct service *service, struct client *client, const struct request *request,
			    struct reply *reply)
{
	(void)client;
	uint64_t id;
	struct place place;
	if (!read_reschedule(reply, request, &id, &place)) {
		return 0;
	}
	const struct outcome outcome = desk_reschedule(service->desk, id, &place);
	return reply_outcome(reply, service->desk, &outcome);
}

uint64_t command_cancel(struct service *service, struct client *client, const struct request *request,
			struct reply *reply)
{
	(void)client;
	uint64_t id;
	struct span reason;
	if (!read_id(reply, request, &id) || !argument_reason(reply, request, 2, &reason)) {
		return 0;
	}
	const struct outcome outcome = desk_cancel(service->desk, id, reason);
	return reply_outcome(reply, service->desk, &outcome);
}

/* ---------------------------------------------------------------------------------------------------------- in a group */

bool command_plan_hold(const struct service *service, const struct request *request, struct group *group,
		       struct reply *reply)
{
	struct hold hold; /* its alternatives: -EXECABORT names none */
	if (!read_hold(service, reply, request, &hold)) {
		return false;
	}
	struct group_change *added = plan_change(group, GROUP_HOLD, reply);
	struct place *place = added != NULL ? plan_place(group, reply) : NULL;
	if (place == NULL) {
		return false;
	}
	added->client = hold.client;
	added->hold_seconds = hold.seconds;
	*place = hold.place;
	return true;
}

bool command_plan_reschedule(const struct service *service, const struct request *request, struct group *group,
			     struct reply *reply)
{
	(void)service;
	uint64_t id;
	struct place to;
	if (!read_reschedule(reply, request, &id, &to)) {
		return false;
	}
	struct group_change *added = plan_change(group, GROUP_MOVE, reply);
	struct place *place = added != NULL ? plan_place(group, reply) : NULL;
	if (place == NULL) {
		return false;
	}
	added->session = id;
	*place = to;
	return true;
}

/* The change of a session, but for what only some have. NULL, having written why, if it is none. */
static struct group_change *plan_life(struct group *group, const struct request *request, struct reply *reply,
				      enum life_command command)
{
	uint64_t id;
	struct group_change *added = NULL;
	if (read_id(reply, request, &id)) {
		added = plan_change(group, GROUP_CHANGE, reply);
	}
	if (added != NULL) {
		added->session = id;
		added->command = command;
	}
	return added;
}

bool command_plan_renew(const struct service *service, const struct request *request, struct group *group,
			struct reply *reply)
{
	uint64_t id;
	uint16_t seconds;
	struct group_change *added = NULL;
	if (read_renew(service, reply, request, &id, &seconds)) {
		added = plan_life(group, request, reply, LIFE_RENEW);
	}
	if (added != NULL) {
		added->hold_seconds = seconds;
	}
	return added != NULL;
}

bool command_plan_cancel(const struct service *service, const struct request *request, struct group *group,
			 struct reply *reply)
{
	(void)service;
	struct span reason;
	struct group_change *added = NULL;
	if (argument_reason(reply, request, 2, &reason)) {
		added = plan_life(group, request, reply, LIFE_CANCEL);
	}
	if (added != NULL) {
		added->reason = reason;
	}
	return added != NULL;
}

bool command_plan_commit(const struct service *service, const struct request *request, struct group *group,
			 struct reply *reply)
{
	(void)service;
	return plan_life(group, request, reply, LIFE_COMMIT) != NULL;
}

bool command_plan_confirm(const struct service *service, const struct request *request, struct group *group,
			  struct reply *reply)
{
	(void)service;
	return plan_life(group, request, reply, LIFE_CONFIRM) != NULL;
}

bool command_plan_complete(const struct service *service, const struct request *request, struct group *group,
			   struct reply *reply)
{
	(void)service;
	return plan_life(group, request, reply, LIFE_COMPLETE) != NULL;
}

bool command_plan_noshow(const struct service *service, const struct request *request, struct group *group,
			 struct reply *reply)
{
	(void)service;
	return plan_life(group, request, reply, LIFE_NO_SHOW) != NULL;
}

void command_answer_hold(const struct group_part *part, const struct desk *desk, struct reply *reply)
{
	const struct outcome *outcome = &part->changes[0].outcome;
	if (outcome->code == OUTCOME_DONE) {
		reply_held(reply, outcome);
	} else {
		reply_refusal(reply, desk, outcome);
	}
}

void command_answer_renew(const struct group_part *part, const struct desk *desk, struct reply *reply)
{
	reply_renewed(reply, desk, &part->changes[0].outcome);
}

void command_answer_status(const struct group_part *part, const struct desk *desk, struct reply *reply)
{
	reply_outcome(reply, desk, &part->changes[0].outcome);
}
