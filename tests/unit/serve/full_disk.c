/*
 * Proves: I5 on a file system that is really full, a tmpfs of the test's own: what writes is refused with a clear code,
 * reading goes on, nothing acknowledged is lost, and bookings work again, without a restart, when there is space.
 *
 * Mounting needs root; without it the test says that it was skipped.
 */
#include <criterion/criterion.h>
#include <drive/connection.h>
#include <drive/server.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLOTS_A_DAY 1440

static struct server server;
static struct connection connection;
static struct error error;
static char line[512];

/* Also after a failure: nothing stays mounted. */
static void tear_down(void)
{
	if (server.dir[0] == '\0') {
		return;
	}
	int status;
	if (server.pid != 0) {
		server_stop(&server, SIGKILL, &status, &error);
	}
	/* Detached: the ring of the server that has just ended may keep the file system busy for a moment. */
	umount2(server.dir, MNT_DETACH);
	server_fini(&server, false);
}

TestSuite(full_disk, .fini = tear_down);

static void mount_full(const char *size, unsigned long flags)
{
	char options[64];
	snprintf(options, sizeof options, "size=%s,mode=0700", size);
	cr_assert_eq(mount("tmpfs", server.dir, "tmpfs", flags, options), 0);
}

static const char *ask(const char *request)
{
	char text[512];
	snprintf(text, sizeof text, "%s\r\n", request);
	cr_assert(connection_send(&connection, span_of(text), &error), "%s", error.text);
	struct span got;
	cr_assert_eq(connection_line(&connection, &got), CONNECTION_LINE);
	snprintf(line, sizeof line, "%.*s", (int)got.size, (const char *)got.at);
	return line;
}

/* All lines of the answer, with blanks between. */
static const char *ask_all(const char *request)
{
	static char text[1024];
	size_t size = 0;
	struct span got;
	ask(request);
	cr_assert(connection_send(&connection, span_of("PING\r\n"), &error), "%s", error.text);
	size += (size_t)snprintf(text, sizeof text, "%s", line);
	while (connection_line(&connection, &got) == CONNECTION_LINE && !span_is(got, "+PONG")) {
		size += (size_t)snprintf(text + size, sizeof text - size, " %.*s", (int)got.size, (const char *)got.at);
		cr_assert_lt(size, sizeof text);
	}
	return text;
}

/* What is kept for a psychologist, and can be asked for. */
static void keep(void)
{
	cr_assert_str_eq(ask("HOURS SET dr-kim UTC 50 10"), "+OK");
	cr_assert_str_eq(ask("CALENDAR SET dr-kim https://calendar.example/"), "+OK");
	cr_assert_str_eq(ask_all("BUSY dr-kim google 1 2031-01-05T00:00 2031-01-06T00:00"), "*3 :0 :0 :0");
}

/* Reading goes on, also of what is kept, by commands that write with other words. */
static void check_reads(void)
{
	cr_assert_str_eq(ask("PING"), "+PONG");
	cr_assert_str_eq(ask("SLOTS dr-lee 2031-01-31"), "*0");
	cr_assert_str_eq(ask_all("HOURS GET dr-kim"), "*3 $3 UTC $2 50 $2 10");
	cr_assert_str_eq(ask_all("CALENDAR GET dr-kim"), "$25 https://calendar.example/");
	cr_assert_str_eq(ask_all("calendar get"), "*1 *2 $6 dr-kim $25 https://calendar.example/");
	cr_assert_not_null(strstr(ask_all("BUSY dr-kim"), "$6 google $10 generation :1 "));
	cr_assert_eq(strncmp(ask("HOURS DEL dr-kim"), "-MISCONF ", 9), 0, "%s", line);
	cr_assert_eq(strncmp(ask("CALENDAR DEL dr-kim"), "-MISCONF ", 9), 0, "%s", line);
	cr_assert_eq(strncmp(ask("BUSY dr-kim google 2 2031-01-05T00:00 2031-01-06T00:00"), "-MISCONF ", 9), 0, "%s",
		     line);
}

/* Books slot after slot from *next on until one is refused or `most` are booked; returns how many were. */
static unsigned book(unsigned *next, unsigned most)
{
	for (unsigned booked = 0; booked < most; booked++, (*next)++) {
		char request[128];
		snprintf(request, sizeof request, "BOOK dr-lee 2031-01-%02u %02u:%02u client-%u",
			 1 + *next / SLOTS_A_DAY, *next % SLOTS_A_DAY / 60, *next % 60, *next);
		if (ask(request)[0] != ':') {
			return booked;
		}
	}
	return most;
}

static void check_refusals(void)
{
	cr_assert_eq(strncmp(line, "-MISCONF No space left for the log", 34), 0, "%s", line);
	cr_assert_eq(strncmp(ask("CANCEL 1"), "-MISCONF ", 9), 0, "%s", line);
	cr_assert_eq(strncmp(ask("OPEN dr-kim 2031-01-01 09:00 50"), "-MISCONF ", 9), 0, "%s", line);
	check_reads();
}

/* Asks until a booking is taken: the server looks for space once a second. */
static void book_when_there_is_space(unsigned *next)
{
	for (int i = 0; i < 1000000; i++) {
		if (book(next, 1) == 1) {
			return;
		}
	}
	cr_assert_fail("still refused: %s", line);
}

static void fill_and_make_space(const char *options)
{
	if (geteuid() != 0) {
		fputs("SKIPPED: full_disk needs root, to mount a small tmpfs\n", stderr);
		cr_skip_test("needs root, to mount a small tmpfs");
	}
	cr_assert(server_init_for_unit(&server, &error), "%s", error.text);
	snprintf(server.options, sizeof server.options, "--unlisted-slots yes %s", options);
	mkdir(server.dir, 0700);
	mount_full("1200k", 0); /* a segment, and not another */
	cr_assert(server_start(&server, &error), "%s", error.text);
	cr_assert(connection_open(&connection, server.port, &error), "%s", error.text);

	keep();
	unsigned next = 0;
	unsigned booked = book(&next, 20000);
	cr_assert_gt(booked, 100);
	cr_assert_lt(booked, 300, "1 MiB of blocks of 4 KiB");
	check_refusals();

	mount_full("8m", MS_REMOUNT);
	book_when_there_is_space(&next);
	booked += 1 + book(&next, 200);
	connection_close(&connection);

	int status;
	cr_assert(server_stop(&server, SIGKILL, &status, &error), "%s", error.text);
	cr_assert(server_start(&server, &error), "%s", error.text);
	cr_assert(connection_open(&connection, server.port, &error), "%s", error.text);
	char request[64];
	snprintf(request, sizeof request, "CANCEL %u", booked);
	cr_assert_str_eq(ask(request), "+OK", "the newest booking is there");
	snprintf(request, sizeof request, "CANCEL %u", booked + 1);
	cr_assert_eq(strncmp(ask(request), "-NOSESSION", 10), 0, "and no other: %s", line);
	connection_close(&connection);
	cr_assert(server_stop(&server, SIGTERM, &status, &error), "%s", error.text);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

Test(full_disk, refuses_bookings_reads_on_and_books_again_when_there_is_space)
{
	fill_and_make_space("");
}

Test(full_disk, with_several_workers)
{
	fill_and_make_space("--threads 3");
}

Test(full_disk, without_io_uring)
{
	fill_and_make_space("--io posix");
}
