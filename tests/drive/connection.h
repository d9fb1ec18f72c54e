/*
 * connection: one client of a server under test: bytes out, lines in, every wait bounded.
 *
 * Replies are read line by line, as the protocol frames them; the test says what the lines are to be.
 *
 * Threads: a connection belongs to one thread.
 */
#pragma once

#include <base/bytes.h>
#include <base/error.h>
#include <stdbool.h>
#include <stdint.h>

/* Nothing a test waits for may take longer; generous, for sanitizers on a busy machine. */
#define CONNECTION_WAIT_MS 30000

struct connection {
	int fd; /* -1: not open */
	struct buffer input;
	size_t taken; /* of the input, in lines handed out */
};

/* To 127.0.0.1. */
bool connection_open(struct connection *connection, uint16_t port, struct error *error);
void connection_close(struct connection *connection);

bool connection_send(struct connection *connection, struct span bytes, struct error *error);

enum connection_result {
	CONNECTION_LINE,
	CONNECTION_CLOSED,
	CONNECTION_SILENT, /* nothing came in time */
};

/* The next line without its end (LF or CRLF); good until the next call. */
enum connection_result connection_line(struct connection *connection, struct span *line);

/* Says that no request follows. The server answers what it has and closes. */
void connection_finish(struct connection *connection);
