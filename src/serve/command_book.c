/*
 * command_book: BOOK, CLAIM, CANCEL: words in, the desk's outcome out.
 */
#include <serve/arguments.h>
#include <serve/command.h>

static bool book(struct service *service, const struct request *request, struct reply *reply, struct outcome *outcome)
{
	struct place place;
	struct span client;
	if (!argument_place(reply, request, 1, &place) ||
	    !argument_token(reply, "client", request->words[4], &client)) {
		return false;
	}
	*outcome = desk_book(service->desk, &place, client);
	return true;
}

uint64_t command_book(struct service *service, struct client *client, const struct request *request,
		      struct reply *reply)
{
	(void)client;
	struct outcome outcome;
	if (!book(service, request, reply, &outcome)) {
		return 0;
	}
	if (outcome.code == OUTCOME_DONE) {
		reply_integer(reply, (int64_t)outcome.value);
	} else {
		reply_refusal(reply, service->desk, &outcome);
	}
	return outcome.lsn;
}

/* As SETNX: losing is an answer, not an error. Only the loss: a slot that is not there or is past is still an error. */
uint64_t command_claim(struct service *service, struct client *client, const struct request *request,
		       struct reply *reply)
{
	(void)client;
	struct outcome outcome;
	if (!book(service, request, reply, &outcome)) {
		return 0;
	}
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

uint64_t command_cancel(struct service *service, struct client *client, const struct request *request,
			struct reply *reply)
{
	(void)client;
	uint64_t id;
	struct span reason;
	if (!argument_number(reply, "id", request->words[1], 1, INT64_MAX, &id) ||
	    !argument_reason(reply, request, 2, &reason)) {
		return 0;
	}
	const struct outcome outcome = desk_cancel(service->desk, id, reason);
	if (outcome.code == OUTCOME_DONE) {
		reply_status(reply, "OK");
	} else {
		reply_refusal(reply, service->desk, &outcome);
	}
	return outcome.lsn;
}
