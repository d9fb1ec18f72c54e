/*
 * command_calendar: CALENDAR: where slotd-calsync finds what a psychologist's calendar says. An url may be a secret: it is in
 * no line of the log and in no error, whatever was mistyped.
 */
#include <serve/arguments.h>
#include <serve/command.h>

/* https://host..., http://host...: the rest is for the one who asks for it. */
static bool is_url(struct span word)
{
	static const char *const schemes[] = {"https://", "http://"};
	for (size_t i = 0; i < word.size; i++) {
		if (word.at[i] <= ' ' || word.at[i] > '~') {
			return false;
		}
	}
	for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
		const struct span scheme = span_of(schemes[i]);
		if (word.size > scheme.size && memcmp(word.at, scheme.at, scheme.size) == 0) {
			return word.at[scheme.size] != '/' && word.size <= CALENDAR_URL_MAX;
		}
	}
	return false;
}

static uint64_t set(struct service *service, struct reply *reply, struct span psychologist, struct span url)
{
	const struct outcome outcome = desk_calendar(service->desk, psychologist, url);
	if (outcome.code == OUTCOME_DONE) {
		reply_status(reply, "OK");
	} else {
		reply_refusal(reply, service->desk, &outcome);
	}
	return outcome.lsn;
}

static uint64_t get(struct service *service, struct reply *reply, struct span psychologist)
{
	struct table *table = service->desk->table;
	struct buffer url = {0};
	uint64_t lsn = 0;
	const uint32_t number = intern_find(&table->psychologists, psychologist);
	if (number != 0 && settings_get(&table->settings, SETTING_CALENDAR, number, &url, &lsn)) {
		reply_bulk(reply, (struct span){url.at, url.size});
	} else {
		reply_null(reply);
	}
	buffer_fini(&url);
	return lsn;
}

/* [psychologist, url] of all. */
static uint64_t get_all(struct service *service, struct reply *reply)
{
	const struct table *table = service->desk->table;
	struct settings *settings = &service->desk->table->settings;
	struct buffer rows = {0};
	struct buffer url = {0};
	struct reply row = {&rows, reply->protocol};
	size_t count = 0;
	uint64_t lsn = 0;
	uint64_t seen_lsn;
	for (uint32_t at = 0; (at = settings_next(settings, SETTING_CALENDAR, at, &url, &seen_lsn)) != 0; count++) {
		reply_array(&row, 2);
		reply_bulk(&row, intern_token(&table->psychologists, at));
		reply_bulk(&row, (struct span){url.at, url.size});
		url.size = 0;
		lsn = lsn_later(lsn, seen_lsn);
	}
	lsn = lsn_later(lsn, seen_lsn);
	reply_array(reply, count);
	buffer_add(reply->out, rows.at, rows.size);
	buffer_fini(&rows);
	buffer_fini(&url);
	return lsn;
}

static uint64_t set_url(struct service *service, const struct request *request, struct reply *reply,
			struct span psychologist)
{
	if (!is_url(request->words[3])) {
		reply_error(reply,
			    "ERR url must be https:// or http://, a host, and at most %d visible ASCII characters",
			    CALENDAR_URL_MAX);
		return 0;
	}
	return set(service, reply, psychologist, request->words[3]);
}

uint64_t command_calendar(struct service *service, struct client *client, const struct request *request,
			  struct reply *reply)
{
	(void)client;
	struct span psychologist;
	if (span_is(request->words[1], "GET") && request->count == 2) {
		return get_all(service, reply);
	}
	switch (argument_asked(reply, request, &psychologist)) {
	case ASKED_SET:
		return set_url(service, request, reply, psychologist);
	case ASKED_GET:
		return get(service, reply, psychologist);
	case ASKED_DEL:
		return set(service, reply, psychologist, (struct span){NULL, 0});
	case ASKED_NONE:
		break;
	}
	return 0;
}
