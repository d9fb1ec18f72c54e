/*
 * connection: see connection.h. Blocking sends, and receives that poll(2) bounds.
 */
#include <arpa/inet.h>
#include <base/clock.h>
#include <drive/connection.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECEIVE_SIZE 16384

bool connection_open(struct connection *connection, uint16_t port, struct error *error)
{
	*connection = (struct connection){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	if (connection->fd < 0) {
		return error_errno(error, errno, "socket");
	}
	const struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (connect(connection->fd, (const struct sockaddr *)&address, sizeof address) < 0) {
		const int reason = errno;
		connection_close(connection);
		return error_errno(error, reason, "connect to 127.0.0.1:%u", port);
	}
	const int on = 1;
	(void)setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return true;
}

void connection_close(struct connection *connection)
{
	if (connection->fd >= 0) {
		close(connection->fd);
	}
	buffer_fini(&connection->input);
	*connection = (struct connection){.fd = -1};
}

bool connection_send(struct connection *connection, struct span bytes, struct error *error)
{
	while (bytes.size > 0) {
		const ssize_t sent = send(connection->fd, bytes.at, bytes.size, MSG_NOSIGNAL);
		if (sent < 0) {
			return error_errno(error, errno, "send");
		}
		bytes = (struct span){bytes.at + sent, bytes.size - (size_t)sent};
	}
	return true;
}

/* Takes the next line out of what was received. */
static bool line_take(struct connection *connection, struct span *line)
{
	if (connection->taken == connection->input.size) {
		return false;
	}
	const uint8_t *from = connection->input.at + connection->taken;
	const uint8_t *end = memchr(from, '\n', connection->input.size - connection->taken);
	if (end == NULL) {
		return false;
	}
	*line = (struct span){from, (size_t)(end - from)};
	connection->taken += line->size + 1;
	if (line->size > 0 && line->at[line->size - 1] == '\r') {
		line->size--;
	}
	return true;
}

enum connection_result connection_line(struct connection *connection, struct span *line)
{
	const struct clock clock = clock_real();
	const uint64_t deadline_ns = clock_monotonic_ns(&clock) + CONNECTION_WAIT_MS * UINT64_C(1000000);
	while (!line_take(connection, line)) {
		buffer_drop(&connection->input, connection->taken);
		connection->taken = 0;
		const uint64_t now_ns = clock_monotonic_ns(&clock);
		struct pollfd wait = {.fd = connection->fd, .events = POLLIN};
		if (now_ns >= deadline_ns || poll(&wait, 1, (int)((deadline_ns - now_ns) / 1000000) + 1) == 0) {
			return CONNECTION_SILENT;
		}
		const ssize_t size =
		    recv(connection->fd, buffer_room(&connection->input, RECEIVE_SIZE), RECEIVE_SIZE, 0);
		if (size <= 0) {
			return CONNECTION_CLOSED;
		}
		connection->input.size += (size_t)size;
	}
	return CONNECTION_LINE;
}

void connection_finish(struct connection *connection)
{
	(void)shutdown(connection->fd, SHUT_WR);
}
