/*
 * conversation: the server, the connections and the lines behind the steps (steps.c); see conversation.h.
 */
#include "conversation.h"
#include <drive/demo.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

bool conversation_fail(struct conversation *conversation, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	vsnprintf(conversation->failure, sizeof conversation->failure, format, list);
	va_end(list);
	return false;
}

bool conversation_fail_error(struct conversation *conversation, const struct error *error)
{
	return conversation_fail(conversation, "%s", error->text);
}

bool conversation_init(struct conversation *conversation, const char *bin)
{
	*conversation = (struct conversation){.demo = false};
	struct error error;
	return server_init(&conversation->server, bin, &error) || conversation_fail_error(conversation, &error);
}

bool conversation_server(struct conversation *conversation)
{
	struct error error;
	if (conversation->server.pid == 0 && !server_start(&conversation->server, &error)) {
		return conversation_fail_error(conversation, &error);
	}
	if (conversation->demo && !conversation->loaded) {
		conversation->loaded = true;
		if (!demo_load(conversation->server.port, DEMO_FILE, &error)) {
			return conversation_fail_error(conversation, &error);
		}
	}
	return true;
}

/* The current connection, opened if it is not. */
struct connection *conversation_connection(struct conversation *conversation)
{
	if (!conversation_server(conversation)) {
		return NULL;
	}
	if (conversation->connection_count == 0) {
		strcpy(conversation->connections[0].name, "main");
		conversation->connections[0].connection.fd = -1;
		conversation->connection_count = 1;
		conversation->current = 0;
	}
	struct connection *connection = &conversation->connections[conversation->current].connection;
	struct error error;
	if (connection->fd < 0 && !connection_open(connection, conversation->server.port, &error)) {
		(void)conversation_fail_error(conversation, &error);
		return NULL;
	}
	return connection;
}

static void remember(struct conversation *conversation, struct span line)
{
	const size_t size = line.size < sizeof conversation->last ? line.size : sizeof conversation->last - 1;
	memcpy(conversation->last, line.at, size);
	conversation->last[size] = '\0';
}

/* The next line of output of the last :sh. False: there is none. */
static bool output_line(struct conversation *conversation, struct span *line)
{
	if (conversation->output_taken == conversation->output.size) {
		return false;
	}
	const uint8_t *from = conversation->output.at + conversation->output_taken;
	const size_t left = conversation->output.size - conversation->output_taken;
	const uint8_t *end = memchr(from, '\n', left);
	*line = (struct span){from, end != NULL ? (size_t)(end - from) : left};
	conversation->output_taken += line->size + (end != NULL);
	if (line->size > 0 && line->at[line->size - 1] == '\r') {
		line->size--;
	}
	return true;
}

/* The next line, from the last command's output or the current connection. */
bool conversation_line(struct conversation *conversation, struct span *line)
{
	if (conversation->reading_output) {
		if (!output_line(conversation, line)) {
			return conversation_fail(conversation, "the command printed no further line");
		}
		remember(conversation, *line);
		return true;
	}
	struct connection *connection = conversation_connection(conversation);
	if (connection == NULL) {
		return false;
	}
	switch (connection_line(connection, line)) {
	case CONNECTION_LINE:
		remember(conversation, *line);
		return true;
	case CONNECTION_CLOSED:
		return conversation_fail(conversation, "the server closed the connection");
	case CONNECTION_SILENT:
		break;
	}
	return conversation_fail(conversation, "no answer");
}

/* Nothing may be left of the last command's output. */
bool conversation_output_done(struct conversation *conversation)
{
	struct span line;
	if (conversation->reading_output && output_line(conversation, &line)) {
		return conversation_fail(conversation, "the command also printed: %.*s", (int)line.size,
					 (const char *)line.at);
	}
	conversation->reading_output = false;
	return true;
}

bool conversation_close(struct conversation *conversation, struct named_connection *named)
{
	struct connection *connection = &named->connection;
	if (connection->fd < 0) {
		return true;
	}
	struct span line;
	connection_finish(connection);
	const enum connection_result result = connection_line(connection, &line);
	const bool ok =
	    result == CONNECTION_CLOSED ||
	    (result == CONNECTION_LINE
		 ? conversation_fail(conversation, "the server also said: %.*s", (int)line.size, (const char *)line.at)
		 : conversation_fail(conversation, "the server keeps a connection that said it is done"));
	connection_close(connection);
	return ok;
}

bool conversation_hang_up(struct conversation *conversation)
{
	bool ok = conversation_output_done(conversation);
	for (size_t i = 0; i < conversation->connection_count; i++) {
		ok = (ok && conversation_close(conversation, &conversation->connections[i]));
		connection_close(&conversation->connections[i].connection);
	}
	conversation->connection_count = 0;
	return ok;
}

bool conversation_end_server(struct conversation *conversation, int signal)
{
	if (conversation->server.pid == 0) {
		return true;
	}
	int status;
	struct error error;
	if (!server_stop(&conversation->server, signal, &status, &error)) {
		return conversation_fail_error(conversation, &error);
	}
	const bool wanted = signal == SIGKILL || (WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return wanted || conversation_fail(conversation, "the server ended with status %#x on signal %d",
					   (unsigned)status, signal);
}

bool conversation_end(struct conversation *conversation)
{
	return conversation_hang_up(conversation) && conversation_end_server(conversation, SIGTERM);
}

void conversation_fini(struct conversation *conversation, bool keep)
{
	for (size_t i = 0; i < conversation->connection_count; i++) {
		connection_close(&conversation->connections[i].connection);
	}
	buffer_fini(&conversation->output);
	server_fini(&conversation->server, keep);
}
