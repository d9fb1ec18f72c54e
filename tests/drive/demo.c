/*
 * demo: see demo.h.
 */
#include <drive/connection.h>
#include <drive/demo.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static bool line_load(struct connection *connection, const char *text, struct error *error)
{
	struct span reply;
	if (!connection_send(connection, span_of(text), error)) {
		return false;
	}
	if (connection_line(connection, &reply) != CONNECTION_LINE) {
		return error_set(error, ERROR_IO, "no answer to: %s", text);
	}
	if (reply.size == 0 || reply.at[0] == '-') {
		return error_set(error, ERROR_INVALID, "%.*s: %s", (int)reply.size, (const char *)reply.at, text);
	}
	return true;
}

bool demo_load(uint16_t port, const char *path, struct error *error)
{
	FILE *file = fopen(path, "r");
	if (file == NULL) {
		return error_errno(error, errno, "%s", path);
	}
	struct connection connection;
	bool ok = connection_open(&connection, port, error);
	char *line = NULL;
	size_t capacity = 0;
	while (ok && getline(&line, &capacity, file) > 0) {
		ok = line[0] == '#' || line[0] == '\n' || line_load(&connection, line, error);
	}
	connection_close(&connection);
	free(line);
	fclose(file);
	return ok;
}
