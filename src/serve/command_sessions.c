/*
 * command_sessions: SESSIONS. Nearly always one step; a client with very many sessions keeps its connection waiting, as a task,
 * and nobody else.
 */
#include "command_reply.h"
#include <inttypes.h>
#include <serve/arguments.h>
#include <serve/sessions.h>
#include <stdlib.h>

/* The next step, and if it was the last one the reply. */
static bool step(struct session_list *list, struct desk *desk, struct reply *reply, uint64_t *lsn)
{
	const enum sessions_result result = sessions_step(list, desk);
	if (result == SESSIONS_MORE) {
		return false;
	}
	if (result == SESSIONS_TOO_MANY) {
		reply_error(reply,
			    "LIMIT The client has more than %" PRIu32
			    " sessions in these days (sessions-max-reply): ask for fewer days",
			    list->count_max);
	} else {
		reply_array(reply, list->count);
		for (uint32_t i = 0; i < list->count; i++) {
			command_reply_session(reply, desk->table, &list->views[i]);
		}
	}
	*lsn = list->lsn;
	free(list);
	return true;
}

static bool go_on(struct service *service, struct client *client, struct reply *reply, uint64_t *lsn)
{
	if (!step(client->task_state, service->desk, reply, lsn)) {
		return false;
	}
	client->task = NULL;
	client->task_state = NULL;
	return true;
}

/* [from-date [to-date]] */
static bool read_days(struct reply *reply, const struct request *request, uint16_t *from, uint16_t *to)
{
	*from = 0;
	*to = DAY_COUNT - 1;
	if ((request->count > 2 && !argument_date(reply, "from-date", request->words[2], from)) ||
	    (request->count > 3 && !argument_date(reply, "to-date", request->words[3], to))) {
		return false;
	}
	if (*to < *from) {
		reply_error(reply, "ERR to-date must be on or after from-date");
		return false;
	}
	return true;
}

uint64_t command_sessions(struct service *service, struct client *client, const struct request *request,
			  struct reply *reply)
{
	struct span name;
	uint16_t from;
	uint16_t to;
	if (!argument_token(reply, "client", request->words[1], &name) || !read_days(reply, request, &from, &to)) {
		return 0;
	}
	struct desk *desk = service->desk;
	struct session_list *list = sessions_begin(desk, name, from, to, service->config->sessions_max_reply);
	if (list == NULL) {
		reply_error(reply, "OOM no memory to list sessions");
		return 0;
	}
	uint64_t lsn = 0;
	if (!step(list, desk, reply, &lsn)) {
		client->task = go_on;
		client->task_state = list;
	}
	return lsn;
}
