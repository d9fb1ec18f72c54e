/*
 * command: the one door. A request is looked up, admitted or refused, executed (between MULTI and EXEC: queued), counted.
 */
#include "command_multi.h"
#include "command_reply.h"
#include <serve/import.h>

static void reply_word_count(struct reply *reply, const struct command *command)
{
	char name[COMMAND_NAME_TEXT_SIZE];
	command_name_lower(command->name, name);
	reply_error(reply, "ERR wrong number of arguments for '%s' command, usage: %s%s%s", name, command->name,
		    command->usage[0] != '\0' ? " " : "", command->usage);
}

bool command_writes(const struct command *command, const struct request *request)
{
	return (command->flags & COMMAND_WRITES) && (command->reads == NULL || !command->reads(request));
}

/* The command to execute; NULL, having said why, if there is none. */
static const struct command *admit(const struct service *service, const struct client *client,
				   const struct request *request, struct reply *reply)
{
	if (client->log == LOG_STATE_FAILED) {
		reply_error(reply, "%s", log_state_refusal(client->log));
		return NULL;
	}
	const struct command *command = command_find(request->words[0]);
	if (command == NULL) {
		command_reply_unknown(reply, request->words[0]);
		return NULL;
	}
	if (request->count < command->words_min || request->count > command->words_max) {
		reply_word_count(reply, command);
		return NULL;
	}
	/* Acquire; pairs with the release that ends loading: from then on the table is whole. */
	if (!(command->flags & COMMAND_WHILE_LOADING) &&
	    atomic_load_explicit(&service->loading, memory_order_acquire)) {
		const char *import = import_refusal(service);
		reply_error(reply, "%s", import != NULL ? import : "LOADING slotd is reading its log");
		return NULL;
	}
	const char *refusal = log_state_refusal(client->log);
	if (refusal != NULL && command_writes(command, request)) {
		reply_error(reply, "%s", refusal);
		return NULL;
	}
	return command;
}

bool command_can_wait(const struct command *command)
{
	return command->class == COMMAND_HOURS || command->class == COMMAND_SYNC;
}

uint64_t command_execute(struct service *service, struct client *client, const struct request *request,
			 struct reply *reply)
{
	const size_t start = reply->out->size;
	const struct command *command = admit(service, client, request, reply);
	client->postponed = client->postpones && command != NULL && command_can_wait(command);
	if (client->postponed) {
		client->last_command = command;
		return 0;
	}
	uint64_t lsn = 0;
	client->requests++;
	client->last_ms = clock_wall_ms(service->clock);
	count(&service_counters(service)->commands, 1);
	if (command == NULL) {
		client->multi.broken = true; /* if there is a MULTI: EXEC must not do the rest without it */
	} else if (client->in_multi && !(command->flags & COMMAND_IN_MULTI)) {
		multi_enqueue(service, client, command, request, reply);
	} else {
		client->last_command = command;
		lsn = command->execute(service, client, request, reply);
	}
	if (reply->out->size > start && reply->out->at[start] == '-') {
		count(&service_counters(service)->errors, 1);
	}
	return lsn;
}
