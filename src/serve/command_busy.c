/*
 * command_busy: BUSY: what a calendar says, and what all of a psychologist's calendars say.
 */
#include "command_reply.h"
#include <serve/arguments.h>
#include <serve/command.h>
#include <slot/zone.h>
#include <stdlib.h>

/* Words before the first interval: BUSY psychologist source generation from to. */
#define WORDS_BEFORE 6

static bool read_window(struct reply *reply, const struct request *request, struct busy_interval *window)
{
	if (!argument_moment(reply, "from", request->words[4], &window->start) ||
	    !argument_moment(reply, "to", request->words[5], &window->end)) {
		return false;
	}
	if (window->end <= window->start || window->end - window->start > BUSY_DAYS_MAX * MINUTES_PER_DAY) {
		reply_error(reply, "ERR to must be after from, and within %d days", BUSY_DAYS_MAX);
		return false;
	}
	return true;
}

/* The i-th interval; `end` is where the one before ends. */
static bool read_interval(struct reply *reply, const struct request *request, uint32_t i,
			  const struct busy_interval *window, uint32_t end, struct busy_interval *interval)
{
	const uint32_t word = WORDS_BEFORE + 2 * i;
	if (!argument_moment(reply, "start", request->words[word], &interval->start) ||
	    !argument_moment(reply, "end", request->words[word + 1], &interval->end)) {
		return false;
	}
	const char *fault = NULL;
	if (interval->end <= interval->start) {
		fault = "must end after it starts";
	} else if (interval->start < window->start || interval->end > window->end) {
		fault = "must lie between from and to";
	} else if (interval->start < end) {
		fault = "must not start before the one before it has ended";
	}
	if (fault != NULL) {
		reply_error(reply, "ERR interval %u %s", i + 1, fault);
	}
	return fault == NULL;
}

static bool read_update(struct reply *reply, const struct request *request, struct busy_update *update,
			struct busy_interval *intervals)
{
	if (request->count < WORDS_BEFORE || request->count % 2 != 0) {
		argument_syntax(reply, request);
		return false;
	}
	if (!argument_token(reply, "source", request->words[2], &update->source) ||
	    !argument_number(reply, "generation", request->words[3], 0, INT64_MAX, &update->generation) ||
	    !read_window(reply, request, &update->window)) {
		return false;
	}
	update->intervals = intervals;
	update->count = (request->count - WORDS_BEFORE) / 2;
	if (update->count > BUSY_COUNT_MAX) {
		reply_error(reply, "LIMIT one BUSY has at most %d intervals: send several windows", BUSY_COUNT_MAX);
		return false;
	}
	uint32_t end = 0;
	for (uint32_t i = 0; i < update->count; i++) {
		if (!read_interval(reply, request, i, &update->window, end, &intervals[i])) {
			return false;
		}
		end = intervals[i].end;
	}
	return true;
}

static void reply_walk(struct reply *reply, const struct busy_walk *walk)
{
	reply_array(reply, 3);
	reply_integer(reply, (int64_t)walk->blocked);
	reply_integer(reply, (int64_t)walk->unblocked);
	reply_integer(reply, (int64_t)walk->conflicts);
}

static bool go_on(struct service *service, struct client *client, struct reply *reply, uint64_t *lsn)
{
	struct busy_walk *walk = client->task_state;
	if (desk_busy_step(service->desk, walk)) {
		return false;
	}
	reply_walk(reply, walk);
	*lsn = walk->lsn;
	free(walk);
	client->task = NULL;
	client->task_state = NULL;
	client->task_abandoned = NULL;
	return true;
}

/* Which slots are blocked must not depend on whether somebody waits for the answer. */
static void finish(struct service *service, void *task_state)
{
	while (desk_busy_step(service->desk, task_state)) {
	}
}

static uint64_t update(struct service *service, struct client *client, const struct request *request,
		       struct reply *reply, struct span psychologist)
{
	struct busy_interval intervals[BUSY_COUNT_MAX];
	struct busy_update update = {.at_ms = clock_wall_ms(service->clock)};
	struct busy_walk walk;
	if (!read_update(reply, request, &update, intervals)) {
		return 0;
	}
	struct busy_walk *state = malloc(sizeof *state);
	const struct outcome outcome = state != NULL ? desk_busy(service->desk, psychologist, &update, &walk)
						     : (struct outcome){.code = OUTCOME_MEMORY};
	if (outcome.code != OUTCOME_DONE) {
		free(state);
		reply_refusal(reply, service->desk, &outcome);
		return outcome.lsn;
	}
	*state = walk;
	client->task = go_on;
	client->task_state = state;
	client->task_abandoned = finish;
	return 0;
}

/* ---- what the calendars say ---- */

struct listing {
	struct reply reply; /* of the rows */
	struct buffer rows;
	size_t count;
	uint64_t lsn;
	uint64_t days[DAY_COUNT / 64]; /* a bit for each on which a source is busy */
	struct desk *desk;
};

static bool list_source(void *context, uint32_t psychologist, const struct busy_source *source)
{
	struct listing *listing = context;
	(void)psychologist;
	reply_map(&listing->reply, 4);
	reply_text(&listing->reply, "source");
	reply_bulk(&listing->reply, (struct span){source->name, source->name_size});
	reply_text(&listing->reply, "generation");
	reply_integer(&listing->reply, (int64_t)source->generation);
	reply_text(&listing->reply, "synced_at");
	reply_integer(&listing->reply, (int64_t)source->synced_ms);
	reply_text(&listing->reply, "intervals");
	reply_integer(&listing->reply, source->count);
	listing->count++;
	listing->lsn = lsn_later(listing->lsn, source->lsn);
	for (uint32_t i = 0; i < source->count; i++) {
		/* A slot of the day before may reach into it. */
		const uint32_t first = source->intervals[i].start / MINUTES_PER_DAY;
		const uint32_t last = (source->intervals[i].end - 1) / MINUTES_PER_DAY;
		for (uint32_t day = first > 0 ? first - 1 : 0; day <= last && day < DAY_COUNT; day++) {
			listing->days[day / 64] |= UINT64_C(1) << day % 64;
		}
	}
	return true;
}

static void list_conflict(void *context, const struct slot_view *view)
{
	struct listing *listing = context;
	const bool occupied = !view->free && view->kind == CLAIM_SESSION;
	if (!occupied || !table_is_busy(listing->desk->table, view->key, view->minutes, &listing->lsn)) {
		return;
	}
	reply_array(&listing->reply, 4);
	reply_date(&listing->reply, key_day(view->key));
	reply_time(&listing->reply, key_minute(view->key));
	reply_integer(&listing->reply, view->minutes);
	reply_integer(&listing->reply, (int64_t)view->session);
	listing->count++;
}

static void flush(struct listing *listing, struct reply *reply, const char *name)
{
	reply_text(reply, name);
	reply_array(reply, listing->count);
	buffer_add(reply->out, listing->rows.at, listing->rows.size);
	listing->rows.size = 0;
	listing->count = 0;
}

/* Conflicts from today on. */
static void list_conflicts(struct listing *listing, struct span psychologist, uint32_t number)
{
	const struct zone *zone = zone_map_get(&listing->desk->table->zones, number, &listing->lsn);
	for (uint32_t day = zone_civil(zone, clock_wall_ms(listing->desk->clock)).day; day < DAY_COUNT; day++) {
		if ((listing->days[day / 64] >> day % 64 & 1) != 0) {
			const uint64_t lsn = desk_slots(listing->desk, psychologist, (uint16_t)day, (uint16_t)day,
							list_conflict, listing);
			listing->lsn = lsn_later(listing->lsn, lsn);
		}
	}
}

static uint64_t list(struct service *service, struct reply *reply, struct span psychologist)
{
	struct desk *desk = service->desk;
	struct listing listing = {.desk = desk};
	listing.reply = (struct reply){&listing.rows, reply->protocol};
	const uint32_t number = intern_find(&desk->table->psychologists, psychologist);
	reply_map(reply, 2);
	if (number != 0) {
		busy_look(&desk->table->busy, number, list_source, &listing);
	}
	flush(&listing, reply, "sources");
	if (number != 0) {
		list_conflicts(&listing, psychologist, number);
	}
	flush(&listing, reply, "conflicts");
	buffer_fini(&listing.rows);
	return listing.lsn;
}

uint64_t command_busy(struct service *service, struct client *client, const struct request *request,
		      struct reply *reply)
{
	struct span psychologist;
	if (!argument_token(reply, "psychologist", request->words[1], &psychologist)) {
		return 0;
	}
	return request->count == 2 ? list(service, reply, psychologist)
				   : update(service, client, request, reply, psychologist);
}
