/*
 * command_week: HOURS: the weekly hours of a psychologist, which the availability service carries out.
 */
#include "command_reply.h"
#include <serve/arguments.h>
#include <slot/hours.h>
#include <stdlib.h>

/* A SET or DEL that goes on: hours set before are carried out, then these are set and carried out. */
struct setting_hours {
	uint32_t psychologist;
	bool is_set;
	struct hours_progress progress;
	size_t size;
	uint8_t hours[HOURS_TEXT_MAX];
};

static void end_task(struct client *client)
{
	free(client->task_state);
	client->task = NULL;
	client->task_state = NULL;
	client->task_abandoned = NULL;
}

/* What is left is the availability service's. */
static void leave(struct service *service, void *task_state)
{
	(void)task_state;
	desk_hours_look_by(service->desk, 0);
}

/* Sets them, unless that has to wait. False: it does. */
static bool set(struct desk *desk, struct setting_hours *state, struct reply *reply, bool *replied)
{
	const struct outcome outcome = desk_hours(desk, state->psychologist, (struct span){state->hours, state->size});
	state->progress.lsn = lsn_later(state->progress.lsn, outcome.lsn);
	state->is_set = outcome.code == OUTCOME_DONE;
	*replied = outcome.code != OUTCOME_DONE && outcome.code != OUTCOME_UNFINISHED;
	if (*replied) {
		reply_refusal(reply, desk, &outcome);
	}
	return outcome.code != OUTCOME_UNFINISHED;
}

/* Replies what became of it when a step was the last; false: it was not. */
static bool reply_step(struct service *service, const struct setting_hours *state, enum hours_step step,
		       struct reply *reply)
{
	if (step == HOURS_STEP_MORE || (step == HOURS_STEP_DONE && !state->is_set)) {
		return false;
	}
	if (!state->is_set) {
		reply_error(reply,
			    "ERR the hours set before cannot be carried out yet, and these were not set: ask again");
	} else if (step == HOURS_STEP_MEMORY) {
		reply_error(reply, "OOM the hours are set, slots are opened when used memory is below maxmemory");
	} else {
		reply_status(reply, "OK"); /* without room in the log the rest follows */
	}
	if (step != HOURS_STEP_DONE) {
		leave(service, NULL);
	}
	return true;
}

static bool go_on(struct service *service, struct client *client, struct reply *reply, uint64_t *lsn)
{
	struct setting_hours *state = client->task_state;
	bool replied = false;
	if (state->is_set || !set(service->desk, state, reply, &replied)) {
		const enum hours_step step = desk_hours_step(service->desk, state->psychologist, &state->progress);
		replied = reply_step(service, state, step, reply);
	}
	if (replied) {
		*lsn = state->progress.lsn;
		end_task(client);
	}
	return replied;
}

static uint64_t begin(struct service *service, struct client *client, struct reply *reply, uint32_t psychologist,
		      const struct buffer *hours)
{
	struct setting_hours *state = calloc(1, sizeof *state);
	if (state == NULL) {
		reply_refusal(reply, service->desk, &(struct outcome){.code = OUTCOME_MEMORY});
		return 0;
	}
	state->psychologist = psychologist;
	state->size = hours->size;
	if (hours->size > 0) {
		memcpy(state->hours, hours->at, hours->size);
	}
	client->task = go_on;
	client->task_state = state;
	client->task_abandoned = leave;
	return 0;
}

/* The words behind the psychologist as hours, written as they are remembered. */
static bool read_hours(struct reply *reply, const struct request *request, struct buffer *text)
{
	struct hours hours;
	struct error error;
	if (!hours_read(request->words + 3, request->count - 3, &hours, &error)) {
		reply_error(reply, "%s %s", error.code == ERROR_NO_SPACE ? "LIMIT" : "ERR", error.text);
		return false;
	}
	if (zone_find(hours.zone) == NULL) {
		reply_error(reply, "ERR zone is not known to this system: use an IANA name such as Europe/Berlin");
		return false;
	}
	hours_write(&hours, text);
	if (text->size > HOURS_TEXT_MAX) {
		reply_error(reply, "LIMIT hours have at most %d bytes, blanks between the words included",
			    HOURS_TEXT_MAX);
		return false;
	}
	return true;
}

static uint64_t set_hours(struct service *service, struct client *client, const struct request *request,
			  struct reply *reply, struct span psychologist)
{
	struct buffer text = {0};
	uint64_t lsn = 0;
	if (read_hours(reply, request, &text)) {
		const uint32_t number = intern_add(&service->desk->table->psychologists, psychologist, false);
		if (number == 0) {
			reply_refusal(reply, service->desk, &(struct outcome){.code = OUTCOME_MEMORY});
		} else {
			lsn = begin(service, client, reply, number, &text);
		}
	}
	buffer_fini(&text);
	return lsn;
}

static uint64_t delete_hours(struct service *service, struct client *client, struct reply *reply,
			     struct span psychologist)
{
	static const struct buffer none;
	const uint32_t number = intern_find(&service->desk->table->psychologists, psychologist);
	if (number == 0) {
		reply_status(reply, "OK");
		return 0;
	}
	return begin(service, client, reply, number, &none);
}

/* The words that SET takes. */
static void reply_words(struct reply *reply, struct span text)
{
	size_t count = 1;
	for (size_t i = 0; i < text.size; i++) {
		count += text.at[i] == ' ';
	}
	reply_array(reply, count);
	for (size_t start = 0, at = 0; at <= text.size; at++) {
		if (at == text.size || text.at[at] == ' ') {
			reply_bulk(reply, (struct span){text.at + start, at - start});
			start = at + 1;
		}
	}
}

static uint64_t get_hours(struct service *service, struct reply *reply, struct span psychologist)
{
	struct table *table = service->desk->table;
	const uint32_t number = intern_find(&table->psychologists, psychologist);
	struct buffer text = {0};
	struct hours_plan plan = {.now = {NULL, 0}};
	uint64_t lsn = 0;
	if (number != 0 && settings_get(&table->settings, SETTING_HOURS, number, &text, &lsn)) {
		hours_plan_read((struct span){text.at, text.size}, &plan);
	}
	if (plan.now.size > 0) {
		reply_words(reply, plan.now);
	} else {
		reply_null(reply);
	}
	buffer_fini(&text);
	return lsn;
}

uint64_t command_hours(struct service *service, struct client *client, const struct request *request,
		       struct reply *reply)
{
	struct span psychologist;
	switch (argument_asked(reply, request, &psychologist)) {
	case ASKED_SET:
		return set_hours(service, client, request, reply, psychologist);
	case ASKED_GET:
		return get_hours(service, reply, psychologist);
	case ASKED_DEL:
		return delete_hours(service, client, reply, psychologist);
	case ASKED_NONE:
		break;
	}
	return 0;
}
