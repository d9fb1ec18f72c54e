/*
 * command_connection: PING ECHO HELLO AUTH SELECT RESET QUIT TIME: what every client library says before and after the
 * work.
 *
 * Replies and error texts are Redis's, as libraries look at them: HELLO 3 must answer a map with a version that can be
 * parsed, and -NOPROTO for a protocol that does not exist.
 *
 * See: /commands/hello of the Redis documentation
 */
#include "command_multi.h"
#include "command_reply.h"
#include <base/version.h>
#include <inttypes.h>
#include <stdio.h>

uint64_t command_ping(struct service *service, struct client *client, const struct request *request,
		      struct reply *reply)
{
	(void)service;
	(void)client;
	if (request->count > 1) {
		reply_bulk(reply, request->words[1]);
	} else {
		reply_status(reply, "PONG");
	}
	return 0;
}

uint64_t command_echo(struct service *service, struct client *client, const struct request *request,
		      struct reply *reply)
{
	(void)service;
	(void)client;
	reply_bulk(reply, request->words[1]);
	return 0;
}

/* With no password configured only Redis's user of that name exists, and any password is its. */
static bool authenticate(struct reply *reply, struct span username)
{
	if (!span_equal(username, span_of("default"))) {
		reply_error(reply, "WRONGPASS invalid username-password pair or user is disabled.");
		return false;
	}
	return true;
}

uint64_t command_auth(struct service *service, struct client *client, const struct request *request,
		      struct reply *reply)
{
	(void)service;
	(void)client;
	if (request->count == 2) {
		reply_error(reply, "ERR AUTH <password> called without any password configured for the default user. "
				   "Are you sure your configuration is correct?");
	} else if (authenticate(reply, request->words[1])) {
		reply_status(reply, "OK");
	}
	return 0;
}

static void reply_hello(struct reply *reply, const struct client *client)
{
	reply_map(reply, 7);
	reply_text(reply, "server");
	reply_text(reply, "slotd");
	reply_text(reply, "version");
	reply_text(reply, REDIS_VERSION);
	reply_text(reply, "proto");
	reply_integer(reply, client->protocol);
	reply_text(reply, "id");
	reply_integer(reply, (int64_t)client->id);
	reply_text(reply, "mode");
	reply_text(reply, "standalone");
	reply_text(reply, "role");
	reply_text(reply, "master");
	reply_text(reply, "modules");
	reply_array(reply, 0);
}

/* [2|3] [AUTH username password] [SETNAME name]; all or nothing. */
uint64_t command_hello(struct service *service, struct client *client, const struct request *request,
		       struct reply *reply)
{
	(void)service;
	uint64_t protocol = (uint64_t)client->protocol;
	char name[CLIENT_NAME_SIZE];
	strcpy(name, client->name);
	if (request->count > 1) {
		if (!span_number(request->words[1], INT32_MAX, &protocol)) {
			reply_error(reply, "ERR Protocol version is not an integer or out of range");
			return 0;
		}
		if (protocol != 2 && protocol != 3) {
			reply_error(reply, "NOPROTO unsupported protocol version");
			return 0;
		}
	}
	for (uint32_t i = 2; i < request->count;) {
		const uint32_t left = request->count - i;
		if (left > 2 && span_is(request->words[i], "AUTH")) {
			if (!authenticate(reply, request->words[i + 1])) {
				return 0;
			}
			i += 3;
		} else if (left > 1 && span_is(request->words[i], "SETNAME")) {
			if (!command_copy_client_name(name, request->words[i + 1])) {
				command_reply_client_name(reply, "Client names");
				return 0;
			}
			i += 2;
		} else {
			reply_error(reply, "ERR Syntax error in HELLO, usage: HELLO %s",
				    command_find(span_of("HELLO"))->usage);
			return 0;
		}
	}
	strcpy(client->name, name);
	client->protocol = (int)protocol;
	reply->protocol = client->protocol;
	reply_hello(reply, client);
	return 0;
}

uint64_t command_select(struct service *service, struct client *client, const struct request *request,
			struct reply *reply)
{
	(void)service;
	(void)client;
	uint64_t index;
	if (!span_number(request->words[1], INT32_MAX, &index)) {
		reply_error(reply, "ERR value is not an integer or out of range");
	} else if (index != 0) {
		reply_error(reply, "ERR DB index is out of range");
	} else {
		reply_status(reply, "OK");
	}
	return 0;
}

uint64_t command_reset(struct service *service, struct client *client, const struct request *request,
		       struct reply *reply)
{
	(void)service;
	(void)request;
	multi_leave(client);
	client->name[0] = '\0';
	client->protocol = 2;
	reply->protocol = 2;
	reply_status(reply, "RESET");
	return 0;
}

uint64_t command_quit(struct service *service, struct client *client, const struct request *request,
		      struct reply *reply)
{
	(void)service;
	(void)request;
	client->close_asked = true;
	reply_status(reply, "OK");
	return 0;
}

static void reply_decimal(struct reply *reply, uint64_t number)
{
	char text[24];
	snprintf(text, sizeof text, "%" PRIu64, number);
	reply_text(reply, text);
}

uint64_t command_time(struct service *service, struct client *client, const struct request *request,
		      struct reply *reply)
{
	(void)client;
	(void)request;
	const uint64_t now_ms = clock_wall_ms(service->clock);
	reply_array(reply, 2);
	reply_decimal(reply, now_ms / 1000);
	reply_decimal(reply, now_ms % 1000 * 1000);
	return 0;
}
