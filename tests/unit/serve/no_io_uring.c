/*
 * Proves: where io_uring is denied, the server comes up on the pwrite engine and says so, once in a line of its log and in
 * INFO, and keeps what it acknowledged across kill -9; told to use io_uring and nothing else, it does not start. Where memory
 * for rings is short, it comes up on io_uring if there is enough for all workers, and on pwrite if not.
 *
 * Denied by a seccomp filter on the server (drive/confine.h), with both answers that are met in the world.
 * tests/crash/crash.c --deny goes on from here with the kill -9 suite.
 */
#include <criterion/criterion.h>
#include <drive/connection.h>
#include <drive/server.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct server server;
static struct connection connection;
static struct error error;

static void tear_down(void)
{
	server_fini(&server, false);
}

TestSuite(no_io_uring, .fini = tear_down);

static void init(int errno_value, const char *options)
{
	cr_assert(server_init_for_unit(&server, &error), "%s", error.text);
	server.io_uring_errno = errno_value;
	snprintf(server.options, sizeof server.options, "%s", options);
}

static void start(void)
{
	cr_assert(server_start(&server, &error), "%s", error.text);
	cr_assert(connection_open(&connection, server.port, &error), "%s", error.text);
}

static void stop(int signal)
{
	int status;
	connection_close(&connection);
	cr_assert(server_stop(&server, signal, &status, &error), "%s", error.text);
}

static void send_line(const char *request)
{
	char text[128];
	snprintf(text, sizeof text, "%s\r\n", request);
	cr_assert(connection_send(&connection, span_of(text), &error), "%s", error.text);
}

static void expect(const char *request, const char *answer)
{
	struct span line;
	send_line(request);
	cr_assert_eq(connection_line(&connection, &line), CONNECTION_LINE);
	cr_assert(span_equal(line, span_of(answer)), "%s: %.*s", request, (int)line.size, (const char *)line.at);
}

static void expect_engine(const char *engine)
{
	char wanted[64];
	struct span line;
	snprintf(wanted, sizeof wanted, "wal_engine:%s", engine);
	send_line("INFO");
	do {
		cr_assert_eq(connection_line(&connection, &line), CONNECTION_LINE, "INFO has no %s", wanted);
	} while (!span_equal(line, span_of(wanted)));
	connection_close(&connection);
	cr_assert(connection_open(&connection, server.port, &error), "%s", error.text);
}

/* In how many lines of its output the server says this. */
static unsigned said(const char *what)
{
	FILE *output = fopen(server.output, "r");
	cr_assert_not_null(output);
	unsigned count = 0;
	char line[1024];
	while (fgets(line, sizeof line, output) != NULL) {
		count += strstr(line, what) != NULL;
	}
	fclose(output);
	return count;
}

static void comes_up_on_pwrite(int errno_value, const char *reason)
{
	init(errno_value, "--unlisted-slots yes");
	start();
	cr_assert_eq(said("io_uring is not available, running on epoll and pwrite with the same durability"), 1);
	cr_assert_eq(said(reason), 1);
	expect_engine("pwrite");
	expect("BOOK dr-lee 2031-01-06 09:00 client-1", ":1");
	stop(SIGKILL);
	start();
	expect_engine("pwrite");
	expect("BOOK dr-lee 2031-01-06 09:00 client-1", ":1");
	expect("CLAIM dr-lee 2031-01-06 09:00 client-2", ":0");
	stop(SIGTERM);
}

Test(no_io_uring, denied_it_comes_up_on_pwrite_and_says_so)
{
	comes_up_on_pwrite(EPERM, "io_uring is denied here");
}

Test(no_io_uring, hidden_it_comes_up_on_pwrite_and_says_so)
{
	comes_up_on_pwrite(ENOSYS, "this kernel has no io_uring, or a seccomp profile hides it");
}

Test(no_io_uring, told_to_use_nothing_else_it_does_not_start)
{
	init(EPERM, "--io io_uring");
	cr_assert_not(server_start(&server, &error));
	cr_assert_eq(said("io_uring is denied here"), 1);
}

/* As nobody, who may lock 64 KiB. */
static void with_little_memory(const char *options, const char *engine)
{
	init(0, options);
	server.unprivileged = true;
	start();
	expect_engine(engine);
	stop(SIGTERM);
}

/* One after the other: the limit is that of all processes of a user. */
Test(no_io_uring, little_memory_is_enough_for_two_workers_or_none)
{
	if (geteuid() != 0) {
		fputs("SKIPPED: no_io_uring needs root, to become nobody\n", stderr);
		cr_skip_test("needs root, to become nobody");
	}
	with_little_memory("--threads 2", "io_uring");
	cr_assert_eq(said("io_uring is not available"), 0);
	server_fini(&server, false);
	with_little_memory("--threads 3", "pwrite");
	cr_assert_eq(said("raise the limit of locked memory"), 1);
}
