/*
 * server: see the header. hiredis does the protocol.
 */
#include <base/check.h>
#include <base/intern.h>
#include <calsync/server.h>
#include <inttypes.h>
#include <slot/civil.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define MOMENT_SIZE 17 /* YYYY-MM-DDTHH:MM and a NUL */

bool server_open(struct server *server, const char *address, struct error *error)
{
	*server = (struct server){0};
	const char *colon = strrchr(address, ':');
	char host[256];
	uint64_t port = 0;
	const size_t size = colon != NULL ? (size_t)(colon - address) : 0;
	if (size == 0 || size >= sizeof host || !span_number(span_of(colon + 1), UINT16_MAX, &port) || port == 0) {
		return error_set(error, ERROR_INVALID, "server must be HOST:PORT");
	}
	const bool brackets = address[0] == '[' && address[size - 1] == ']';
	snprintf(host, sizeof host, "%.*s", (int)(brackets ? size - 2 : size), brackets ? address + 1 : address);
	const struct timeval limit = {.tv_sec = SERVER_SECONDS};
	redisContext *connection = redisConnectWithTimeout(host, (int)port, limit);
	CHECK(connection != NULL);
	if (connection->err != 0) {
		error_set(error, ERROR_IO, "cannot connect to %s: %s", address, connection->errstr);
		redisFree(connection);
		return false;
	}
	(void)redisSetTimeout(connection, limit);
	server->connection = connection;
	return true;
}

void server_close(struct server *server)
{
	if (server->connection != NULL) {
		redisFree(server->connection);
	}
	server->connection = NULL;
}

/* The answer, or NULL with a reason when none came. */
static redisReply *ask(struct server *server, struct error *error, int count, const char **words)
{
	redisReply *reply = redisCommandArgv(server->connection, count, words, NULL);
	if (reply == NULL) {
		error_set(error, ERROR_IO, "%s: %s", words[0], server->connection->errstr);
	}
	return reply;
}

/* The same, an error of the server's being one, too. */
static redisReply *ask_well(struct server *server, struct error *error, int count, const char **words)
{
	redisReply *reply = ask(server, error, count, words);
	if (reply != NULL && reply->type == REDIS_REPLY_ERROR) {
		error_set(error, ERROR_INVALID, "%s: %.300s", words[0], reply->str);
		freeReplyObject(reply);
		return NULL;
	}
	return reply;
}

static bool is_text(const redisReply *reply)
{
	return reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS;
}

/* The value behind a name in an array of names and values. */
static const redisReply *field(const redisReply *reply, const char *name)
{
	for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i + 1 < reply->elements; i += 2) {
		if (is_text(reply->element[i]) && strcmp(reply->element[i]->str, name) == 0) {
			return reply->element[i + 1];
		}
	}
	return NULL;
}

bool server_calendars(struct server *server, struct named_list *calendars, bool *is_known, struct error *error)
{
	redisReply *reply = ask(server, error, 2, (const char *[]){"CALENDAR", "GET"});
	if (reply == NULL) {
		return false;
	}
	*is_known = reply->type == REDIS_REPLY_ARRAY;
	const bool is_unknown = reply->type == REDIS_REPLY_ERROR && strstr(reply->str, "unknown command") != NULL;
	if (!*is_known && !is_unknown) {
		error_set(error, ERROR_INVALID, "CALENDAR GET: %.300s",
			  reply->type == REDIS_REPLY_ERROR ? reply->str : "an answer of another kind");
		freeReplyObject(reply);
		return false;
	}
	for (size_t i = 0; *is_known && i < reply->elements; i++) {
		const redisReply *pair = reply->element[i];
		if (pair->type == REDIS_REPLY_ARRAY && pair->elements == 2 && is_text(pair->element[0]) &&
		    is_text(pair->element[1]) && token_valid(span_of(pair->element[0]->str))) {
			named_add(calendars, pair->element[0]->str, pair->element[1]->str);
		}
	}
	freeReplyObject(reply);
	return true;
}

/* Copies a text that is a value; false if it is none. */
static bool copy_text(const redisReply *reply, char *text, size_t size)
{
	const bool is_good = reply != NULL && is_text(reply) && reply->len > 0 && reply->len < size;
	if (is_good) {
		memcpy(text, reply->str, reply->len + 1);
	}
	return is_good;
}

bool server_zone(struct server *server, const char *psychologist, char *zone, size_t size, struct error *error)
{
	redisReply *hours = ask(server, error, 3, (const char *[]){"HOURS", "GET", psychologist});
	if (hours == NULL) {
		return false;
	}
	const bool has_hours =
	    hours->type == REDIS_REPLY_ARRAY && hours->elements > 0 && copy_text(hours->element[0], zone, size);
	freeReplyObject(hours);
	if (has_hours) {
		return true;
	}
	redisReply *config = ask(server, error, 3, (const char *[]){"CONFIG", "GET", "timezone"});
	if (config == NULL) {
		return false;
	}
	if (!copy_text(field(config, "timezone"), zone, size)) {
		snprintf(zone, size, "UTC");
	}
	freeReplyObject(config);
	return true;
}

bool server_generation(struct server *server, const char *psychologist, uint64_t *generation, struct error *error)
{
	*generation = 0;
	redisReply *reply = ask_well(server, error, 2, (const char *[]){"BUSY", psychologist});
	if (reply == NULL) {
		return false;
	}
	const redisReply *sources = field(reply, "sources");
	for (size_t i = 0; sources != NULL && sources->type == REDIS_REPLY_ARRAY && i < sources->elements; i++) {
		const redisReply *name = field(sources->element[i], "source");
		const redisReply *number = field(sources->element[i], "generation");
		if (name != NULL && is_text(name) && strcmp(name->str, SOURCE) == 0 && number != NULL &&
		    number->type == REDIS_REPLY_INTEGER && number->integer > 0) {
			*generation = (uint64_t)number->integer;
		}
	}
	freeReplyObject(reply);
	return true;
}

static void format_moment(uint32_t minute, char *text)
{
	civil_format_date((uint16_t)(minute / MINUTES_PER_DAY), text);
	text[CIVIL_DATE_SIZE] = 'T';
	civil_format_time((uint16_t)(minute % MINUTES_PER_DAY), text + CIVIL_DATE_SIZE + 1);
	text[MOMENT_SIZE - 1] = '\0';
}

bool server_busy(struct server *server, const char *psychologist, uint64_t generation,
		 const struct busy_interval *window, const struct busy_interval *intervals, uint32_t count,
		 struct told *told, struct error *error)
{
	static char moments[2 * BUSY_COUNT_MAX + 2][MOMENT_SIZE];
	const char *words[6 + 2 * BUSY_COUNT_MAX];
	char number[24];
	int size = 0;
	CHECK(count <= BUSY_COUNT_MAX);
	snprintf(number, sizeof number, "%" PRIu64, generation);
	words[size++] = "BUSY";
	words[size++] = psychologist;
	words[size++] = SOURCE;
	words[size++] = number;
	for (uint32_t i = 0; i < 2 * count + 2; i++) {
		const struct busy_interval *interval = i < 2 ? window : &intervals[i / 2 - 1];
		format_moment(i % 2 == 0 ? interval->start : interval->end, moments[i]);
		words[size++] = moments[i];
	}
	redisReply *reply = ask_well(server, error, size, words);
	if (reply == NULL) {
		return false;
	}
	bool is_good = reply->type == REDIS_REPLY_ARRAY && reply->elements == 3;
	for (size_t i = 0; is_good && i < 3; i++) {
		is_good = reply->element[i]->type == REDIS_REPLY_INTEGER && reply->element[i]->integer >= 0;
	}
	if (is_good) {
		told->blocked += (uint64_t)reply->element[0]->integer;
		told->unblocked += (uint64_t)reply->element[1]->integer;
		told->conflicts += (uint64_t)reply->element[2]->integer;
	}
	freeReplyObject(reply);
	return is_good || error_set(error, ERROR_INVALID, "BUSY: an answer of another kind");
}

bool server_conflicts(struct server *server, const char *psychologist, char *slots, size_t size, struct error *error)
{
	redisReply *reply = ask_well(server, error, 2, (const char *[]){"BUSY", psychologist});
	if (reply == NULL) {
		return false;
	}
	size_t used = 0;
	slots[0] = '\0';
	const redisReply *conflicts = field(reply, "conflicts");
	for (size_t i = 0; conflicts != NULL && conflicts->type == REDIS_REPLY_ARRAY && i < conflicts->elements; i++) {
		const redisReply *slot = conflicts->element[i];
		const bool is_slot = slot->type == REDIS_REPLY_ARRAY && slot->elements >= 2 &&
				     is_text(slot->element[0]) && is_text(slot->element[1]);
		if (!is_slot || used + MOMENT_SIZE + 4 >= size) {
			(void)(is_slot && snprintf(slots + used, size - used, "..."));
			break;
		}
		used += (size_t)snprintf(slots + used, size - used, "%s%.10sT%.5s", used > 0 ? " " : "",
					 slot->element[0]->str, slot->element[1]->str);
	}
	freeReplyObject(reply);
	return true;
}
