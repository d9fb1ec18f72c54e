/*
 * Proves: I6 for the whole server. When the log fails, each request that is owed a reply gets one, which says that its outcome
 * is not known; none is acknowledged; the server ends with a status of its own; what was acknowledged before is there
 * after the restart.
 *
 * Method: a limit of the size of files, set on the running server (prlimit(2)), fails every write of the log from there on.
 * The server is stopped (SIGSTOP) while the requests are sent, so that it finds them all together.
 */
#include <criterion/criterion.h>
#include <drive/connection.h>
#include <drive/server.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Behind it the log fails: so many commits of one block are before it. */
#define LIMIT_BYTES 65536
#define BOOKED      40
/* Requests a connection sends at once, and how many connections do. */
#define BURST       50
#define CONNECTIONS 6

#define EXIT_LOG_FAILED 3

static struct server server;
static struct connection connections[CONNECTIONS];
static struct error error;

static void set_up(void)
{
	char bin[SERVER_PATH_SIZE] = {0};
	cr_assert_gt(readlink("/proc/self/exe", bin, sizeof bin - 1), 0);
	for (int up = 0; up < 3; up++) {
		*strrchr(bin, '/') = '\0';
	}
	cr_assert(server_init(&server, bin, &error), "%s", error.text);
}

static void tear_down(void)
{
	if (server.pid != 0) {
		kill(server.pid, SIGCONT);
	}
	server_fini(&server, false);
}

TestSuite(log_failure, .init = set_up, .fini = tear_down, .timeout = 120);

static void send_text(struct connection *connection, const char *text)
{
	cr_assert(connection_send(connection, span_of(text), &error), "%s", error.text);
}

static void expect_line(struct connection *connection, const char *begins)
{
	struct span line;
	cr_assert_eq(connection_line(connection, &line), CONNECTION_LINE, "no line \"%s\"", begins);
	cr_assert(line.size >= strlen(begins) && memcmp(line.at, begins, strlen(begins)) == 0, "\"%.*s\"",
		  (int)line.size, (const char *)line.at);
}

static void start(const char *options)
{
	snprintf(server.options, sizeof server.options, "--unlisted-slots yes %s", options);
	cr_assert(server_start(&server, &error), "%s", error.text);
	for (int i = 0; i < CONNECTIONS; i++) {
		cr_assert(connection_open(&connections[i], server.port, &error), "%s", error.text);
	}
}

/* Slot `number` of the first connection's day is client `number`'s. */
static void book(struct connection *connection, unsigned number)
{
	char text[128];
	snprintf(text, sizeof text, "BOOK dr-lee 2031-01-06 %02u:%02u client-%u\r\n", number / 60, number % 60, number);
	send_text(connection, text);
	snprintf(text, sizeof text, ":%u", number + 1);
	expect_line(connection, text);
}

/* Every other request reads what the one before it has booked, and would be answered with many lines. */
static void send_burst(int connection)
{
	for (int i = 0; i < BURST; i++) {
		char text[128];
		const char *format = i % 2 == 0 ? "BOOK dr-kim 2031-02-%02d %02d:00 client-1\r\n"
						: "SLOT dr-kim 2031-02-%02d %02d:00\r\n";
		snprintf(text, sizeof text, format, 1 + connection, i / 2 % 24);
		send_text(&connections[connection], text);
	}
}

static void stop_for_now(void)
{
	int status;
	kill(server.pid, SIGSTOP);
	cr_assert_eq(waitpid(server.pid, &status, WUNTRACED), server.pid);
	cr_assert(WIFSTOPPED(status));
}

/* From when the server goes on. */
static void fail_the_log(void)
{
	const struct rlimit limit = {LIMIT_BYTES, LIMIT_BYTES};
	cr_assert_eq(prlimit(server.pid, RLIMIT_FSIZE, &limit, NULL), 0);
	kill(server.pid, SIGCONT);
}

static void check_failure(const char *options)
{
	start(options);
	for (unsigned i = 0; i < BOOKED; i++) {
		book(&connections[0], i);
	}
	for (int i = 0; i < CONNECTIONS; i++) {
		send_text(&connections[i], "PING\r\n");
		expect_line(&connections[i], "+PONG"); /* each worker knows its connections */
	}
	stop_for_now();
	for (int i = 0; i < CONNECTIONS; i++) {
		send_burst(i);
	}
	fail_the_log();

	for (int i = 0; i < CONNECTIONS; i++) {
		for (int reply = 0; reply < BURST; reply++) {
			expect_line(&connections[i],
				    "-MISCONF The log failed: what became of this request is not known");
		}
		struct span line;
		cr_assert_eq(connection_line(&connections[i], &line), CONNECTION_CLOSED, "and no reply more");
		connection_close(&connections[i]);
	}
	int status;
	cr_assert(server_wait(&server, &status, &error), "%s", error.text);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_LOG_FAILED, "status %#x", (unsigned)status);

	start(options);
	for (unsigned i = 0; i < BOOKED; i++) {
		book(&connections[0], i);
	}
	cr_assert(server_stop(&server, SIGTERM, &status, &error), "%s", error.text);
	cr_assert_eq(status, 0);
	for (int i = 0; i < CONNECTIONS; i++) {
		connection_close(&connections[i]);
	}
}

Test(log_failure, tells_everyone_that_the_outcome_is_not_known)
{
	check_failure("");
}

Test(log_failure, with_several_workers)
{
	check_failure("--threads 3");
}

Test(log_failure, without_io_uring)
{
	check_failure("--io posix --threads 2");
}

Test(log_failure, tells_who_waits_for_a_snapshot)
{
	start("");
	for (unsigned i = 0; i < BOOKED; i++) {
		book(&connections[0], i);
	}
	stop_for_now();
	send_text(&connections[0], "BOOK dr-kim 2031-02-01 09:00 client-1\r\n");
	send_text(&connections[1], "SNAPSHOT\r\nPING\r\n");
	fail_the_log();
	expect_line(&connections[0], "-MISCONF The log failed");
	struct span line;
	/* It may have been written before. */
	cr_assert_eq(connection_line(&connections[1], &line), CONNECTION_LINE);
	cr_assert_eq(connection_line(&connections[1], &line), CONNECTION_LINE);
	cr_assert_eq(connection_line(&connections[1], &line), CONNECTION_CLOSED);
	int status;
	cr_assert(server_wait(&server, &status, &error), "%s", error.text);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_LOG_FAILED, "status %#x", (unsigned)status);
	connection_close(&connections[0]);
	connection_close(&connections[1]);
}

Test(log_failure, does_not_wait_for_a_peer_that_takes_nothing)
{
	start("");
	for (unsigned i = 0; i < BOOKED; i++) {
		book(&connections[0], i);
	}
	/* More replies than the sockets hold, and nobody reads them. */
	static char text[1 << 20];
	for (size_t at = 0; at + 6 < sizeof text; at += 6) {
		memcpy(text + at, "HELP\r\n", 7);
	}
	struct connection *deaf = &connections[1];
	(void)send(deaf->fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
	stop_for_now();
	send_text(&connections[0], "BOOK dr-kim 2031-02-01 09:00 client-1\r\n");
	fail_the_log();
	expect_line(&connections[0], "-MISCONF The log failed");
	int status;
	cr_assert(server_wait(&server, &status, &error), "%s", error.text);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_LOG_FAILED, "status %#x", (unsigned)status);
	for (int i = 0; i < CONNECTIONS; i++) {
		connection_close(&connections[i]);
	}
}
