/*
 * Proves: a disk that does not answer is no failure. Whoever waits for a commit goes on waiting; what else writes is refused
 * with a clear code once commit-timeout has passed; reading goes on, INFO and the log say it; and when the disk answers,
 * so does the server, without a restart.
 *
 * Method: the data lies on an ext4 of the test's own, which is frozen (FIFREEZE: writes wait, nothing fails).
 * Mounting needs root; without it, or without loop devices, the test says that it was skipped.
 */
#include <criterion/criterion.h>
#include <drive/connection.h>
#include <drive/server.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct server server;
static struct error error;
static struct connection waiter;
static struct connection asker;
static struct connection reader;
static char line[512];
static char data[SERVER_PATH_SIZE + 8]; /* where the file system is mounted */
static int frozen = -1;

static void thaw(void)
{
	if (frozen >= 0) {
		cr_assert_eq(ioctl(frozen, FITHAW, 0), 0);
		close(frozen);
		frozen = -1;
	}
}

static void freeze(void)
{
	frozen = open(data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(frozen, 0);
	cr_assert_eq(ioctl(frozen, FIFREEZE, 0), 0);
}

/* Also after a failure: nothing stays frozen or mounted. */
static void tear_down(void)
{
	if (server.root[0] == '\0') {
		return;
	}
	thaw();
	int status;
	if (server.pid != 0) {
		server_stop(&server, SIGKILL, &status, &error);
	}
	umount2(data, MNT_DETACH); /* as in full_disk.c */
	server_fini(&server, false);
}

TestSuite(stuck_disk, .fini = tear_down, .timeout = 120);

static void send_text(struct connection *connection, const char *request)
{
	char text[512];
	snprintf(text, sizeof text, "%s\r\n", request);
	cr_assert(connection_send(connection, span_of(text), &error), "%s", error.text);
}

static const char *receive(struct connection *connection)
{
	struct span got;
	cr_assert_eq(connection_line(connection, &got), CONNECTION_LINE);
	snprintf(line, sizeof line, "%.*s", (int)got.size, (const char *)got.at);
	return line;
}

static const char *ask(const char *request)
{
	send_text(&asker, request);
	return receive(&asker);
}

static bool has_answer(const struct connection *connection)
{
	struct pollfd wait = {.fd = connection->fd, .events = POLLIN};
	return poll(&wait, 1, 0) > 0;
}

static bool begins(const char *text)
{
	return strncmp(line, text, strlen(text)) == 0;
}

/* What INFO says of the name. */
static long info(const char *name)
{
	const size_t size = strlen(name);
	long value = -1;
	ask("INFO log");
	do {
		receive(&asker);
		if (strncmp(line, name, size) == 0 && line[size] == ':') {
			value = strtol(line + size + 1, NULL, 10);
		}
	} while (!begins("snapshot_last_ms"));
	receive(&asker); /* the end of the bulk string */
	return value;
}

static size_t count_lines(const char *message)
{
	char command[8 * SERVER_PATH_SIZE];
	snprintf(command, sizeof command, "grep -c 'msg=\"%s' '%s'", message, server.output);
	FILE *pipe = popen(command, "r");
	size_t count = 0;
	cr_assert_eq(fscanf(pipe, "%zu", &count), 1);
	pclose(pipe);
	return count;
}

static void set_up(const char *options)
{
	if (geteuid() != 0) {
		fputs("SKIPPED: stuck_disk needs root, to mount a file system\n", stderr);
		cr_skip_test("needs root, to mount a file system");
	}
	char bin[SERVER_PATH_SIZE] = {0};
	cr_assert_gt(readlink("/proc/self/exe", bin, sizeof bin - 1), 0);
	for (int up = 0; up < 3; up++) {
		*strrchr(bin, '/') = '\0';
	}
	cr_assert(server_init(&server, bin, &error), "%s", error.text);
	snprintf(data, sizeof data, "%s/disk", server.root);
	cr_assert_eq(mkdir(data, 0700), 0);
	char command[8 * SERVER_PATH_SIZE];
	snprintf(command, sizeof command,
		 "cd '%s' && truncate -s 64M image && mkfs.ext4 -q image && mount -o loop image disk", server.root);
	if (system(command) != 0) {
		fputs("SKIPPED: stuck_disk needs loop devices and mkfs.ext4\n", stderr);
		cr_skip_test("needs loop devices and mkfs.ext4");
	}
	snprintf(server.dir, sizeof server.dir, "%.240s/disk/data", server.root);
	snprintf(server.options, sizeof server.options, "--unlisted-slots yes --commit-timeout 1 %s", options);
	cr_assert(server_start(&server, &error), "%s", error.text);
	cr_assert(connection_open(&asker, server.port, &error), "%s", error.text);
	cr_assert(connection_open(&waiter, server.port, &error), "%s", error.text);
	cr_assert(connection_open(&reader, server.port, &error), "%s", error.text);
}

/* The rest of the answer to SLOT, of whose session it is. */
static void receive_session(struct connection *connection, const char *session)
{
	while (receive(connection)[0] != ':' || line[1] == '0') { /* an unlisted slot has 0 minutes */
	}
	cr_assert_str_eq(line, session);
}

static void check_while_stuck(void)
{
	cr_assert_geq(info("wal_stuck_seconds"), 1);
	cr_assert_eq(info("wal_durable_lsn"), 1);
	ask("BOOK dr-lee 2031-01-06 11:00 client-3");
	cr_assert(begins("-MISCONF The disk of the log does not answer"), "%s", line);
	ask("CANCEL 1");
	cr_assert(begins("-MISCONF "), "%s", line);
	ask("SLOT dr-lee 2031-01-06 09:00");
	receive_session(&asker, ":1");
	cr_assert(!has_answer(&waiter), "its outcome is not known yet");
	cr_assert(!has_answer(&reader), "nor what it asked for");
	cr_assert_eq(count_lines("the disk of the log does not answer"), 1);
}

static void check_afterwards(void)
{
	cr_assert_str_eq(receive(&waiter), ":2");
	receive_session(&reader, ":2");
	cr_assert_str_eq(ask("BOOK dr-lee 2031-01-06 11:00 client-3"), ":3");
	cr_assert_eq(info("wal_stuck"), 0);
	cr_assert_eq(info("wal_stuck_seconds"), 0);
	cr_assert_eq(count_lines("the disk of the log answers again"), 1);
}

static void check_stuck(const char *options)
{
	set_up(options);
	cr_assert_str_eq(ask("BOOK dr-lee 2031-01-06 09:00 client-1"), ":1");
	freeze();
	send_text(&waiter, "BOOK dr-lee 2031-01-06 10:00 client-2");
	while (info("wal_appended_lsn") == 1) {
	}
	send_text(&reader, "SLOT dr-lee 2031-01-06 10:00");
	while (info("wal_stuck") == 0) {
	}
	check_while_stuck();
	thaw();
	check_afterwards();

	int status;
	connection_close(&asker);
	cr_assert(server_stop(&server, SIGKILL, &status, &error), "%s", error.text);
	cr_assert(server_start(&server, &error), "%s", error.text);
	cr_assert(connection_open(&asker, server.port, &error), "%s", error.text);
	cr_assert_str_eq(ask("BOOK dr-lee 2031-01-06 10:00 client-2"), ":2");
	cr_assert_str_eq(ask("BOOK dr-lee 2031-01-06 11:00 client-3"), ":3");
	connection_close(&asker);
	connection_close(&waiter);
	connection_close(&reader);
	cr_assert(server_stop(&server, SIGTERM, &status, &error), "%s", error.text);
	cr_assert_eq(status, 0);
}

Test(stuck_disk, refuses_bookings_reads_on_and_goes_on_when_the_disk_does)
{
	check_stuck("");
}

Test(stuck_disk, with_several_workers)
{
	check_stuck("--threads 3");
}

Test(stuck_disk, without_io_uring)
{
	check_stuck("--io posix");
}
