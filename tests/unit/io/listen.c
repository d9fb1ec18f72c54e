/*
 * Proves what io/listen.h promises: connections inherit their options, an address in use is one clear error, a UNIX
 * socket is for its user alone, replaced when its server is gone and respected while it lives.
 *
 * Method: real sockets on the loopback interface and in a temporary directory.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <io/listen.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static uint16_t port_of(int descriptor)
{
	struct sockaddr_in address;
	socklen_t length = sizeof address;
	cr_assert(getsockname(descriptor, (struct sockaddr *)&address, &length) == 0);
	return ntohs(address.sin_port);
}

static int option(int descriptor, int level, int name)
{
	int value = 0;
	socklen_t length = sizeof value;
	cr_assert(getsockopt(descriptor, level, name, &value, &length) == 0);
	return value;
}

static int connect_tcp(uint16_t port)
{
	const struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert(connect(descriptor, (const struct sockaddr *)&address, sizeof address) == 0);
	return descriptor;
}

Test(listen, tcp_connections_inherit_their_options)
{
	struct error error = {0};
	int listener;
	cr_assert(net_listen_tcp("127.0.0.1", 0, &listener, &error), "%s", error.text);
	cr_assert((fcntl(listener, F_GETFD) & FD_CLOEXEC) != 0);
	const int client = connect_tcp(port_of(listener));
	const int server = accept(listener, NULL, NULL);
	cr_assert(option(server, IPPROTO_TCP, TCP_NODELAY) != 0);
	cr_assert(option(server, SOL_SOCKET, SO_KEEPALIVE) != 0);
	cr_assert(option(server, IPPROTO_TCP, TCP_KEEPIDLE) == 60);
	cr_assert(option(server, IPPROTO_TCP, TCP_USER_TIMEOUT) == 120000);
	close(client);
	close(server);
	close(listener);
}

Test(listen, address_in_use_is_one_line_with_address_and_port)
{
	struct error error = {0};
	int first;
	int second;
	cr_assert(net_listen_tcp("127.0.0.1", 0, &first, &error), "%s", error.text);
	cr_assert(!net_listen_tcp("127.0.0.1", port_of(first), &second, &error));
	char expected[128];
	snprintf(expected, sizeof expected, "cannot listen on 127.0.0.1 port %u: another process already does",
		 (unsigned)port_of(first));
	cr_assert(error.code == ERROR_IN_USE);
	cr_assert_str_eq(error.text, expected);
	close(first);
}

Test(listen, address_that_is_none_of_ours_is_refused_by_name)
{
	struct error error = {0};
	int listener;
	cr_assert(!net_listen_tcp("192.0.2.1", 5545, &listener, &error));
	cr_assert(strstr(error.text, "192.0.2.1 port 5545: ") != NULL, "%s", error.text);
	cr_assert(!net_listen_tcp("300.0.0.1.", 5545, &listener, &error));
	cr_assert(error.code == ERROR_INVALID);
	cr_assert(strstr(error.text, "300.0.0.1.") != NULL, "%s", error.text);
}

Test(listen, port_can_be_taken_again_right_after_a_connection_was_closed)
{
	struct error error = {0};
	int listener;
	cr_assert(net_listen_tcp("127.0.0.1", 0, &listener, &error), "%s", error.text);
	const uint16_t port = port_of(listener);
	const int client = connect_tcp(port);
	/* The server closes first, so its end lingers in TIME_WAIT. */
	close(accept(listener, NULL, NULL));
	char byte;
	cr_assert(read(client, &byte, 1) == 0);
	close(client);
	close(listener);
	cr_assert(net_listen_tcp("*", port, &listener, &error), "%s", error.text);
	close(listener);
}

Test(listen, addresses_have_a_text)
{
	struct error error = {0};
	int listener;
	cr_assert(net_listen_tcp("127.0.0.1", 0, &listener, &error), "%s", error.text);
	const int client = connect_tcp(port_of(listener));
	char text[NET_ADDRESS_SIZE];
	char expected[NET_ADDRESS_SIZE];
	snprintf(expected, sizeof expected, "127.0.0.1:%u", (unsigned)port_of(listener));
	net_local_address(listener, text, sizeof text);
	cr_assert_str_eq(text, expected);
	net_peer_address(client, text, sizeof text);
	cr_assert_str_eq(text, expected);
	net_peer_address(listener, text, sizeof text);
	cr_assert_str_eq(text, "?");
	close(client);
	close(listener);

	if (!net_listen_tcp("::1", 0, &listener, &error)) {
		cr_skip_test("SKIPPED: no IPv6 loopback here");
	}
	net_local_address(listener, text, sizeof text);
	cr_assert(strncmp(text, "[::1]:", 6) == 0, "%s", text);
	close(listener);
}

static char scratch[32];
static char path[64];

static void make_scratch(void)
{
	snprintf(scratch, sizeof scratch, "/tmp/slotd-listen-XXXXXX");
	cr_assert(mkdtemp(scratch) != NULL);
	snprintf(path, sizeof path, "%s/socket", scratch);
}

static void remove_scratch(void)
{
	unlink(path);
	rmdir(scratch);
}

static bool answers(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const bool connected = connect(descriptor, (const struct sockaddr *)&address, sizeof address) == 0;
	char text[NET_ADDRESS_SIZE] = "unix";
	if (connected) {
		net_peer_address(descriptor, text, sizeof text);
	}
	cr_assert_str_eq(text, "unix");
	close(descriptor);
	return connected;
}

Test(listen, unix_socket_is_for_its_user_alone, .init = make_scratch, .fini = remove_scratch)
{
	struct error error = {0};
	int listener;
	cr_assert(net_listen_unix(path, &listener, &error), "%s", error.text);
	struct stat status;
	cr_assert(stat(path, &status) == 0);
	cr_assert((status.st_mode & 0077) == 0);
	cr_assert(answers());
	close(listener);
}

Test(listen, unix_socket_of_a_dead_server_is_replaced, .init = make_scratch, .fini = remove_scratch)
{
	struct error error = {0};
	int listener;
	cr_assert(net_listen_unix(path, &listener, &error), "%s", error.text);
	close(listener);
	cr_assert(!answers());
	cr_assert(net_listen_unix(path, &listener, &error), "%s", error.text);
	cr_assert(answers());
	close(listener);
}

Test(listen, unix_socket_of_a_live_server_is_refused, .init = make_scratch, .fini = remove_scratch)
{
	struct error error = {0};
	int first;
	int second;
	cr_assert(net_listen_unix(path, &first, &error), "%s", error.text);
	cr_assert(!net_listen_unix(path, &second, &error));
	cr_assert(error.code == ERROR_IN_USE);
	cr_assert(strstr(error.text, path) != NULL, "%s", error.text);
	cr_assert(answers());
	close(first);
}

Test(listen, file_that_is_no_socket_is_left_alone, .init = make_scratch, .fini = remove_scratch)
{
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	struct error error = {0};
	int listener;
	cr_assert(!net_listen_unix(path, &listener, &error));
	cr_assert(error.code == ERROR_INVALID);
	cr_assert(access(path, F_OK) == 0);
	char long_path[200];
	memset(long_path, 'x', sizeof long_path - 1);
	long_path[sizeof long_path - 1] = '\0';
	cr_assert(!net_listen_unix(long_path, &listener, &error));
	cr_assert(error.code == ERROR_INVALID);
}
