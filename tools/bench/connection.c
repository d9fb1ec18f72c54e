/*
 * connection: see connection.h. Blocking sockets, whose timeouts the kernel keeps (SO_RCVTIMEO, SO_SNDTIMEO).
 */
#include <base/check.h>
#include <bench/connection.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/time.h>
#include <unistd.h>

#define HOST_SIZE_MAX   256
#define RECEIVE_SIZE    16384
#define SHOWN_WORDS_MAX 8

bool address_parse(struct address *address, const char *text, struct error *error)
{
	const char *colon = strrchr(text, ':');
	const size_t size = colon == NULL ? 0 : (size_t)(colon - text);
	if (size == 0 || size >= HOST_SIZE_MAX) {
		return error_set(error, ERROR_INVALID, "must be HOST:PORT");
	}
	const bool brackets = text[0] == '[' && text[size - 1] == ']';
	char host[HOST_SIZE_MAX];
	snprintf(host, sizeof host, "%.*s", (int)(brackets ? size - 2 : size), brackets ? text + 1 : text);
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	struct addrinfo *found = NULL;
	const int failure = getaddrinfo(host, colon + 1, &hints, &found);
	if (failure != 0) {
		return error_set(error, ERROR_INVALID, "no such address: %s", gai_strerror(failure));
	}
	memcpy(&address->at, found->ai_addr, found->ai_addrlen);
	address->size = found->ai_addrlen;
	freeaddrinfo(found);
	return true;
}

/* Also bounds connect(2), see socket(7). */
static bool set_timeouts(int descriptor, uint32_t timeout_ms)
{
	const struct timeval limit = {.tv_sec = timeout_ms / 1000, .tv_usec = (suseconds_t)(timeout_ms % 1000) * 1000};
	return setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0 &&
	       setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0;
}

bool connection_open(struct connection *connection, const struct address *address, uint32_t timeout_ms,
		     struct error *error)
{
	CHECK(timeout_ms > 0); /* 0 would be for ever */
	*connection = (struct connection){
	    .descriptor = socket(address->at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0),
	};
	if (connection->descriptor < 0) {
		return error_errno(error, errno, "socket");
	}
	/* A request is sent whole, so waiting for more to send with it would only add to the latency. */
	const int on = 1;
	if (!set_timeouts(connection->descriptor, timeout_ms) ||
	    setsockopt(connection->descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
	    connect(connection->descriptor, (const struct sockaddr *)&address->at, address->size) != 0) {
		error_errno(error, errno, "connecting to the server");
		connection_close(connection);
		return false;
	}
	return true;
}

void connection_close(struct connection *connection)
{
	if (connection->descriptor >= 0) {
		close(connection->descriptor);
	}
	connection->descriptor = -1;
	buffer_fini(&connection->input);
}

bool connection_send(struct connection *connection, const void *bytes, size_t size, struct error *error)
{
	for (size_t sent = 0; sent < size;) {
		const ssize_t result =
		    send(connection->descriptor, (const uint8_t *)bytes + sent, size - sent, MSG_NOSIGNAL);
		if (result < 0 && errno != EINTR) {
			return error_errno(error, errno, "sending to the server");
		}
		sent += result > 0 ? (size_t)result : 0;
	}
	return true;
}

static bool receive_more(struct connection *connection, struct error *error)
{
	uint8_t *room = buffer_room(&connection->input, RECEIVE_SIZE);
	ssize_t result;
	do {
		result = recv(connection->descriptor, room, RECEIVE_SIZE, 0);
	} while (result < 0 && errno == EINTR);
	if (result == 0) {
		return error_set(error, ERROR_IO, "the server closed the connection");
	}
	if (result < 0 && errno == EAGAIN) {
		return error_set(error, ERROR_IO, "no answer in time");
	}
	if (result < 0) {
		return error_errno(error, errno, "receiving from the server");
	}
	connection->input.size += (size_t)result;
	return true;
}

bool connection_receive(struct connection *connection, struct answer *answer, struct error *error)
{
	buffer_drop(&connection->input, connection->answered);
	connection->answered = 0;
	for (;;) {
		const struct span input = {connection->input.at, connection->input.size};
		switch (answer_parse(answer, input, &connection->answered)) {
		case ANSWER_WHOLE:
			return true;
		case ANSWER_BROKEN:
			return error_set(error, ERROR_IO, "the server's answer is no RESP2, or too long");
		case ANSWER_PARTIAL:
			if (!receive_more(connection, error)) {
				return false;
			}
		}
	}
}

bool connection_ask(struct connection *connection, struct answer *answer, struct error *error, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	const int size = vsnprintf(connection->request, REQUEST_SIZE_MAX - 2, format, arguments);
	va_end(arguments);
	CHECK(size > 0);
	CHECK(size < REQUEST_SIZE_MAX - 2);
	memcpy(connection->request + size, "\r\n", 3);
	struct error reason;
	if (!connection_send(connection, connection->request, (size_t)size + 2, &reason) ||
	    !connection_receive(connection, answer, &reason)) {
		return error_set(error, reason.code, "%.*s: %.300s", size, connection->request, reason.text);
	}
	return true;
}

bool connection_unexpected(const struct connection *connection, const struct answer *answer, struct error *error)
{
	char shown[256] = "";
	size_t size = 0;
	for (uint32_t i = 0; i < answer->count && i < SHOWN_WORDS_MAX && size < sizeof shown - 1; i++) {
		const struct span word = answer->words[i];
		size += (size_t)snprintf(shown + size, sizeof shown - size, "%s%.*s", i == 0 ? "" : " ",
					 (int)(word.size < 200 ? word.size : 200), (const char *)word.at);
	}
	return error_set(error, ERROR_IO, "%.*s: unexpected answer %c%s", (int)strcspn(connection->request, "\r"),
			 connection->request, answer->kind, shown);
}
