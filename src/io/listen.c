/*
 * listen: sockets that listen (io/listen.h).
 *
 * See: tcp(7), unix(7), getaddrinfo(3).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <io/listen.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* The kernel caps it at net.core.somaxconn, 4096 by default. */
#define BACKLOG 4096

/* A peer that has vanished is noticed after 60 + 3 * 20 seconds of silence; one that does not take what we send, after
 * the same two minutes. */
#define KEEPALIVE_IDLE_S     60
#define KEEPALIVE_INTERVAL_S 20
#define KEEPALIVE_COUNT      3
#define USER_TIMEOUT_MS      120000

static bool set_option(int descriptor, int level, int name, int value)
{
	return setsockopt(descriptor, level, name, &value, sizeof value) == 0;
}

static bool set_tcp_options(int descriptor, int family)
{
	return (family != AF_INET6 || set_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 1)) &&
	       set_option(descriptor, SOL_SOCKET, SO_REUSEADDR, 1) &&
	       set_option(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1) &&
	       set_option(descriptor, IPPROTO_TCP, TCP_NODELAY, 1) &&
	       set_option(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S) &&
	       set_option(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S) &&
	       set_option(descriptor, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT) &&
	       set_option(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS);
}

static bool refuse_tcp(const char *bind, uint16_t port, int errno_value, struct error *error)
{
	if (errno_value == EADDRINUSE) {
		return error_set(error, ERROR_IN_USE, "cannot listen on %s port %u: another process already does", bind,
				 (unsigned)port);
	}
	return error_errno(error, errno_value, "cannot listen on %s port %u", bind, (unsigned)port);
}

static bool listen_at(const struct addrinfo *address, const char *bind_to, uint16_t port, int *descriptor,
		      struct error *error)
{
	const int made = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (made < 0) {
		return refuse_tcp(bind_to, port, errno, error);
	}
	if (!set_tcp_options(made, address->ai_family) || bind(made, address->ai_addr, address->ai_addrlen) != 0 ||
	    listen(made, BACKLOG) != 0) {
		refuse_tcp(bind_to, port, errno, error);
		close(made);
		return false;
	}
	*descriptor = made;
	return true;
}

bool net_listen_tcp(const char *bind, uint16_t port, int *descriptor, struct error *error)
{
	char service[8];
	snprintf(service, sizeof service, "%u", (unsigned)port);
	const struct addrinfo hints = {
	    .ai_family = strcmp(bind, "*") == 0 ? AF_INET : AF_UNSPEC,
	    .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
	};
	struct addrinfo *addresses = NULL;
	const int result = getaddrinfo(strcmp(bind, "*") == 0 ? NULL : bind, service, &hints, &addresses);
	if (result != 0) {
		return error_set(error, ERROR_INVALID, "cannot listen on %s: %s", bind, gai_strerror(result));
	}
	const bool listens = listen_at(addresses, bind, port, descriptor, error);
	freeaddrinfo(addresses);
	return listens;
}

/* Makes way for a new socket at `path`: nothing there, or the socket of a server that is gone. */
static bool clear_path(const char *path, const struct sockaddr_un *address, struct error *error)
{
	struct stat status;
	if (lstat(path, &status) != 0) {
		return errno == ENOENT || error_errno(error, errno, "cannot listen on '%s'", path);
	}
	if (!S_ISSOCK(status.st_mode)) {
		return error_set(error, ERROR_INVALID, "cannot listen on '%s': there is a file that is not a socket",
				 path);
	}

	/* Non-blocking: a live server with a full backlog answers EAGAIN. */
	const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (probe < 0) {
		return error_errno(error, errno, "cannot listen on '%s'", path);
	}
	const bool refused =
	    connect(probe, (const struct sockaddr *)address, sizeof *address) != 0 && errno == ECONNREFUSED;
	close(probe);
	if (!refused) {
		return error_set(error, ERROR_IN_USE, "cannot listen on '%s': another process already does", path);
	}
	return unlink(path) == 0 || error_errno(error, errno, "cannot replace the old socket '%s'", path);
}

bool net_listen_unix(const char *path, int *descriptor, struct error *error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof address.sun_path) {
		return error_set(error, ERROR_INVALID, "the path of a UNIX socket has at most %zu bytes, not '%s'",
				 sizeof address.sun_path - 1, path);
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (!clear_path(path, &address, error)) {
		return false;
	}

	const int made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (made < 0) {
		return error_errno(error, errno, "cannot listen on '%s'", path);
	}
	/* The file must never have been open to others, not even between bind and a chmod. */
	const mode_t old_mask = umask(0077);
	const int bound = bind(made, (const struct sockaddr *)&address, sizeof address);
	const int bind_errno = errno;
	umask(old_mask);
	if (bound != 0 || listen(made, BACKLOG) != 0) {
		error_errno(error, bound != 0 ? bind_errno : errno, "cannot listen on '%s'", path);
		close(made);
		return false;
	}
	*descriptor = made;
	return true;
}

/* ------------------------------------------------------------------------------------------------ addresses as text */

static void address_text(const struct sockaddr_storage *address, socklen_t length, char *text, size_t size)
{
	char host[INET6_ADDRSTRLEN + 32];
	char service[8];
	if (address->ss_family == AF_UNIX) {
		snprintf(text, size, "unix");
	} else if (getnameinfo((const struct sockaddr *)address, length, host, sizeof host, service, sizeof service,
			       NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
		snprintf(text, size, "?");
	} else {
		snprintf(text, size, address->ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, service);
	}
}

void net_local_address(int descriptor, char *text, size_t size)
{
	struct sockaddr_storage address = {0};
	socklen_t length = sizeof address;
	(void)getsockname(descriptor, (struct sockaddr *)&address, &length);
	address_text(&address, length, text, size);
}

void net_peer_address(int descriptor, char *text, size_t size)
{
	struct sockaddr_storage address = {0};
	socklen_t length = sizeof address;
	(void)getpeername(descriptor, (struct sockaddr *)&address, &length);
	address_text(&address, length, text, size);
}
