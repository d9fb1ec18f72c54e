/*
 * arguments: what is allowed is said in the error itself, so that nobody has to look it up.
 */
#include <base/check.h>
#include <inttypes.h>
#include <serve/arguments.h>
#include <serve/command.h>
#include <slot/civil.h>

bool argument_token(struct reply *reply, const char *name, struct span word, struct span *token)
{
	if (!token_valid(word)) {
		reply_error(reply, "ERR %s must be 1 to %d characters of A-Z a-z 0-9 _ - . : @", name, TOKEN_SIZE_MAX);
		return false;
	}
	*token = word;
	return true;
}

bool argument_date(struct reply *reply, const char *name, struct span word, uint16_t *day)
{
	if (!civil_parse_date(word, day)) {
		reply_error(reply, "ERR %s must be a day of the calendar as YYYY-MM-DD, 1970-01-01 to 2149-06-06",
			    name);
		return false;
	}
	return true;
}

bool argument_time(struct reply *reply, const char *name, struct span word, uint16_t *minute)
{
	if (!civil_parse_time(word, minute)) {
		reply_error(reply, "ERR %s must be a time of day as HH:MM, 00:00 to 23:59", name);
		return false;
	}
	return true;
}

bool argument_moment(struct reply *reply, const char *name, struct span word, uint32_t *minute)
{
	uint16_t day;
	uint16_t of_day;
	if (word.size != CIVIL_DATE_SIZE + 1 + CIVIL_TIME_SIZE || word.at[CIVIL_DATE_SIZE] != 'T' ||
	    !civil_parse_date((struct span){word.at, CIVIL_DATE_SIZE}, &day) ||
	    !civil_parse_time((struct span){word.at + CIVIL_DATE_SIZE + 1, CIVIL_TIME_SIZE}, &of_day)) {
		reply_error(reply,
			    "ERR %s must be a civil time as YYYY-MM-DDTHH:MM, 1970-01-01T00:00 to 2149-06-06T23:59",
			    name);
		return false;
	}
	*minute = (uint32_t)day * MINUTES_PER_DAY + of_day;
	return true;
}

bool argument_number(struct reply *reply, const char *name, struct span word, uint64_t least, uint64_t most,
		     uint64_t *number)
{
	if (!span_number(word, most, number) || *number < least) {
		reply_error(reply, "ERR %s must be a whole number from %" PRIu64 " to %" PRIu64, name, least, most);
		return false;
	}
	return true;
}

bool argument_place(struct reply *reply, const struct request *request, uint32_t first, struct place *place)
{
	CHECK(first + 3 <= request->count);
	return argument_token(reply, "psychologist", request->words[first], &place->psychologist) &&
	       argument_date(reply, "date", request->words[first + 1], &place->day) &&
	       argument_time(reply, "time", request->words[first + 2], &place->minute);
}

bool argument_reason(struct reply *reply, const struct request *request, uint32_t at, struct span *reason)
{
	*reason = at < request->count ? request->words[at] : (struct span){NULL, 0};
	if (reason->size > WORD_SIZE_MAX) {
		reply_error(reply, "ERR reason must be at most %d bytes", WORD_SIZE_MAX);
		return false;
	}
	return true;
}

void argument_syntax(struct reply *reply, const struct request *request)
{
	const struct command *command = command_find(request->words[0]);
	CHECK(command != NULL);
	reply_error(reply, "ERR syntax error, usage: %s %s", command->name, command->usage);
}

enum argument_asked argument_asked(struct reply *reply, const struct request *request, struct span *psychologist)
{
	const struct span word = request->words[1];
	const enum argument_asked asked = span_is(word, "SET") && request->count > 3    ? ASKED_SET
					  : span_is(word, "GET") && request->count == 3 ? ASKED_GET
					  : span_is(word, "DEL") && request->count == 3 ? ASKED_DEL
											: ASKED_NONE;
	if (asked == ASKED_NONE) {
		argument_syntax(reply, request);
		return ASKED_NONE;
	}
	return argument_token(reply, "psychologist", request->words[2], psychologist) ? asked : ASKED_NONE;
}

void format_place(uint64_t key, char text[17])
{
	civil_format_date(key_day(key), text);
	text[CIVIL_DATE_SIZE] = 'T';
	civil_format_time(key_minute(key), text + CIVIL_DATE_SIZE + 1);
	text[16] = '\0';
}

const char *outcome_word(enum outcome_code code)
{
	static const char *const words[] = {
	    [OUTCOME_TAKEN] = "TAKEN",   [OUTCOME_HELD] = "HELD",           [OUTCOME_BLOCKED] = "BLOCKED",
	    [OUTCOME_NOSLOT] = "NOSLOT", [OUTCOME_PAST] = "PAST",           [OUTCOME_OVERLAP] = "OVERLAP",
	    [OUTCOME_STATE] = "STATE",   [OUTCOME_EXPIRED] = "EXPIRED",     [OUTCOME_EARLY] = "STATE",
	    [OUTCOME_THERE] = "STATE",   [OUTCOME_NOSESSION] = "NOSESSION", [OUTCOME_CLIENT_HOLDS] = "LIMIT",
	    [OUTCOME_HOLDS] = "LIMIT",   [OUTCOME_HOLD_TOTAL] = "LIMIT",    [OUTCOME_FUTURE] = "ERR",
	    [OUTCOME_MEMORY] = "OOM",    [OUTCOME_LIMIT] = "LIMIT",         [OUTCOME_TWICE] = "ERR",
	    [OUTCOME_FULL] = "LIMIT",
	};
	CHECK(code != OUTCOME_DONE);
	CHECK((size_t)code < sizeof words / sizeof words[0]);
	return words[code];
}

void reply_date(struct reply *reply, uint16_t day)
{
	char text[CIVIL_DATE_SIZE];
	civil_format_date(day, text);
	reply_bulk(reply, (struct span){(const uint8_t *)text, sizeof text});
}

void reply_time(struct reply *reply, uint16_t minute)
{
	char text[CIVIL_TIME_SIZE];
	civil_format_time(minute, text);
	reply_bulk(reply, (struct span){(const uint8_t *)text, sizeof text});
}

/* The refusals that always say the same. */
static const char *const refusals[] = {
    [OUTCOME_TAKEN] = "TAKEN This time slot was just booked by another user",
    [OUTCOME_HELD] = "HELD This time slot is being held for another user",
    [OUTCOME_BLOCKED] = "BLOCKED This time slot is busy in a calendar",
    [OUTCOME_NOSLOT] = "NOSLOT This time slot is not open",
    [OUTCOME_PAST] = "PAST This time slot has already started",
    [OUTCOME_EXPIRED] = "EXPIRED The hold is over",
    [OUTCOME_THERE] = "STATE The session is in this time slot already",
    [OUTCOME_TWICE] = "ERR A session can be changed once in a MULTI: send what comes next after EXEC",
    [OUTCOME_NOSESSION] = "NOSESSION There is no session with this id",
    [OUTCOME_HOLDS] = "LIMIT There are as many holds as there may be (holds-max)",
    [OUTCOME_FUTURE] = "ERR date must not be after today: only days that are over can be purged",
    [OUTCOME_LIMIT] = "LIMIT So many changes at once do not fit into one record of the log: raise segment-size",
    [OUTCOME_FULL] = "LIMIT The log has no room for so many changes at this moment: send them again",
};

void reply_refusal(struct reply *reply, const struct desk *desk, const struct outcome *outcome)
{
	char at[17];
	switch (outcome->code) {
	case OUTCOME_OVERLAP:
		format_place(outcome->key, at);
		reply_error(reply, "OVERLAP Nothing was opened: it would overlap the slot of %s", at);
		return;
	case OUTCOME_SOURCES:
		reply_error(reply, "LIMIT A psychologist has at most %" PRIu32 " sources (busy-sources-max)",
			    desk->service->config->busy_sources_max);
		return;
	case OUTCOME_INTERVALS:
		reply_error(reply, "LIMIT A source has at most %" PRIu32 " intervals (busy-intervals-max)",
			    desk->service->config->busy_intervals_max);
		return;
	case OUTCOME_STATE:
		reply_error(reply, "STATE The session is %s", session_status_name(outcome->status));
		return;
	case OUTCOME_EARLY:
		reply_error(reply, "STATE The session is %s, and its time has not come",
			    session_status_name(outcome->status));
		return;
	case OUTCOME_CLIENT_HOLDS:
		reply_error(reply, "LIMIT A client may hold %" PRIu32 " slots at a time (holds-per-client)",
			    desk->service->config->holds_per_client);
		return;
	case OUTCOME_HOLD_TOTAL:
		reply_error(reply, "LIMIT A slot may be held for %" PRIu32 " seconds in all (hold-total-max)",
			    desk->service->config->hold_total_max);
		return;
	case OUTCOME_MEMORY:
		reply_error(reply, "OOM command not allowed when used memory is at maxmemory (%" PRIu64 " bytes)",
			    desk->memory->limit);
		return;
	default:
		CHECK((size_t)outcome->code < sizeof refusals / sizeof refusals[0]);
		CHECK(refusals[outcome->code] != NULL); /* not of what was done */
		reply_error(reply, "%s", refusals[outcome->code]);
	}
}
