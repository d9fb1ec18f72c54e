/*
 * command_alternatives: ALTERNATIVES, and the alternatives behind a refusal. One walk (serve/alternatives.h), two ways to say
 * what it found. Nearly always it is over in one step; if not, it goes on as the client's task.
 */
#include "command_alternatives.h"
#include "command_reply.h"
#include <serve/alternatives.h>
#include <serve/arguments.h>
#include <stdlib.h>

struct search {
	struct alternatives walk;
	struct outcome refusal; /* that it goes with; DONE: it is the answer itself */
};

static void reply_list(struct reply *reply, const struct alternatives *walk)
{
	reply_array(reply, walk->count);
	for (uint32_t i = 0; i < walk->count; i++) {
		command_reply_slot(reply, walk->found[i].key, walk->found[i].minutes, "open");
	}
}

/* "-TAKEN ... alt=2031-01-06T10:00,2031-01-06T11:00": the refusal as everybody gets it, and more on its line. */
static void reply_behind_refusal(struct reply *reply, const struct desk *desk, const struct search *search)
{
	reply_refusal(reply, desk, &search->refusal);
	if (search->walk.count == 0) {
		return;
	}
	struct buffer *out = reply->out;
	out->size -= 2; /* its CRLF */
	for (uint32_t i = 0; i < search->walk.count; i++) {
		char at[17];
		format_place(search->walk.found[i].key, at);
		buffer_format(out, "%s%s", i == 0 ? " alt=" : ",", at);
	}
	buffer_add(out, "\r\n", 2);
}

/* The next step, and if it was the last one the reply. */
static bool step(struct search *search, struct desk *desk, struct reply *reply, uint64_t *lsn)
{
	if (!alternatives_step(&search->walk, desk)) {
		return false;
	}
	if (search->refusal.code == OUTCOME_DONE) {
		reply_list(reply, &search->walk);
	} else {
		reply_behind_refusal(reply, desk, search);
	}
	*lsn = lsn_later(search->refusal.lsn, search->walk.lsn);
	return true;
}

static bool go_on(struct service *service, struct client *client, struct reply *reply, uint64_t *lsn)
{
	struct search *search = client->task_state;
	if (!step(search, service->desk, reply, lsn)) {
		return false;
	}
	free(search);
	client->task = NULL;
	client->task_state = NULL;
	return true;
}

static uint64_t begin(struct service *service, struct client *client, struct reply *reply, const struct place *place,
		      const struct outcome *refusal, uint64_t count)
{
	struct search search = {.refusal = *refusal};
	uint64_t lsn = 0;
	alternatives_begin(&search.walk, service->desk, place, (uint32_t)count);
	if (step(&search, service->desk, reply, &lsn)) {
		return lsn;
	}
	client->task_state = malloc(sizeof search);
	if (client->task_state == NULL) {
		if (refusal->code == OUTCOME_DONE) {
			reply_error(reply, "OOM no memory to look for alternatives");
		} else {
			reply_refusal(reply, service->desk, refusal);
		}
		return refusal->lsn;
	}
	memcpy(client->task_state, &search, sizeof search);
	client->task = go_on;
	return 0;
}

bool argument_alternatives(struct reply *reply, struct span word, uint64_t *count)
{
	return argument_number(reply, "ALT", word, 1, ALTERNATIVES_COUNT_MAX, count);
}

bool argument_only_alternatives(struct reply *reply, const struct request *request, uint32_t first, uint64_t *count)
{
	*count = 0;
	if (first == request->count) {
		return true;
	}
	if (first + 2 != request->count || !span_is(request->words[first], "ALT")) {
		argument_syntax(reply, request);
		return false;
	}
	return argument_alternatives(reply, request->words[first + 1], count);
}

uint64_t command_refuse_claim(struct service *service, struct client *client, struct reply *reply,
			      const struct place *place, const struct outcome *outcome, uint64_t count)
{
	const bool lost = outcome->code == OUTCOME_TAKEN || outcome->code == OUTCOME_HELD ||
			  outcome->code == OUTCOME_BLOCKED || outcome->code == OUTCOME_NOSLOT;
	if (count == 0 || !lost) {
		reply_refusal(reply, service->desk, outcome);
		return outcome->lsn;
	}
	return begin(service, client, reply, place, outcome, count);
}

uint64_t command_alternatives(struct service *service, struct client *client, const struct request *request,
			      struct reply *reply)
{
	struct place place;
	uint64_t count = ALTERNATIVES_COUNT_DEFAULT;
	if (!argument_place(reply, request, 1, &place)) {
		return 0;
	}
	if (request->count > 4) {
		if (request->count != 6 || !span_is(request->words[4], "COUNT")) {
			argument_syntax(reply, request);
			return 0;
		}
		if (!argument_number(reply, "COUNT", request->words[5], 1, ALTERNATIVES_COUNT_MAX, &count)) {
			return 0;
		}
	}
	return begin(service, client, reply, &place, &(struct outcome){.code = OUTCOME_DONE}, count);
}
