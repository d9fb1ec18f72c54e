/*
 * command_hours: OPEN, CLOSE, PURGE: which slots there are.
 */
#include <inttypes.h>
#include <serve/arguments.h>
#include <serve/command.h>
#include <serve/log_line.h>
#include <stdlib.h>

/* [COUNT n] [EVERY minutes], in any order, each at most once. */
static bool read_repetition(struct reply *reply, const struct request *request, uint64_t *n, uint64_t *every)
{
	*n = 0;
	*every = 0;
	for (uint32_t i = 5; i < request->count; i += 2) {
		const bool is_count = span_is(request->words[i], "COUNT") && *n == 0;
		const bool is_every = span_is(request->words[i], "EVERY") && *every == 0;
		if (i + 1 == request->count || (!is_count && !is_every)) {
			argument_syntax(reply, request);
			return false;
		}
		if (is_count && !argument_number(reply, "COUNT", request->words[i + 1], 1, OPEN_COUNT_MAX, n)) {
			return false;
		}
		if (is_every &&
		    !argument_number(reply, "EVERY", request->words[i + 1], 1, 7 * MINUTES_PER_DAY, every)) {
			return false;
		}
	}
	return true;
}

uint64_t command_open(struct service *service, struct client *client, const struct request *request,
		      struct reply *reply)
{
	(void)client;
	struct place place;
	uint64_t minutes;
	uint64_t n;
	uint64_t every;
	if (!argument_place(reply, request, 1, &place) ||
	    !argument_number(reply, "minutes", request->words[4], 1, SLOT_MINUTES_MAX, &minutes) ||
	    !read_repetition(reply, request, &n, &every)) {
		return 0;
	}
	n = n == 0 ? 1 : n;
	every = every == 0 ? minutes : every; /* back to back */
	if (place.day + (place.minute + (n - 1) * every) / MINUTES_PER_DAY >= DAY_COUNT) {
		reply_error(reply, "ERR the last slot must not be after 2149-06-06");
		return 0;
	}
	const struct outcome outcome =
	    desk_open(service->desk, &place, (uint16_t)minutes, (uint32_t)n, (uint32_t)every);
	if (outcome.code == OUTCOME_DONE) {
		reply_integer(reply, (int64_t)outcome.value);
	} else {
		reply_refusal(reply, service->desk, &outcome);
	}
	return outcome.lsn;
}

uint64_t command_close(struct service *service, struct client *client, const struct request *request,
		       struct reply *reply)
{
	(void)client;
	struct place place = {.minute = DESK_WHOLE_DAY};
	if (!argument_token(reply, "psychologist", request->words[1], &place.psychologist) ||
	    !argument_date(reply, "date", request->words[2], &place.day) ||
	    (request->count > 3 && !argument_time(reply, "time", request->words[3], &place.minute))) {
		return 0;
	}
	uint64_t occupied;
	const struct outcome outcome = desk_close(service->desk, &place, &occupied);
	if (occupied > 0) {
		log_line(LOG_INFO, "hours closed, occupied slots stay",
			 "psychologist=%.*s closed=%" PRIu64 " occupied=%" PRIu64, (int)place.psychologist.size,
			 (const char *)place.psychologist.at, outcome.value, occupied);
	}
	reply_integer(reply, (int64_t)outcome.value);
	return outcome.lsn;
}

/* A PURGE that goes on: the walk, and the answer's lsn. */
struct purge {
	struct purge_cursor cursor;
	uint64_t lsn;
};

static bool purge_go_on(struct service *service, struct client *client, struct reply *reply, uint64_t *lsn)
{
	struct purge *purge = client->task_state;
	if (desk_purge_slice(service->desk, &purge->cursor)) {
		return false;
	}
	const struct purge_cursor *cursor = &purge->cursor;
	reply_integer(reply, (int64_t)(cursor->removed_open + cursor->removed_booked + cursor->removed_held +
				       cursor->removed_blocked));
	*lsn = purge->lsn;
	free(purge);
	client->task = NULL;
	client->task_state = NULL;
	return true;
}

uint64_t command_purge(struct service *service, struct client *client, const struct request *request,
		       struct reply *reply)
{
	uint16_t day;
	if (!span_is(request->words[1], "BEFORE")) {
		argument_syntax(reply, request);
		return 0;
	}
	if (!argument_date(reply, "date", request->words[2], &day)) {
		return 0;
	}
	const struct outcome outcome = desk_purge(service->desk, day);
	if (outcome.code != OUTCOME_DONE) {
		reply_refusal(reply, service->desk, &outcome);
		return outcome.lsn;
	}
	struct purge *purge = calloc(1, sizeof *purge);
	if (purge == NULL) {
		/* The days are gone; only their memory waits for the next PURGE or restart. */
		reply_error(reply, "OOM no memory to count what was purged");
		return outcome.lsn;
	}
	purge->lsn = outcome.lsn;
	client->task = purge_go_on;
	client->task_state = purge;
	return 0;
}
