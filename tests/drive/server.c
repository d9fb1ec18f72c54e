/*
 * server: see server.h. Waits for what happens to the process through its pidfd, and for readiness by asking.
 */
#include <arpa/inet.h>
#include <base/check.h>
#include <base/clock.h>
#include <drive/confine.h>
#include <drive/connection.h>
#include <drive/server.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS_MAX 64

/* Ports are looked for below the range that connections are given (32768 and up on Linux), so that nobody's outgoing
 * connection sits on one between the look and the server's bind. */
#define PORT_FIRST 20000
#define PORT_COUNT 12000

/* How long to wait before asking again whether a starting server answers; its end is noticed at once. */
#define ASK_AGAIN_MS 10

static bool port_is_free(uint16_t port)
{
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int on = 1;
	const struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const bool is_free = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
			     bind(fd, (const struct sockaddr *)&address, sizeof address) == 0;
	if (fd >= 0) {
		close(fd);
	}
	return is_free;
}

bool server_init(struct server *server, const char *bin, struct error *error)
{
	*server = (struct server){.process = -1};
	snprintf(server->bin, sizeof server->bin, "%s", bin);
	snprintf(server->root, sizeof server->root, "/tmp/slotd-test-XXXXXX");
	if (mkdtemp(server->root) == NULL) {
		return error_errno(error, errno, "mkdtemp %s", server->root);
	}
	snprintf(server->dir, sizeof server->dir, "%s/data", server->root);
	snprintf(server->output, sizeof server->output, "%s/output", server->root);

	static unsigned tried;
	const unsigned start = (unsigned)getpid() * 37u + tried;
	for (unsigned i = 0; i < PORT_COUNT; i++, tried++) {
		const uint16_t port = (uint16_t)(PORT_FIRST + (start + i) % PORT_COUNT);
		if (port_is_free(port)) {
			tried++; /* the next server of this process shall not get the same */
			server->port = port;
			return true;
		}
	}
	return error_set(error, ERROR_IN_USE, "no free port from %d on", PORT_FIRST);
}

bool server_init_for_unit(struct server *server, struct error *error)
{
	char bin[SERVER_PATH_SIZE] = {0};
	CHECK(readlink("/proc/self/exe", bin, sizeof bin - 1) > 0);
	for (int up = 0; up < 3; up++) {
		*strrchr(bin, '/') = '\0';
	}
	return server_init(server, bin, error);
}

static int entry_remove(const char *path, const struct stat *stat, int type, struct FTW *place)
{
	(void)stat, (void)type, (void)place;
	return remove(path);
}

void server_fini(struct server *server, bool keep)
{
	int status;
	if (server->pid != 0) {
		(void)server_stop(server, SIGKILL, &status, NULL);
	}
	if (!keep) {
		(void)nftw(server->root, entry_remove, 8, FTW_DEPTH | FTW_PHYS);
	}
}

void server_forget(struct server *server)
{
	CHECK(server->pid == 0);
	(void)nftw(server->dir, entry_remove, 8, FTW_DEPTH | FTW_PHYS);
}

/* In the child: the program is opened first, as nobody may not be allowed to the folder it lies in. */
_Noreturn static void execute(const struct server *server, char *path, char **words, pid_t parent)
{
	const int program = open(path, O_PATH | O_CLOEXEC);
	if ((!server->unprivileged || confine_to_nobody()) &&
	    (server->io_uring_errno == 0 || confine_deny_io_uring(server->io_uring_errno))) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* another user's process loses it, so not before */
		if (getppid() != parent) {
			_exit(127); /* the test ended before the line above */
		}
		fexecve(program, words, environ);
	}
	dprintf(STDERR_FILENO, "%s: %s\n", path, strerror(errno));
	_exit(127);
}

/* In the child: becomes the server. */
_Noreturn static void become_server(struct server *server, pid_t parent)
{
	char path[SERVER_PATH_SIZE + 8];
	char port[8];
	char options[SERVER_WORDS_SIZE];
	snprintf(path, sizeof path, "%s/slotd", server->bin);
	snprintf(port, sizeof port, "%u", server->port);
	memcpy(options, server->options, sizeof options);

	char *words[WORDS_MAX] = {path,           (char[]){"--bind"}, (char[]){"127.0.0.1"}, (char[]){"--port"},
				  port,           (char[]){"--dir"},  server->dir,           (char[]){"--segment-size"},
				  (char[]){"1mb"}};
	size_t count = 9;
	for (char *rest, *word = strtok_r(options, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
		CHECK(count + 1 < WORDS_MAX);
		words[count++] = word;
	}

	signal(SIGINT, SIG_DFL); /* a shell's background jobs ignore it */
	const int output = open(server->output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	dup2(nothing, STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	execute(server, path, words, parent);
}

bool server_start(struct server *server, struct error *error)
{
	CHECK(server->pid == 0);
	if (server->unprivileged && chown(server->root, CONFINE_NOBODY, CONFINE_NOBODY) != 0) {
		return error_errno(error, errno, "chown %s", server->root);
	}
	const pid_t parent = getpid();
	const pid_t pid = fork();
	if (pid < 0) {
		return error_errno(error, errno, "fork");
	}
	if (pid == 0) {
		become_server(server, parent);
	}
	server->pid = pid;
	server->process = pidfd_open(pid, 0);
	if (server->process < 0) {
		return error_errno(error, errno, "pidfd_open");
	}
	return server_wait_ready(server, error);
}

static bool server_answers(const struct server *server)
{
	struct connection connection;
	struct span line;
	if (!connection_open(&connection, server->port, NULL)) {
		return false;
	}
	const bool answers = connection_send(&connection, span_of("PING\r\n"), NULL) &&
			     connection_line(&connection, &line) == CONNECTION_LINE &&
			     span_equal(line, span_of("+PONG"));
	connection_close(&connection);
	return answers;
}

bool server_wait_ready(struct server *server, struct error *error)
{
	const struct clock clock = clock_real();
	const uint64_t deadline_ns = clock_monotonic_ns(&clock) + CONNECTION_WAIT_MS * UINT64_C(1000000);
	while (!server_answers(server)) {
		struct pollfd wait = {.fd = server->process, .events = POLLIN};
		if (poll(&wait, 1, ASK_AGAIN_MS) > 0) {
			int status;
			(void)server_wait(server, &status, NULL);
			return error_set(error, ERROR_INVALID, "the server ended at start with status %#x",
					 (unsigned)status);
		}
		if (clock_monotonic_ns(&clock) > deadline_ns) {
			return error_set(error, ERROR_INVALID, "the server does not answer +PONG");
		}
	}
	return true;
}

bool server_stop(struct server *server, int signal, int *status, struct error *error)
{
	CHECK(server->pid != 0);
	kill(server->pid, signal);
	return server_wait(server, status, error);
}

bool server_wait(struct server *server, int *status, struct error *error)
{
	CHECK(server->pid != 0);
	struct pollfd wait = {.fd = server->process, .events = POLLIN};
	const bool ended = poll(&wait, 1, CONNECTION_WAIT_MS) > 0;
	if (!ended) {
		kill(server->pid, SIGKILL);
	}
	waitpid(server->pid, status, 0);
	close(server->process);
	server->process = -1;
	server->pid = 0;
	return ended || error_set(error, ERROR_INVALID, "the server did not end in time");
}
