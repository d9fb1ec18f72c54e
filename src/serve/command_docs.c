/*
 * command_docs: HELP for people, COMMAND for programs: the table of commands, described.
 *
 * The shapes are those of Redis 7, to the order of the fields: redis-cli makes its hints and its `help` from COMMAND
 * DOCS, and a malformed answer is worse for it than none.
 *
 * See: /commands/command, /commands/command-docs of the Redis documentation
 */
#include "command_reply.h"

static const char *const class_names[] = {
    [COMMAND_BOOK] = "book", [COMMAND_READ] = "read", [COMMAND_HOURS] = "hours",
    [COMMAND_SYNC] = "sync", [COMMAND_ANY] = "any",
};

static void reply_name(struct reply *reply, const struct command *command)
{
	char name[COMMAND_NAME_TEXT_SIZE];
	command_name_lower(command->name, name);
	reply_text(reply, name);
}

/* ------------------------------------------------------------------------------------------------------------- HELP */

static void reply_line(struct reply *reply, struct buffer *line)
{
	buffer_add(line, "", 1);
	reply_status(reply, (const char *)line->at);
	line->size = 0;
}

static void reply_usage(struct reply *reply, struct buffer *line, const struct command *command)
{
	buffer_format(line, "%s %s", command->name, command->usage);
	while (line->at[line->size - 1] == ' ') {
		line->size--;
	}
	reply_line(reply, line);
}

uint64_t command_help(struct service *service, struct client *client, const struct request *request,
		      struct reply *reply)
{
	(void)service;
	(void)client;
	struct buffer line = {0};
	if (request->count == 1) {
		reply_array(reply, command_count() + 1);
		for (size_t i = 0; i < command_count(); i++) {
			reply_usage(reply, &line, command_at(i));
		}
		reply_status(reply, "HELP command says what one does");
		buffer_fini(&line);
		return 0;
	}
	const struct command *command = command_find(request->words[1]);
	if (command == NULL) {
		command_reply_unknown(reply, request->words[1]);
		return 0;
	}
	reply_array(reply, 2);
	reply_usage(reply, &line, command);
	reply_status(reply, command->summary);
	buffer_fini(&line);
	return 0;
}

/* ----------------------------------------------------------------------------------------------------- COMMAND INFO */

static void reply_flags(struct reply *reply, const struct command *command)
{
	const bool loading = command->flags & COMMAND_WHILE_LOADING;
	const bool writes = command->flags & COMMAND_WRITES;
	const bool reads = command->class == COMMAND_READ;
	reply_set(reply, (size_t)loading + writes + reads);
	if (writes) {
		reply_status(reply, "write");
	}
	if (reads) {
		reply_status(reply, "readonly");
	}
	if (loading) {
		reply_status(reply, "loading");
	}
}

/* Ten fields. Psychologists are no keys in Redis's sense: nothing is sharded by them. */
static void reply_info(struct reply *reply, const struct command *command)
{
	reply_array(reply, 10);
	reply_name(reply, command);
	const int64_t words = command->words_min;
	reply_integer(reply, command->words_min == command->words_max ? words : -words); /* arity */
	reply_flags(reply, command);
	reply_integer(reply, 0); /* first key */
	reply_integer(reply, 0); /* last key */
	reply_integer(reply, 0); /* step */
	reply_set(reply, 1);
	char category[16] = "@";
	strcat(category, class_names[command->class]);
	reply_status(reply, category);
	reply_array(reply, 0); /* tips */
	reply_array(reply, 0); /* key specifications */
	reply_array(reply, 0); /* subcommands */
}

static void reply_info_of_all(struct reply *reply)
{
	reply_array(reply, command_count());
	for (size_t i = 0; i < command_count(); i++) {
		reply_info(reply, command_at(i));
	}
}

/* Of the names asked for; null for one that is no command. */
static void reply_info_of_some(struct reply *reply, const struct request *request)
{
	reply_array(reply, request->count - 2);
	for (uint32_t i = 2; i < request->count; i++) {
		const struct command *command = command_find(request->words[i]);
		if (command != NULL) {
			reply_info(reply, command);
		} else {
			reply_null(reply);
		}
	}
}

/* ----------------------------------------------------------------------------------------------------- COMMAND DOCS */

static void reply_argument(struct reply *reply, const struct command_argument *argument)
{
	const size_t flags = (size_t)argument->optional + argument->multiple;
	reply_map(reply, 2 + (size_t)(argument->token != NULL) + (flags > 0));
	reply_text(reply, "name");
	reply_text(reply, argument->name);
	reply_text(reply, "type");
	reply_text(reply, argument->type);
	if (argument->token != NULL) {
		reply_text(reply, "token");
		reply_text(reply, argument->token);
	}
	if (flags > 0) {
		reply_text(reply, "flags");
		reply_set(reply, flags);
		if (argument->optional) {
			reply_status(reply, "optional");
		}
		if (argument->multiple) {
			reply_status(reply, "multiple");
		}
	}
}

static void reply_docs(struct reply *reply, const struct command *command)
{
	size_t arguments = 0;
	while (arguments < COMMAND_ARGUMENTS_MAX && command->arguments[arguments].name != NULL) {
		arguments++;
	}
	reply_name(reply, command);
	reply_map(reply, 3 + (size_t)(arguments > 0));
	reply_text(reply, "summary");
	reply_text(reply, command->summary);
	reply_text(reply, "since");
	reply_text(reply, command->since);
	reply_text(reply, "group");
	reply_text(reply, class_names[command->class]);
	if (arguments > 0) {
		reply_text(reply, "arguments");
		reply_array(reply, arguments);
		for (size_t i = 0; i < arguments; i++) {
			reply_argument(reply, &command->arguments[i]);
		}
	}
}

static void reply_docs_of_all(struct reply *reply)
{
	reply_map(reply, command_count());
	for (size_t i = 0; i < command_count(); i++) {
		reply_docs(reply, command_at(i));
	}
}

/* Of the names asked for; one that is no command is left out. */
static void reply_docs_of_some(struct reply *reply, const struct request *request)
{
	size_t known = 0;
	for (uint32_t i = 2; i < request->count; i++) {
		known += command_find(request->words[i]) != NULL;
	}
	reply_map(reply, known);
	for (uint32_t i = 2; i < request->count; i++) {
		const struct command *command = command_find(request->words[i]);
		if (command != NULL) {
			reply_docs(reply, command);
		}
	}
}

/* ---------------------------------------------------------------------------------------------------------- COMMAND */

static void reply_list(struct reply *reply)
{
	reply_array(reply, command_count());
	for (size_t i = 0; i < command_count(); i++) {
		reply_name(reply, command_at(i));
	}
}

static void reply_subcommands(struct reply *reply)
{
	static const char *const lines[] = {
	    "COMMAND -- every command: name, arity, flags, keys, categories",
	    "COMMAND INFO [name ...] -- the same for some",
	    "COMMAND DOCS [name ...] -- summary and arguments",
	    "COMMAND LIST -- the names",
	    "COMMAND COUNT -- how many there are",
	};
	command_reply_lines(reply, lines, sizeof lines / sizeof lines[0]);
}

uint64_t command_docs(struct service *service, struct client *client, const struct request *request,
		      struct reply *reply)
{
	(void)service;
	(void)client;
	const bool some = request->count > 2;
	const struct span subcommand = request->count > 1 ? request->words[1] : span_of("INFO");
	if (span_is(subcommand, "INFO")) {
		some ? reply_info_of_some(reply, request) : reply_info_of_all(reply);
	} else if (span_is(subcommand, "DOCS")) {
		some ? reply_docs_of_some(reply, request) : reply_docs_of_all(reply);
	} else if (span_is(subcommand, "COUNT") && !some) {
		reply_integer(reply, (int64_t)command_count());
	} else if (span_is(subcommand, "LIST") && !some) {
		reply_list(reply);
	} else if (span_is(subcommand, "HELP") && !some) {
		reply_subcommands(reply);
	} else if (span_is(subcommand, "GETKEYS") || span_is(subcommand, "GETKEYSANDFLAGS")) {
		reply_error(reply, "ERR The command has no key arguments");
	} else {
		command_reply_unknown_subcommand(reply, request, "COMMAND");
	}
	return 0;
}
