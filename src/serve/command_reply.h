/*
 * command_reply: what the rooms of command (serve/command.h) share: names in replies, and lines for a person.
 *
 * Threads: the worker of the request.
 */
#pragma once

#include <serve/command.h>
#include <serve/desk.h>

#define COMMAND_NAME_TEXT_SIZE 65

/* Copies a command's name in lower case, as Redis and its clients know names. */
void command_name_lower(const char *name, char text[COMMAND_NAME_TEXT_SIZE]);

/* "ERR unknown command 'x', try HELP". Only the name, cut and cleaned: the words behind it may be client tokens. */
void command_reply_unknown(struct reply *reply, struct span name);

/* "ERR unknown subcommand 'x', try CLIENT HELP": word 1 of the request is not one of this command's. */
void command_reply_unknown_subcommand(struct reply *reply, const struct request *request, const char *container);

/* An array of lines, one status each. */
void command_reply_lines(struct reply *reply, const char *const *lines, size_t line_count);

/* Copies the name of a connection or a library if it is short enough and visible ASCII; else `text` stays. */
bool command_copy_client_name(char text[CLIENT_NAME_SIZE], struct span name);
/* Says why it was not copied. */
void command_reply_client_name(struct reply *reply, const char *what);

/* A slot of a list, an array: date, time, minutes, status. */
void command_reply_slot(struct reply *reply, uint64_t key, uint16_t minutes, const char *status);
/* Everything about a session, a map. */
void command_reply_session(struct reply *reply, const struct table *table, const struct session_view *view);
