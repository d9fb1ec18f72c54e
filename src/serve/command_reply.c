/*
 * command_reply: see command_reply.h. What a client sent reaches a reply only through here, cut and cleaned.
 */
#include "command_reply.h"

/* Copies a name that a client sent: cut to what fits, bytes that are not printable ASCII replaced. */
static void name_text(struct span name, char text[COMMAND_NAME_TEXT_SIZE])
{
	const size_t size = name.size < COMMAND_NAME_TEXT_SIZE - 1 ? name.size : COMMAND_NAME_TEXT_SIZE - 1;
	for (size_t i = 0; i < size; i++) {
		const uint8_t byte = name.at[i];
		text[i] = byte >= ' ' && byte < 0x7f ? (char)byte : '?';
	}
	text[size] = '\0';
}

void command_name_lower(const char *name, char text[COMMAND_NAME_TEXT_SIZE])
{
	name_text(span_of(name), text);
	for (char *letter = text; *letter != '\0'; letter++) {
		*letter = (char)(*letter | 0x20); /* names are letters only */
	}
}

void command_reply_unknown(struct reply *reply, struct span name)
{
	char text[COMMAND_NAME_TEXT_SIZE];
	name_text(name, text);
	reply_error(reply, "ERR unknown command '%s', try HELP", text);
}

void command_reply_unknown_subcommand(struct reply *reply, const struct request *request, const char *container)
{
	char text[COMMAND_NAME_TEXT_SIZE];
	name_text(request->words[1], text);
	reply_error(reply, "ERR unknown subcommand '%s', try %s HELP", text, container);
}

void command_reply_lines(struct reply *reply, const char *const *lines, size_t line_count)
{
	reply_array(reply, line_count);
	for (size_t i = 0; i < line_count; i++) {
		reply_status(reply, lines[i]);
	}
}

bool command_copy_client_name(char text[CLIENT_NAME_SIZE], struct span name)
{
	if (name.size >= CLIENT_NAME_SIZE) {
		return false;
	}
	for (size_t i = 0; i < name.size; i++) {
		/* Visible ASCII only: CLIENT LIST separates by blanks. */
		if (name.at[i] <= ' ' || name.at[i] >= 0x7f) {
			return false;
		}
	}
	memcpy(text, name.at, name.size);
	text[name.size] = '\0';
	return true;
}

void command_reply_client_name(struct reply *reply, const char *what)
{
	reply_error(reply, "ERR %s cannot contain spaces, newlines or special characters, and have at most %d bytes",
		    what, CLIENT_NAME_SIZE - 1);
}
