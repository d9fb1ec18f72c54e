/*
 * caldav: see the header.
 */
#include <base/check.h>
#include <base/hash.h>
#include <calsync/caldav.h>
#include <calsync/multistatus.h>
#include <calsync/sift.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void caldav_begin(struct caldav *caldav, struct calendar *calendar)
{
	*caldav = (struct caldav){
	    .calendar = calendar,
	    .phase = CALDAV_SYNC,
	    .lists_all = calendar->token == NULL,
	    .token = calendar->token != NULL ? strdup(calendar->token) : NULL,
	};
	if (caldav->lists_all) {
		items_list_begin(&calendar->items);
	}
}

void caldav_fini(struct caldav *caldav)
{
	buffer_fini(&caldav->body);
	free(caldav->token);
	*caldav = (struct caldav){0};
}

/* ---- answers ---- */

static bool is_collection(const char *href)
{
	return href[0] == '\0' || href[strlen(href) - 1] == '/';
}

static struct item *get_item(struct caldav *caldav, const char *href)
{
	struct item *item = items_get(&caldav->calendar->items, href, caldav->limits->events);
	caldav->is_too_many = caldav->is_too_many || item == NULL;
	return item;
}

static void drop_item(struct caldav *caldav, const char *href)
{
	caldav->calendar->has_changed |= items_find(&caldav->calendar->items, href) != NULL;
	items_drop(&caldav->calendar->items, href);
}

static void take_change(void *context, const struct dav_response *response)
{
	struct caldav *caldav = context;
	if (response->status == 507) {
		caldav->is_cut_off = true;
	} else if (response->status == 404) {
		drop_item(caldav, response->href);
	} else if (response->status / 100 <= 2 && !is_collection(response->href)) {
		struct item *item = get_item(caldav, response->href);
		if (item != NULL) {
			item->is_there = true;
			item->is_wanted = response->etag[0] == '\0' || strcmp(item->etag, response->etag) != 0;
		}
	}
}

/* One that cannot be read is known to be so: it is not asked for again until it changes. */
static void set_text(struct caldav *caldav, struct item *item, const struct dav_response *response)
{
	struct sifted sifted = {0};
	char hash[32];
	snprintf(hash, sizeof hash, "%016" PRIx64, hash_bytes(response->data.at, response->data.size, 0));
	const char *etag = response->etag[0] != '\0' ? response->etag : hash;
	caldav->calendar->has_changed |= strcmp(item->etag, etag) != 0;
	item_set_etag(item, etag);
	item->kept.size = 0;
	(void)sift(response->data, caldav->limits->events, &item->kept, &sifted, NULL);
	item->events = sifted.events;
	item->is_wanted = false;
	item->is_there = true;
}

static void take_text(void *context, const struct dav_response *response)
{
	struct caldav *caldav = context;
	if (response->status == 404) {
		drop_item(caldav, response->href);
	} else if (response->data.size > 0) {
		struct item *item = get_item(caldav, response->href);
		if (item != NULL) {
			set_text(caldav, item, response);
		}
	}
}

/* ---- steps ---- */

static enum step fail_http(const struct answer *answer, struct error *error)
{
	error_set(error, ERROR_IO, "HTTP status %ld to a REPORT: is it a CalDAV collection?", answer->status);
	return answer->status == 500 ? STEP_LATER : STEP_FAILED;
}

/* All items as one stream of calendars. */
static enum step finish(struct caldav *caldav, struct error *error)
{
	struct calendar *calendar = caldav->calendar;
	struct buffer kept = {0};
	uint64_t events = 0;
	calendar->unreadable_items = 0;
	for (size_t i = 0; i < calendar->items.count; i++) {
		const struct item *item = calendar->items.at[i];
		buffer_add(&kept, item->kept.at, item->kept.size);
		events += item->events;
		calendar->unreadable_items += item->kept.size == 0;
	}
	if (events > caldav->limits->events || kept.size > caldav->limits->bytes) {
		buffer_fini(&kept);
		error_set(error, ERROR_INVALID,
			  "more than %" PRIu32 " events (max-events), or %" PRIu64 " bytes (max-bytes)",
			  caldav->limits->events, caldav->limits->bytes);
		return STEP_FAILED;
	}
	const bool is_new = caldav->calendar->has_changed || !calendar->is_known;
	if (kept.size == 0) {
		buffer_format(&kept, "BEGIN:VCALENDAR\nEND:VCALENDAR\n");
	}
	buffer_fini(&calendar->kept);
	calendar->kept = kept;
	calendar->is_expanded = calendar->is_expanded && !is_new;
	calendar->is_known = true;
	calendar->has_changed = false;
	calendar->outcome = is_new ? CALENDAR_FRESH : CALENDAR_UNCHANGED;
	free(calendar->token);
	calendar->token = caldav->token;
	caldav->token = NULL;
	return STEP_DONE;
}

static bool has_wanted(const struct items *items)
{
	for (size_t i = 0; i < items->count; i++) {
		if (items->at[i]->is_wanted) {
			return true;
		}
	}
	return false;
}

static enum step ask_in(struct caldav *caldav, enum caldav_phase phase)
{
	caldav->phase = phase;
	return STEP_ASK;
}

/* Refused: without the token, and if there was none, without such a report. */
static enum step sync_refused(struct caldav *caldav, const struct answer *answer, struct error *error)
{
	const bool had_token = caldav->token != NULL;
	const bool is_hopeless = answer->status == 401 || answer->status == 404 || answer->status < 400;
	/* There are servers that fail with 500 on a token that they do not know. */
	if (is_hopeless || (answer->status == 500 && !had_token)) {
		return fail_http(answer, error);
	}
	free(caldav->token);
	caldav->token = NULL;
	items_list_begin(&caldav->calendar->items);
	if (had_token && !caldav->lists_all) {
		caldav->lists_all = true;
		return ask_in(caldav, CALDAV_SYNC);
	}
	return ask_in(caldav, CALDAV_QUERY);
}

static enum step sync_answered(struct caldav *caldav, const struct answer *answer, struct error *error)
{
	char *token = NULL;
	caldav->is_cut_off = false;
	if (answer->status != 207) {
		return sync_refused(caldav, answer, error);
	}
	if (!multistatus_parse((struct span){answer->body.at, answer->body.size}, take_change, caldav, &token, error)) {
		return STEP_FAILED;
	}
	if (token == NULL || token[0] == '\0') {
		free(token);
		items_list_begin(&caldav->calendar->items);
		free(caldav->token);
		caldav->token = NULL;
		return ask_in(caldav, CALDAV_QUERY);
	}
	free(caldav->token);
	caldav->token = token;
	if (caldav->is_cut_off) {
		return ask_in(caldav, CALDAV_SYNC);
	}
	if (caldav->lists_all) {
		const size_t before = caldav->calendar->items.count;
		items_list_end(&caldav->calendar->items);
		caldav->calendar->has_changed |= caldav->calendar->items.count != before;
	}
	return has_wanted(&caldav->calendar->items) ? ask_in(caldav, CALDAV_MULTIGET) : finish(caldav, error);
}

/* Takes what an answer has of events. */
static bool take_texts(struct caldav *caldav, const struct answer *answer, struct error *error)
{
	char *token = NULL;
	const struct span body = {answer->body.at, answer->body.size};
	const bool taken = multistatus_parse(body, take_text, caldav, &token, error);
	free(token); /* of no use: it was not asked for */
	return taken;
}

static enum step multiget_answered(struct caldav *caldav, const struct answer *answer, struct error *error)
{
	struct items *items = &caldav->calendar->items;
	if (answer->status != 207) {
		return fail_http(answer, error);
	}
	if (!take_texts(caldav, answer, error)) {
		return STEP_FAILED;
	}
	/* Of which it says nothing, there is nothing. */
	for (size_t i = 0; i < items->count;) {
		if (items->at[i]->is_asked && items->at[i]->is_wanted) {
			drop_item(caldav, items->at[i]->href);
		} else {
			items->at[i]->is_asked = false;
			i++;
		}
	}
	return has_wanted(items) ? ask_in(caldav, CALDAV_MULTIGET) : finish(caldav, error);
}

static enum step query_answered(struct caldav *caldav, const struct answer *answer, struct error *error)
{
	struct items *items = &caldav->calendar->items;
	if (answer->status != 207) {
		return fail_http(answer, error);
	}
	if (!take_texts(caldav, answer, error)) {
		return STEP_FAILED;
	}
	const size_t before = items->count;
	items_list_end(items);
	caldav->calendar->has_changed |= items->count != before;
	return finish(caldav, error);
}

enum step caldav_answered(struct caldav *caldav, const struct answer *answer, const struct limits *limits,
			  struct error *error)
{
	enum step step = STEP_FAILED;
	caldav->limits = limits;
	switch (caldav->phase) {
	case CALDAV_SYNC:
		step = sync_answered(caldav, answer, error);
		break;
	case CALDAV_MULTIGET:
		step = multiget_answered(caldav, answer, error);
		break;
	case CALDAV_QUERY:
		step = query_answered(caldav, answer, error);
		break;
	}
	if ((step == STEP_ASK || step == STEP_DONE) && caldav->is_too_many) {
		error_set(error, ERROR_INVALID, "more than %" PRIu32 " items (max-events)", limits->events);
		step = STEP_FAILED;
	}
	if (step == STEP_ASK && caldav->requests >= CALDAV_REQUESTS) {
		error_set(error, ERROR_INVALID, "more than %d requests would be needed", CALDAV_REQUESTS);
		step = STEP_FAILED;
	}
	return step;
}
