/*
 * command_multi: MULTI, EXEC, DISCARD, WATCH, UNWATCH.
 *
 * Client libraries send MULTI, the commands and EXEC in one write, so from MULTI on nothing is executed until EXEC, DISCARD
 * or RESET, whatever is answered in between; and where one command is refused, EXEC is too. That holds while loading: a
 * MULTI that was answered -LOADING would leave its commands to a server that is ready by then.
 *
 * EXEC: what changes sessions is planned as one group and done, all or nothing, in one record; then the others are executed
 * in their order, and see it.
 */
#include "command_multi.h"
#include <base/check.h>
#include <inttypes.h>
#include <serve/group.h>

uint64_t command_multi(struct service *service, struct client *client, const struct request *request,
		       struct reply *reply)
{
	(void)service;
	(void)request;
	if (client->in_multi) {
		reply_error(reply, "ERR MULTI calls can not be nested");
		return 0;
	}
	client->in_multi = true;
	multi_begin(&client->multi);
	reply_status(reply, "OK");
	return 0;
}

void multi_leave(struct client *client)
{
	client->in_multi = false;
	multi_end(&client->multi);
}

void multi_enqueue(const struct service *service, struct client *client, const struct command *command,
		   const struct request *request, struct reply *reply)
{
	const bool alone =
	    (command->flags & COMMAND_NOT_IN_MULTI) || (command->plan == NULL && command_writes(command, request));
	if (alone) {
		reply_error(reply, "ERR %s is not allowed in a MULTI: send it before or after", command->name);
		client->multi.broken = true;
	} else if (!multi_queue(&client->multi, service->config, command, request)) {
		reply_error(reply,
			    "LIMIT a MULTI queues at most %" PRIu32 " commands (multi-commands), %" PRIu64
			    " bytes (multi-size)",
			    service->config->multi_commands, service->config->multi_size);
		client->multi.broken = true;
	} else {
		reply_status(reply, "QUEUED");
	}
}

/* --------------------------------------------------------------------------------------------------------------- EXEC */

/* EXEC while it goes on. */
struct exec {
	struct service *service;
	struct client *client;
	struct group group;
	struct span words[WIDE_WORDS_MAX]; /* of the request at hand */
	struct request request;
	struct buffer refusal; /* the error line of the command that is refused */
};

static struct multi_command *exec_at(struct exec *exec, uint32_t i)
{
	struct multi_command *queued = multi_at(&exec->client->multi, i, exec->words);
	exec->request = (struct request){.words = exec->words, .count = queued->word_count};
	return queued;
}

/* "-EXECABORT Transaction discarded, command 2 (BOOK): TAKEN This time slot ...", of the "-TAKEN This ..." it was refused
 * with. */
static void reply_abort(struct exec *exec, uint32_t i, struct reply *reply)
{
	struct buffer text = {0};
	const struct buffer *refusal = &exec->refusal;
	CHECK(refusal->size > 3 && refusal->at[0] == '-');
	buffer_format(&text, "EXECABORT Transaction discarded, command %" PRIu32 " (%s): ", i + 1,
		      exec_at(exec, i)->command->name);
	buffer_add(&text, refusal->at + 1, refusal->size - 3); /* without "-" and CRLF */
	reply_error_text(reply, (struct span){text.at, text.size});
	buffer_fini(&text);
}

static struct group_part part_of(const struct exec *exec, const struct multi_command *queued)
{
	return (struct group_part){&exec->group, exec->group.changes + queued->first, queued->count};
}

/* Makes the group. False, with the reply, if a command cannot be understood. */
static bool plan_all(struct exec *exec, struct reply *reply)
{
	struct reply refusal = {&exec->refusal, reply->protocol};
	for (uint32_t i = 0; i < exec->client->multi.count; i++) {
		struct multi_command *queued = exec_at(exec, i);
		queued->first = exec->group.change_count;
		if (queued->command->plan != NULL &&
		    !queued->command->plan(exec->service, &exec->request, &exec->group, &refusal)) {
			reply_abort(exec, i, reply);
			return false;
		}
		queued->count = exec->group.change_count - queued->first;
	}
	return true;
}

static bool is_refused(const struct group_part *part)
{
	for (uint32_t i = 0; i < part->count; i++) {
		if (part->changes[i].outcome.code != OUTCOME_DONE) {
			return true;
		}
	}
	return false;
}

/* The group was refused: says by which command. */
static void reply_refused(struct exec *exec, struct reply *reply)
{
	struct reply refusal = {&exec->refusal, reply->protocol};
	for (uint32_t i = 0; i < exec->client->multi.count; i++) {
		const struct multi_command *queued = exec_at(exec, i);
		const struct group_part part = part_of(exec, queued);
		if (is_refused(&part)) {
			queued->command->answer(&part, exec->service->desk, &refusal);
			reply_abort(exec, i, reply);
			return;
		}
	}
	WRONG("a group is refused by one of its changes");
}

/* A long read goes on to its end here: replies cannot be put off in the middle of an array. */
static uint64_t end_task(struct exec *exec, struct reply *reply)
{
	struct client *client = exec->client;
	uint64_t lsn = 0;
	bool over = client->task == NULL;
	while (!over) {
		CHECK(!client->task_waits); /* COMMAND_NOT_IN_MULTI keeps what waits for another thread out */
		uint64_t step_lsn = 0;
		over = client->task(exec->service, client, reply, &step_lsn);
		lsn = lsn_later(lsn, step_lsn);
	}
	return lsn;
}

/* The replies of all, in their order. Returns the lsn they depend on. */
static uint64_t reply_all(struct exec *exec, struct reply *reply)
{
	uint64_t lsn = 0;
	const uint32_t count = exec->client->multi.count;
	reply_array(reply, count);
	for (uint32_t i = 0; i < count; i++) {
		const struct multi_command *queued = exec_at(exec, i);
		if (queued->command->plan != NULL) {
			const struct group_part part = part_of(exec, queued);
			queued->command->answer(&part, exec->service->desk, reply);
			continue;
		}
		lsn = lsn_later(lsn, queued->command->execute(exec->service, exec->client, &exec->request, reply));
		lsn = lsn_later(lsn, end_task(exec, reply));
	}
	return lsn;
}

static uint64_t exec_queued(struct exec *exec, struct reply *reply)
{
	if (!plan_all(exec, reply)) {
		return 0;
	}
	uint64_t lsn = 0;
	if (exec->group.change_count > 0) {
		const char *refusal = log_state_refusal(exec->client->log);
		if (refusal != NULL) {
			reply_error(reply, "EXECABORT Transaction discarded: %s", refusal);
			return 0;
		}
		const struct outcome outcome = desk_group(exec->service->desk, &exec->group);
		lsn = outcome.lsn;
		if (outcome.code != OUTCOME_DONE) {
			reply_refused(exec, reply);
			return lsn;
		}
	}
	return lsn_later(lsn, reply_all(exec, reply));
}

uint64_t command_exec(struct service *service, struct client *client, const struct request *request,
		      struct reply *reply)
{
	(void)request;
	uint64_t lsn = 0;
	if (!client->in_multi) {
		reply_error(reply, "ERR EXEC without MULTI");
		return 0;
	}
	client->in_multi = false;
	if (client->multi.broken) {
		reply_error(reply, "EXECABORT Transaction discarded because of previous errors.");
	} else {
		struct exec exec;
		exec.service = service;
		exec.client = client;
		exec.refusal = (struct buffer){0};
		group_init(&exec.group);
		lsn = exec_queued(&exec, reply);
		buffer_fini(&exec.refusal);
	}
	multi_end(&client->multi);
	return lsn;
}

/* ---------------------------------------------------------------------------------------------------------- the others */

uint64_t command_discard(struct service *service, struct client *client, const struct request *request,
			 struct reply *reply)
{
	(void)service;
	(void)request;
	if (client->in_multi) {
		multi_leave(client);
		reply_status(reply, "OK");
	} else {
		reply_error(reply, "ERR DISCARD without MULTI");
	}
	return 0;
}

uint64_t command_watch(struct service *service, struct client *client, const struct request *request,
		       struct reply *reply)
{
	(void)service;
	(void)client;
	(void)request;
	reply_error(reply, "ERR WATCH is not supported: EXEC is all or nothing, and a claim is atomic by itself");
	return 0;
}

uint64_t command_unwatch(struct service *service, struct client *client, const struct request *request,
			 struct reply *reply)
{
	(void)service;
	(void)client;
	(void)request;
	reply_status(reply, "OK"); /* there never is anything to forget */
	return 0;
}
