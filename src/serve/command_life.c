/*
 * command_life: COMMIT, CONFIRM, CANCEL, COMPLETE, NOSHOW: what becomes of a session, by its id.
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

uint64_t command_cancel(struct service *service, struct client *client, const struct request *request,
			struct reply *reply)
{
	(void)client;
	uint64_t id;
	if (!read_id(reply, request, &id)) {
		return 0;
	}
	const struct span reason = request->count > 2 ? request->words[2] : (struct span){NULL, 0};
	if (reason.size > WORD_SIZE_MAX) {
		reply_error(reply, "ERR reason must be at most %d bytes", WORD_SIZE_MAX);
		return 0;
	}
	const struct outcome outcome = desk_cancel(service->desk, id, reason);
	return reply_outcome(reply, service->desk, &outcome);
}
