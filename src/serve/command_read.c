/*
 * command_read: SLOT, SLOTS, SESSION: what is there, without changing it.
 */
#include "command_reply.h"
#include <serve/arguments.h>
#include <serve/command.h>
#include <slot/civil.h>

/* Longest range of days one SLOTS may ask for: a year of weeks and then some. */
#define SLOTS_DAYS_MAX 400

/* Status of a slot in the words of SLOT: open held booked blocked none. */
static const char *slot_status_name(const struct slot_view *view)
{
	if (view->free) {
		return "open";
	}
	if (view->kind == CLAIM_BLOCKED) {
		return "blocked";
	}
	return view->status == SESSION_HELD ? "held" : "booked";
}

uint64_t command_slot(struct service *service, struct client *client, const struct request *request,
		      struct reply *reply)
{
	(void)client;
	struct place place;
	if (!argument_place(reply, request, 1, &place)) {
		return 0;
	}
	struct slot_view view;
	uint64_t lsn;
	if (!desk_slot(service->desk, &place, &view, &lsn)) {
		reply_map(reply, 1);
		reply_text(reply, "status");
		reply_text(reply, "none");
		return lsn;
	}
	const bool occupied = !view.free && view.kind == CLAIM_SESSION;
	reply_map(reply, occupied ? 3 : 2);
	reply_text(reply, "status");
	reply_text(reply, slot_status_name(&view));
	reply_text(reply, "minutes");
	reply_integer(reply, view.minutes);
	if (occupied) {
		reply_text(reply, "session");
		reply_integer(reply, (int64_t)view.session);
	}
	return lsn;
}

void command_reply_slot(struct reply *reply, uint64_t key, uint16_t minutes, const char *status)
{
	reply_array(reply, 4);
	reply_date(reply, key_day(key));
	reply_time(reply, key_minute(key));
	reply_integer(reply, minutes);
	reply_text(reply, status);
}

/* Slots as they are visited; the count goes in front of them once it is known. */
struct listing {
	struct buffer rows;
	int protocol;
	size_t count;
	bool all;
};

static void list_slot(void *context, const struct slot_view *view)
{
	struct listing *listing = context;
	if (!listing->all && !view->free) {
		return;
	}
	struct reply row = {&listing->rows, listing->protocol};
	listing->count++;
	command_reply_slot(&row, view->key, view->minutes, slot_status_name(view));
}

/* from-date [to-date] [ALL] */
static bool read_range(struct reply *reply, const struct request *request, uint16_t *from, uint16_t *to, bool *all)
{
	uint32_t next = 3;
	if (!argument_date(reply, "from-date", request->words[2], from)) {
		return false;
	}
	*to = *from;
	if (next < request->count && !span_is(request->words[next], "ALL")) {
		if (!argument_date(reply, "to-date", request->words[next++], to)) {
			return false;
		}
	}
	*all = next < request->count && span_is(request->words[next], "ALL");
	if (next + *all != request->count) {
		argument_syntax(reply, request);
		return false;
	}
	if (*to < *from || *to - *from >= SLOTS_DAYS_MAX) {
		reply_error(reply, "ERR to-date must be on or after from-date, and within %d days", SLOTS_DAYS_MAX);
		return false;
	}
	return true;
}

uint64_t command_slots(struct service *service, struct client *client, const struct request *request,
		       struct reply *reply)
{
	(void)client;
	struct span psychologist;
	uint16_t from;
	uint16_t to;
	bool all;
	if (!argument_token(reply, "psychologist", request->words[1], &psychologist) ||
	    !read_range(reply, request, &from, &to, &all)) {
		return 0;
	}
	struct listing listing = {.protocol = reply->protocol, .all = all};
	const uint64_t lsn = desk_slots(service->desk, psychologist, from, to, list_slot, &listing);
	reply_array(reply, listing.count);
	buffer_add(reply->out, listing.rows.at, listing.rows.size);
	buffer_fini(&listing.rows);
	return lsn;
}

void command_reply_session(struct reply *reply, const struct table *table, const struct session_view *view)
{
	reply_map(reply, 10);
	reply_text(reply, "id");
	reply_integer(reply, (int64_t)view->id);
	reply_text(reply, "psychologist");
	reply_bulk(reply, intern_token(&table->psychologists, key_psychologist(view->key)));
	reply_text(reply, "date");
	reply_date(reply, key_day(view->key));
	reply_text(reply, "time");
	reply_time(reply, key_minute(view->key));
	reply_text(reply, "minutes");
	reply_integer(reply, view->minutes);
	reply_text(reply, "client");
	reply_bulk(reply, intern_token(&table->clients, view->client));
	reply_text(reply, "status");
	reply_text(reply, session_status_name(view->status));
	reply_text(reply, "version");
	reply_integer(reply, view->version);
	reply_text(reply, "created_at");
	reply_integer(reply, (int64_t)view->created_ms);
	reply_text(reply, "updated_at");
	reply_integer(reply, (int64_t)view->updated_ms);
}

uint64_t command_session(struct service *service, struct client *client, const struct request *request,
			 struct reply *reply)
{
	(void)client;
	uint64_t id;
	if (!argument_number(reply, "id", request->words[1], 1, INT64_MAX, &id)) {
		return 0;
	}
	struct session_view view;
	uint64_t lsn;
	if (!desk_session(service->desk, id, &view, &lsn)) {
		reply_refusal(reply, service->desk, &(struct outcome){.code = OUTCOME_NOSESSION});
		return lsn;
	}
	command_reply_session(reply, service->desk->table, &view);
	return lsn;
}
