/*
 * command_book: BOOK, CLAIM: words in, the desk's outcome out.
 */
#include "command_alternatives.h"
#include <serve/arguments.h>
#include <serve/command.h>

static bool read_claim(const struct request *request, struct reply *reply, struct place *place, struct span *client)
{
	return argument_place(reply, request, 1, place) && argument_token(reply, "client", request->words[4], client);
}

uint64_t command_book(struct service *service, struct client *client, const struct request *request,
		      struct reply *reply)
{
	struct place place;
	struct span name;
	uint64_t alternatives;
	if (!read_claim(request, reply, &place, &name) ||
	    !argument_only_alternatives(reply, request, 5, &alternatives)) {
		return 0;
	}
	const struct outcome outcome = desk_book(service->desk, &place, name);
	if (outcome.code != OUTCOME_DONE) {
		return command_refuse_claim(service, client, reply, &place, &outcome, alternatives);
	}
	reply_integer(reply, (int64_t)outcome.value);
	return outcome.lsn;
}

/* As SETNX: losing is an answer, not an error. Only the loss: a slot that is not there or is past is still an error. */
uint64_t command_claim(struct service *service, struct client *client, const struct request *request,
		       struct reply *reply)
{
	(void)client;
	struct place place;
	struct span name;
	if (!read_claim(request, reply, &place, &name)) {
		return 0;
	}
	const struct outcome outcome = desk_book(service->desk, &place, name);
	switch (outcome.code) {
	case OUTCOME_DONE:
		reply_integer(reply, 1);
		break;
	case OUTCOME_TAKEN:
	case OUTCOME_HELD:
	case OUTCOME_BLOCKED:
		reply_integer(reply, 0);
		break;
	default:
		reply_refusal(reply, service->desk, &outcome);
	}
	return outcome.lsn;
}
