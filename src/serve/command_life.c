/*
 * command_life: HOLD, and what becomes of a session, by its id: COMMIT, RENEW, CONFIRM, CANCEL, RESCHEDULE, COMPLETE, NOSHOW.
 */
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

/* [TTL seconds], the words from `first` on. */
static bool read_ttl(const struct service *service, struct reply *reply, const struct request *request, uint32_t first,
		     uint16_t *seconds)
{
	uint64_t number = service->config->hold_ttl;
	if (request->count == first + 2 && span_is(request->words[first], "TTL")) {
		if (!argument_number(reply, "TTL", request->words[first + 1], 1, service->config->hold_ttl_max,
				     &number)) {
			return false;
		}
	} else if (request->count != first) {
		argument_syntax(reply, request);
		return false;
	}
	*seconds = (uint16_t)number;
	return true;
}

uint64_t command_hold(struct service *service, struct client *client, const struct request *request,
		      struct reply *reply)
{
	(void)client;
	struct place place;
	struct span token;
	uint16_t seconds;
	if (!argument_place(reply, request, 1, &place) || !argument_token(reply, "client", request->words[4], &token) ||
	    !read_ttl(service, reply, request, 5, &seconds)) {
		return 0;
	}
	const struct outcome outcome = desk_hold(service->desk, &place, token, seconds);
	if (outcome.code == OUTCOME_DONE) {
		reply_array(reply, 2);
		reply_integer(reply, (int64_t)outcome.value);
		reply_integer(reply, (int64_t)outcome.expires_ms);
	} else {
		reply_refusal(reply, service->desk, &outcome);
	}
	return outcome.lsn;
}

uint64_t command_renew(struct service *service, struct client *client, const struct request *request,
		       struct reply *reply)
{
	(void)client;
	uint64_t id;
	uint16_t seconds;
	if (!read_id(reply, request, &id) || !read_ttl(service, reply, request, 2, &seconds)) {
		return 0;
	}
	const struct outcome outcome = desk_renew(service->desk, id, seconds);
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
