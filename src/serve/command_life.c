/*
 * command_life: HOLD, and what becomes of a session, by its id: COMMIT, RENEW, CONFIRM, CANCEL, RESCHEDULE, COMPLETE, NOSHOW.
 */
#include "command_alternatives.h"
#include <serve/arguments.h>
#include <serve/command.h>

static bool read_id(struct reply *reply, const struct request *request, uint64_t *id)
{
	return argument_number(reply, "id", request->words[1], 1, INT64_MAX, id);
}

static uint64_t reply_outcome(struct reply *reply, const struct desk *desk, const struct outcome *outcome)
{
	if (outcome->code == OUTCOME_DONE) {
		reply_status(reply, "OK");
	} else {
		reply_refusal(reply, desk, outcome);
	}
	return outcome->lsn;
}

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

static bool read_ttl(const struct service *service, struct reply *reply, struct span word, uint64_t *seconds)
{
	return argument_number(reply, "TTL", word, 1, service->config->hold_ttl_max, seconds);
}

/* [TTL seconds] [ALT n], in any order, each at most once, the words of `request` from the sixth on. */
static bool read_hold_options(const struct service *service, struct reply *reply, const struct request *request,
			      uint64_t *seconds, uint64_t *alternatives)
{
	*seconds = 0;
	*alternatives = 0;
	for (uint32_t word = 5; word < request->count; word += 2) {
		const bool whole = word + 1 < request->count;
		if (whole && *seconds == 0 && span_is(request->words[word], "TTL")) {
			if (!read_ttl(service, reply, request->words[word + 1], seconds)) {
				return false;
			}
		} else if (whole && *alternatives == 0 && span_is(request->words[word], "ALT")) {
			if (!argument_alternatives(reply, request->words[word + 1], alternatives)) {
				return false;
			}
		} else {
			argument_syntax(reply, request);
			return false;
		}
	}
	if (*seconds == 0) {
		*seconds = service->config->hold_ttl;
	}
	return true;
}

uint64_t command_hold(struct service *service, struct client *client, const struct request *request,
		      struct reply *reply)
{
	struct place place;
	struct span token;
	uint64_t seconds;
	uint64_t alternatives;
	if (!argument_place(reply, request, 1, &place) || !argument_token(reply, "client", request->words[4], &token) ||
	    !read_hold_options(service, reply, request, &seconds, &alternatives)) {
		return 0;
	}
	const struct outcome outcome = desk_hold(service->desk, &place, token, (uint16_t)seconds);
	if (outcome.code != OUTCOME_DONE) {
		return command_refuse_claim(service, client, reply, &place, &outcome, alternatives);
	}
	reply_array(reply, 2);
	reply_integer(reply, (int64_t)outcome.value);
	reply_integer(reply, (int64_t)outcome.expires_ms);
	return outcome.lsn;
}

uint64_t command_renew(struct service *service, struct client *client, const struct request *request,
		       struct reply *reply)
{
	(void)client;
	uint64_t id;
	uint64_t seconds = service->config->hold_ttl;
	if (!read_id(reply, request, &id)) {
		return 0;
	}
	if (request->count > 2) {
		if (request->count != 4 || !span_is(request->words[2], "TTL")) {
			argument_syntax(reply, request);
			return 0;
		}
		if (!read_ttl(service, reply, request->words[3], &seconds)) {
			return 0;
		}
	}
	const struct outcome outcome = desk_renew(service->desk, id, (uint16_t)seconds);
	if (outcome.code == OUTCOME_DONE) {
		reply_integer(reply, (int64_t)outcome.expires_ms);
	} else {
		reply_refusal(reply, service->desk, &outcome);
	}
	return outcome.lsn;
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
	struct place place = {0};
	const bool other = request->count == 5;
	if (!read_id(reply, request, &id) || !argument_date(reply, "date", request->words[2], &place.day) ||
	    !argument_time(reply, "time", request->words[3], &place.minute) ||
	    (other && !argument_token(reply, "psychologist", request->words[4], &place.psychologist))) {
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
