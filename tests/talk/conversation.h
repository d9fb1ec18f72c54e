/*
 * conversation: what is said to a server and what it must answer, one step a line (tests/talk/README.md).
 *
 *   conversation_init -> conversation_step ... -> conversation_end -> conversation_fini
 *
 * The server starts with the first step that needs it. A step that goes wrong fills in `failure`; no step follows it.
 * Nothing may be left over: an unread reply, or output of a command, is a failure, and so is a server that does not end
 * with status 0 on SIGTERM.
 *
 * Threads: one.
 */
#pragma once

#include <base/bytes.h>
#include <drive/connection.h>
#include <drive/server.h>

#define NAME_SIZE       32
#define CONNECTIONS_MAX 16
#define VARIABLES_MAX   32

struct named_connection {
	char name[NAME_SIZE]; /* "main" is the one nobody named */
	struct connection connection;
};

struct variable {
	char name[NAME_SIZE];
	char value[NAME_SIZE];
};

struct conversation {
	struct server server;
	bool demo; /* load the demo hours into each fresh server */
	bool loaded;
	struct named_connection connections[CONNECTIONS_MAX];
	size_t connection_count;
	size_t current;
	/* output of the last :sh, and how much of it was read */
	struct buffer output;
	size_t output_taken;
	bool reading_output; /* replies are read from there */
	char last[512];      /* the last line read */
	struct variable variables[VARIABLES_MAX];
	size_t variable_count;
	char failure[2048];
};

/* `bin` is the folder of the programs. */
bool conversation_init(struct conversation *conversation, const char *bin);
/* Does what one line says (steps.c). */
bool conversation_step(struct conversation *conversation, const char *step);
/* Closes the connections; nothing may be left to read. For the end of a block of a document. */
bool conversation_hang_up(struct conversation *conversation);
/* Hangs up and ends the server. */
bool conversation_end(struct conversation *conversation);
void conversation_fini(struct conversation *conversation, bool keep);

/* For the steps. */

/* Says what went wrong; false, so that a step can return it. */
bool conversation_fail(struct conversation *conversation, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool conversation_fail_error(struct conversation *conversation, const struct error *error);
/* Starts the server if none runs, and loads the demo hours if they are wanted and not in yet. */
bool conversation_server(struct conversation *conversation);
/* Ends the server if one runs; on any signal but SIGKILL it must exit with 0. */
bool conversation_end_server(struct conversation *conversation, int signal);
/* The current connection, opened if it is not; NULL if that failed. */
struct connection *conversation_connection(struct conversation *conversation);
/* Closes one connection, on which nothing may be left to read. */
bool conversation_close(struct conversation *conversation, struct named_connection *named);
/* The next line, from the last command's output or the current connection. Also kept in `last`. */
bool conversation_line(struct conversation *conversation, struct span *line);
/* The last command's output must have been read to its end. */
bool conversation_output_done(struct conversation *conversation);
