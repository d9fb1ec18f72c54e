/*
 * command_client: CLIENT: the connection's name and library, and who else is connected.
 *
 * CLIENT LIST shows the connections of the worker that was asked: the others' belong to their threads.
 */
#include "command_reply.h"
#include <inttypes.h>

typedef void client_subcommand_f(struct service *service, struct client *client, const struct request *request,
				 struct reply *reply);

static void client_id(struct service *service, struct client *client, const struct request *request,
		      struct reply *reply)
{
	(void)service;
	(void)request;
	reply_integer(reply, (int64_t)client->id);
}

static void client_setname(struct service *service, struct client *client, const struct request *request,
			   struct reply *reply)
{
	(void)service;
	if (command_copy_client_name(client->name, request->words[2])) {
		reply_status(reply, "OK");
	} else {
		command_reply_client_name(reply, "Client names");
	}
}

static void client_getname(struct service *service, struct client *client, const struct request *request,
			   struct reply *reply)
{
	(void)service;
	(void)request;
	if (client->name[0] == '\0') {
		reply_null(reply);
	} else {
		reply_text(reply, client->name);
	}
}

static void client_setinfo(struct service *service, struct client *client, const struct request *request,
			   struct reply *reply)
{
	(void)service;
	const bool is_name = span_is(request->words[2], "LIB-NAME");
	if (!is_name && !span_is(request->words[2], "LIB-VER")) {
		reply_error(reply, "ERR Unrecognized option, CLIENT SETINFO takes LIB-NAME or LIB-VER");
	} else if (command_copy_client_name(is_name ? client->library : client->library_version, request->words[3])) {
		reply_status(reply, "OK");
	} else {
		command_reply_client_name(reply, is_name ? "Library names" : "Library versions");
	}
}

/* The wall clock may have been set back since. */
static uint64_t seconds_since(uint64_t then_ms, uint64_t now_ms)
{
	return now_ms > then_ms ? (now_ms - then_ms) / 1000 : 0;
}

/* One line of CLIENT LIST, in Redis's words where it has them. */
static void describe(struct buffer *text, const struct client *client, uint64_t now_ms)
{
	char command[COMMAND_NAME_TEXT_SIZE];
	command_name_lower(client->last_command != NULL ? client->last_command->name : "NULL", command);
	buffer_format(text,
		      "id=%" PRIu64 " addr=%s laddr=%s name=%s age=%" PRIu64 " idle=%" PRIu64
		      " flags=%s db=0 multi=%d cmd=%s user=default resp=%d lib-name=%s lib-ver=%s tot-cmds=%" PRIu64
		      "\n",
		      client->id, client->address, client->local_address, client->name,
		      seconds_since(client->created_ms, now_ms), seconds_since(client->last_ms, now_ms),
		      client->in_multi ? "x" : "N", client->in_multi ? (int)client->multi.count : -1, command,
		      client->protocol, client->library, client->library_version, client->requests);
}

static void reply_description(struct reply *reply, struct buffer *text)
{
	reply_verbatim(reply, (struct span){text->at, text->size});
	buffer_fini(text);
}

static void client_info(struct service *service, struct client *client, const struct request *request,
			struct reply *reply)
{
	(void)request;
	struct buffer text = {0};
	describe(&text, client, clock_wall_ms(service->clock));
	reply_description(reply, &text);
}

static void client_list(struct service *service, struct client *client, const struct request *request,
			struct reply *reply)
{
	(void)client;
	(void)request;
	const uint64_t now_ms = clock_wall_ms(service->clock);
	struct buffer text = {0};
	for (const struct client *each = service->clients[service_worker]; each != NULL; each = each->next) {
		describe(&text, each, now_ms);
	}
	reply_description(reply, &text);
}

/* slotd evicts no clients and keeps no order of use: either setting is already so. */
static void client_no_evict(struct service *service, struct client *client, const struct request *request,
			    struct reply *reply)
{
	(void)service;
	(void)client;
	if (span_is(request->words[2], "ON") || span_is(request->words[2], "OFF")) {
		reply_status(reply, "OK");
	} else {
		reply_error(reply, "ERR syntax error, ON or OFF");
	}
}

static void client_help(struct service *service, struct client *client, const struct request *request,
			struct reply *reply)
{
	static const char *const lines[] = {
	    "CLIENT ID -- this connection's number",
	    "CLIENT INFO -- this connection as CLIENT LIST shows it",
	    "CLIENT LIST -- the connections of the same worker thread, one a line",
	    "CLIENT SETNAME name, CLIENT GETNAME -- a name for this connection",
	    "CLIENT SETINFO LIB-NAME|LIB-VER text -- what the client library is",
	    "CLIENT NO-EVICT ON|OFF, CLIENT NO-TOUCH ON|OFF -- accepted, without effect",
	};
	(void)service;
	(void)client;
	(void)request;
	command_reply_lines(reply, lines, sizeof lines / sizeof lines[0]);
}

static const struct client_subcommand {
	const char *name;
	uint32_t words; /* of the whole request */
	client_subcommand_f *execute;
} subcommands[] = {
    {"ID", 2, client_id},
    {"SETNAME", 3, client_setname},
    {"GETNAME", 2, client_getname},
    {"SETINFO", 4, client_setinfo},
    {"INFO", 2, client_info},
    {"LIST", 2, client_list},
    {"NO-EVICT", 3, client_no_evict},
    {"NO-TOUCH", 3, client_no_evict},
    {"HELP", 2, client_help},
};

uint64_t command_client(struct service *service, struct client *client, const struct request *request,
			struct reply *reply)
{
	for (size_t i = 0; i < sizeof subcommands / sizeof subcommands[0]; i++) {
		const struct client_subcommand *subcommand = &subcommands[i];
		if (!span_is(request->words[1], subcommand->name)) {
			continue;
		}
		if (request->count == subcommand->words) {
			subcommand->execute(service, client, request, reply);
		} else {
			reply_error(reply, "ERR wrong number of arguments for 'client' command, try CLIENT HELP");
		}
		return 0;
	}
	command_reply_unknown_subcommand(reply, request, "CLIENT");
	return 0;
}
