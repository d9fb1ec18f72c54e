/*
 * connection: a TCP connection to the server that asks and waits for the answer.
 *
 * Every wait is bounded by the connection's timeout; a connection that failed once is only good for closing. Races need
 * neither waiting nor whole answers: they use the descriptor themselves (race.c).
 *
 * Threads: same thread only.
 */
#pragma once

#include <base/bytes.h>
#include <base/error.h>
#include <bench/answer.h>
#include <sys/socket.h>

struct address {
	struct sockaddr_storage at;
	socklen_t size;
};

/* Resolves "HOST:PORT"; an IPv6 address is in brackets, "[::1]:5545". */
bool address_parse(struct address *address, const char *text, struct error *error);

#define REQUEST_SIZE_MAX 512

struct connection {
	int descriptor;
	struct buffer input;
	size_t answered;                /* bytes at the front of input that the last answer was cut from */
	char request[REQUEST_SIZE_MAX]; /* what connection_ask sent last */
};

bool connection_open(struct connection *connection, const struct address *address, uint32_t timeout_ms,
		     struct error *error);
void connection_close(struct connection *connection);

/* Sends all bytes: one request or several, each of whose answers is then to be received. */
bool connection_send(struct connection *connection, const void *bytes, size_t size, struct error *error);
/* The next answer; its words are good until the next call for this connection. */
bool connection_receive(struct connection *connection, struct answer *answer, struct error *error);

/* Sends one request line, formatted here and given its CRLF, and waits for the answer. */
bool connection_ask(struct connection *connection, struct answer *answer, struct error *error, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Says in `error` what connection_ask asked and what came, for an answer that should not be. Returns false. */
bool connection_unexpected(const struct connection *connection, const struct answer *answer, struct error *error);
