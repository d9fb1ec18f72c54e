/*
 * steps: what each line of a conversation does. A table of marks; each has a function that gets the rest of the line.
 */
#include "conversation.h"
#include <ctype.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* Longest wait for a command of :sh. Seconds. */
#define COMMAND_WAIT "120"

static bool step_send(struct conversation *conversation, const char *text)
{
	struct connection *connection = conversation_connection(conversation);
	struct error error;
	return connection != NULL && ((connection_send(connection, span_of(text), &error) &&
				       connection_send(connection, span_of("\r\n"), &error)) ||
				      conversation_fail_error(conversation, &error));
}

/* Appends what C escapes (\r \n \t \0 \\ \" \xHH) stand for. */
static bool unescape(struct conversation *conversation, const char *text, struct buffer *bytes)
{
	static const char letters[] = "rnt0\\\"";
	static const char meanings[] = "\r\n\t\0\\\"";
	for (; *text != '\0'; text++) {
		unsigned value = (unsigned char)*text;
		if (*text == '\\') {
			text++;
			const char *letter = *text != '\0' ? strchr(letters, *text) : NULL;
			if (letter != NULL) {
				value = (unsigned char)meanings[letter - letters];
			} else if (*text == 'x' && sscanf(text + 1, "%2x", &value) == 1 && isxdigit(text[1]) &&
				   isxdigit(text[2])) {
				text += 2;
			} else {
				return conversation_fail(conversation,
							 "an escape is one of \\r \\n \\t \\0 \\\\ \\\" \\xHH");
			}
		}
		const uint8_t byte = (uint8_t)value;
		buffer_add(bytes, &byte, 1);
	}
	return true;
}

static bool send_raw(struct conversation *conversation, const char *text, unsigned long times)
{
	struct connection *connection = conversation_connection(conversation);
	if (connection == NULL) {
		return false;
	}
	struct buffer bytes = {0};
	struct error error;
	bool ok = unescape(conversation, text, &bytes);
	for (; ok && times > 0; times--) {
		ok = connection_send(connection, (struct span){bytes.at, bytes.size}, &error) ||
		     conversation_fail_error(conversation, &error);
	}
	buffer_fini(&bytes);
	return ok;
}

static bool step_send_raw(struct conversation *conversation, const char *text)
{
	return send_raw(conversation, text, 1);
}

static bool step_send_repeated(struct conversation *conversation, const char *text)
{
	char *bytes;
	const unsigned long times = strtoul(text, &bytes, 10);
	if (times == 0 || *bytes != ' ') {
		return conversation_fail(conversation, "a number of times, then the bytes");
	}
	return send_raw(conversation, bytes + 1, times);
}

static bool step_expect(struct conversation *conversation, const char *text)
{
	struct span line;
	if (!conversation_line(conversation, &line)) {
		return false;
	}
	return span_equal(line, span_of(text)) ||
	       conversation_fail(conversation, "got: %.*s", (int)line.size, (const char *)line.at);
}

/* Reads one line, or with `skip` as many as it takes, until the pattern matches. */
static bool expect_match(struct conversation *conversation, const char *pattern, bool skip)
{
	regex_t regex;
	if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0) {
		return conversation_fail(conversation, "not a regular expression: %s", pattern);
	}
	struct span line;
	bool ok = false;
	while (conversation_line(conversation, &line)) {
		ok = regexec(&regex, conversation->last, 0, NULL, 0) == 0;
		if (ok) {
			break;
		}
		if (!skip) {
			(void)conversation_fail(conversation, "got: %s", conversation->last);
			break;
		}
	}
	regfree(&regex);
	return ok;
}

static bool step_match(struct conversation *conversation, const char *text)
{
	return expect_match(conversation, text, false);
}

static bool step_skip_to(struct conversation *conversation, const char *text)
{
	return expect_match(conversation, text, true);
}

static bool step_closed(struct conversation *conversation, const char *text)
{
	(void)text;
	struct connection *connection = conversation_connection(conversation);
	if (connection == NULL) {
		return false;
	}
	struct span line;
	switch (connection_line(connection, &line)) {
	case CONNECTION_CLOSED:
		connection_close(connection);
		return true;
	case CONNECTION_LINE:
		return conversation_fail(conversation, "got: %.*s", (int)line.size, (const char *)line.at);
	case CONNECTION_SILENT:
		break;
	}
	return conversation_fail(conversation, "the connection stays open");
}

static bool step_connect(struct conversation *conversation, const char *name)
{
	if (strlen(name) == 0 || strlen(name) >= NAME_SIZE) {
		return conversation_fail(conversation, "a connection has a name of 1 to %d bytes", NAME_SIZE - 1);
	}
	if (conversation_connection(conversation) == NULL) {
		return false;
	}
	size_t i = 0;
	while (i < conversation->connection_count && strcmp(conversation->connections[i].name, name) != 0) {
		i++;
	}
	if (i == CONNECTIONS_MAX) {
		return conversation_fail(conversation, "%d connections at most", CONNECTIONS_MAX);
	}
	if (i == conversation->connection_count) {
		strcpy(conversation->connections[i].name, name);
		conversation->connections[i].connection = (struct connection){.fd = -1};
		conversation->connection_count++;
	}
	conversation->current = i;
	return conversation_connection(conversation) != NULL;
}

static bool step_close(struct conversation *conversation, const char *text)
{
	(void)text;
	return conversation->connection_count == 0 ||
	       conversation_close(conversation, &conversation->connections[conversation->current]);
}

static bool step_demo(struct conversation *conversation, const char *text)
{
	(void)text;
	conversation->demo = true;
	return true;
}

static bool step_restart(struct conversation *conversation, const char *text)
{
	(void)text;
	return conversation_hang_up(conversation) && conversation_end_server(conversation, SIGTERM) &&
	       conversation_server(conversation);
}

static bool step_crash(struct conversation *conversation, const char *text)
{
	(void)text;
	if (!conversation_end_server(conversation, SIGKILL)) {
		return false;
	}
	for (size_t i = 0; i < conversation->connection_count; i++) {
		connection_close(&conversation->connections[i].connection);
	}
	conversation->connection_count = 0;
	return conversation_server(conversation);
}

static bool step_server(struct conversation *conversation, const char *options)
{
	if (strlen(options) >= SERVER_WORDS_SIZE) {
		return conversation_fail(conversation, "%d bytes of options at most", SERVER_WORDS_SIZE - 1);
	}
	if (!conversation_hang_up(conversation) || !conversation_end_server(conversation, SIGTERM)) {
		return false;
	}
	strcpy(conversation->server.options, options);
	return conversation_server(conversation);
}

static bool step_wait_ready(struct conversation *conversation, const char *text)
{
	(void)text;
	struct error error;
	return conversation_server(conversation) &&
	       (server_wait_ready(&conversation->server, &error) || conversation_fail_error(conversation, &error));
}

/* Asks the server to end, with connections as they are; :exits waits for it. */
static bool step_signal(struct conversation *conversation, const char *name)
{
	if (!conversation_server(conversation)) {
		return false;
	}
	const int signal = strcmp(name, "TERM") == 0 ? SIGTERM : strcmp(name, "INT") == 0 ? SIGINT : 0;
	if (signal == 0) {
		return conversation_fail(conversation, "TERM or INT");
	}
	kill(conversation->server.pid, signal);
	return true;
}

/* The server ends, with this exit status. */
static bool step_exits(struct conversation *conversation, const char *text)
{
	int status;
	struct error error;
	if (conversation->server.pid == 0) {
		return conversation_fail(conversation, "no server runs");
	}
	if (!server_wait(&conversation->server, &status, &error)) {
		return conversation_fail_error(conversation, &error);
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != atoi(text)) {
		return conversation_fail(conversation, "the server ended with status %#x", (unsigned)status);
	}
	return conversation_hang_up(conversation);
}

static bool step_shell(struct conversation *conversation, const char *command)
{
	if (!conversation_server(conversation)) {
		return false;
	}
	char port[8];
	snprintf(port, sizeof port, "%u", conversation->server.port);
	setenv("PORT", port, 1);
	setenv("DIR", conversation->server.dir, 1);
	setenv("BIN", conversation->server.bin, 1);
	setenv("TALK_COMMAND", command, 1);
	FILE *pipe =
	    popen("PATH=\"$BIN:$PATH\" timeout -k 1 " COMMAND_WAIT " bash -o pipefail -c \"$TALK_COMMAND\" 2>&1", "r");
	if (pipe == NULL) {
		return conversation_fail(conversation, "cannot run a command");
	}
	conversation->output.size = 0;
	conversation->output_taken = 0;
	conversation->reading_output = true;
	for (size_t size = 1; size > 0;) {
		size = fread(buffer_room(&conversation->output, 4096), 1, 4096, pipe);
		conversation->output.size += size;
	}
	const int status = pclose(pipe);
	return status == 0 ||
	       conversation_fail(conversation, "the command ended with status %#x; it printed:\n%.*s", (unsigned)status,
				 (int)conversation->output.size, (const char *)conversation->output.at);
}

/* Keeps the number of the last line, ":42", as ${NAME}. */
static bool step_set(struct conversation *conversation, const char *name)
{
	const char *number = conversation->last + strcspn(conversation->last, "0123456789");
	const size_t size = strspn(number, "0123456789");
	if (size == 0 || size >= NAME_SIZE || strlen(name) == 0 || strlen(name) >= NAME_SIZE) {
		return conversation_fail(conversation, "no number in: %s", conversation->last);
	}
	size_t i = 0;
	while (i < conversation->variable_count && strcmp(conversation->variables[i].name, name) != 0) {
		i++;
	}
	if (i == VARIABLES_MAX) {
		return conversation_fail(conversation, "%d variables at most", VARIABLES_MAX);
	}
	conversation->variable_count = i == conversation->variable_count ? i + 1 : conversation->variable_count;
	strcpy(conversation->variables[i].name, name);
	memcpy(conversation->variables[i].value, number, size);
	conversation->variables[i].value[size] = '\0';
	return true;
}

typedef bool step_f(struct conversation *conversation, const char *rest);

/* In an order in which no mark hides a longer one. */
static const struct {
	const char *mark;
	step_f *run;
} steps[] = {
    {">>*", step_send_repeated},
    {">>", step_send_raw},
    {">", step_send},
    {"<~", step_match},
    {"<*", step_skip_to},
    {"<.", step_closed},
    {"<", step_expect},
    {":connect", step_connect},
    {":close", step_close},
    {":demo", step_demo},
    {":restart", step_restart},
    {":crash", step_crash},
    {":server", step_server},
    {":wait-ready", step_wait_ready},
    {":signal", step_signal},
    {":exits", step_exits},
    {":sh", step_shell},
    {":set", step_set},
};

/* Puts the values of ${NAME} in; what was never set stays, for the shell or as it is. */
static void expand(const struct conversation *conversation, const char *text, struct buffer *expanded)
{
	while (*text != '\0') {
		const struct variable *found = NULL;
		for (size_t i = 0; i < conversation->variable_count && strncmp(text, "${", 2) == 0; i++) {
			const struct variable *variable = &conversation->variables[i];
			const size_t size = strlen(variable->name);
			if (strncmp(text + 2, variable->name, size) == 0 && text[2 + size] == '}') {
				found = variable;
			}
		}
		if (found != NULL) {
			buffer_add(expanded, found->value, strlen(found->value));
			text += strlen(found->name) + 3;
		} else {
			buffer_add(expanded, text++, 1);
		}
	}
	buffer_add(expanded, "", 1);
}

bool conversation_step(struct conversation *conversation, const char *step)
{
	if (*step == '\0' || *step == '#') {
		return true;
	}
	if (*step != '<' && strncmp(step, ":set", 4) != 0 && !conversation_output_done(conversation)) {
		return false;
	}
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		const size_t size = strlen(steps[i].mark);
		if (strncmp(step, steps[i].mark, size) == 0 && (step[size] == ' ' || step[size] == '\0')) {
			struct buffer rest = {0};
			expand(conversation, step + size + (step[size] == ' '), &rest);
			const bool ok = steps[i].run(conversation, (const char *)rest.at);
			buffer_fini(&rest);
			return ok;
		}
	}
	return conversation_fail(conversation, "not a step; see tests/talk/README.md");
}
