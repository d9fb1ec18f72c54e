/*
 * Proves: what slotd-replay --format resp prints leads an empty server to the same slots and the same holders, after
 * bookings, cancellations, closed and purged slots; and to the same session ids where nothing was cancelled.
 */
#include "replay_log.h"

#include <drive/connection.h>
#include <drive/server.h>
#include <signal.h>

/* Of two servers at most. */
static struct server original;
static struct server other;

static void start(struct server *server)
{
	struct error error;
	cr_assert(server_init(server, binaries, &error), "%s", error.text);
	snprintf(server->options, sizeof server->options, "--unlisted-slots yes");
	cr_assert(server_start(server, &error), "%s", error.text);
}

static void set_up(void)
{
	find_program();
	start(&original);
	start(&other);
}

static void tear_down(void)
{
	server_fini(&original, false);
	server_fini(&other, false);
}

TestSuite(replay_resp, .init = set_up, .fini = tear_down, .timeout = 60);

/* Everything the server answers to these bytes. */
static struct buffer talk(const struct server *server, struct span bytes)
{
	struct connection connection;
	struct error error;
	struct buffer answer = {0};
	struct span line;
	cr_assert(connection_open(&connection, server->port, &error), "%s", error.text);
	cr_assert(connection_send(&connection, bytes, &error), "%s", error.text);
	connection_finish(&connection);
	while (connection_line(&connection, &line) == CONNECTION_LINE) {
		buffer_add(&answer, line.at, line.size);
		buffer_add(&answer, "\n", 1);
	}
	buffer_add(&answer, "", 1);
	connection_close(&connection);
	return answer;
}

static void tell(const char *lines)
{
	struct buffer answer = talk(&original, span_of(lines));
	cr_assert_null(strchr((const char *)answer.at, '-'), "%s", (const char *)answer.at);
	buffer_fini(&answer);
}

/* Feeds the log of the one server to the other; no command is refused. */
static void rebuild(const char *arguments)
{
	snprintf(directory, sizeof directory, "%s", original.dir);
	cr_assert_eq(run(arguments), 0, "%s", output);
	struct buffer answer = talk(&other, span_of(output));
	cr_assert_neq(answer.at[0], '-', "%s", (const char *)answer.at);
	cr_assert_null(strstr((const char *)answer.at, "\n-"), "%s", (const char *)answer.at);
	buffer_fini(&answer);
}

/* Do both servers say the same? */
static void check_same(const char *lines)
{
	struct buffer one = talk(&original, span_of(lines));
	struct buffer two = talk(&other, span_of(lines));
	cr_assert_gt(one.size, 10);
	cr_assert_str_eq((const char *)two.at, (const char *)one.at);
	buffer_fini(&one);
	buffer_fini(&two);
}

/* Who holds a slot is told to whoever asks for it under the name: the holder gets an id, others TAKEN. */
#define ASK_ALL                                                                                                        \
	"SLOTS dr-lee 2031-01-06 2031-01-08 ALL\r\n"                                                                   \
	"SLOTS dr-kim 2031-01-06 2031-01-08 ALL\r\n"                                                                   \
	"CLAIM dr-lee 2031-01-06 09:00 client-1\r\n"                                                                   \
	"CLAIM dr-lee 2031-01-06 10:00 client-2\r\n"                                                                   \
	"CLAIM dr-kim 2031-01-07 08:00 client-3\r\n"

#define OPENINGS                                                                                                       \
	"OPEN dr-lee 2031-01-06 09:00 50 COUNT 5 EVERY 60\r\n"                                                         \
	"OPEN dr-kim 2031-01-07 08:00 30 COUNT 4 EVERY 30\r\n"                                                         \
	"BOOK dr-lee 2031-01-06 09:00 client-1\r\n"

Test(replay_resp, rebuilds_slots_holders_and_ids)
{
	tell(OPENINGS "BOOK dr-kim 2031-01-07 08:00 client-3\r\n"
		      "BOOK dr-lee 2031-01-06 10:00 client-2\r\n");
	rebuild("--format resp");
	check_same(ASK_ALL "BOOK dr-lee 2031-01-06 09:00 client-1\r\n"
			   "BOOK dr-kim 2031-01-07 08:00 client-3\r\nBOOK dr-lee 2031-01-06 10:00 client-2\r\n");
}

Test(replay_resp, rebuilds_what_cancellations_closings_and_purges_left)
{
	tell(OPENINGS "OPEN dr-lee 2020-01-06 09:00 50 COUNT 3 EVERY 60\r\n"
		      "BOOK dr-lee 2031-01-06 10:00 client-9\r\n"
		      "CANCEL 2 ill\r\n"
		      "BOOK dr-lee 2031-01-06 10:00 client-2\r\n"
		      "BOOK dr-lee 2031-01-06 11:00 client-1\r\n"
		      "CANCEL 4\r\n"
		      "CLOSE dr-lee 2031-01-06 12:00\r\n"
		      "BOOK dr-nobody 2031-01-06 12:34 client-1\r\n"
		      "PURGE BEFORE 2020-02-01\r\n"
		      "BOOK dr-kim 2031-01-07 08:00 client-3\r\n");
	rebuild("--format resp");
	check_same(ASK_ALL "SLOTS dr-nobody 2031-01-06 2031-01-06 ALL\r\n"
			   "CLAIM dr-nobody 2031-01-06 12:34 client-1\r\n"
			   "OPEN dr-lee 2020-01-10 09:00 50\r\n");
}

Test(replay_resp, rebuilds_the_state_as_of_an_lsn)
{
	tell(OPENINGS "CANCEL 1\r\nBOOK dr-lee 2031-01-06 09:00 client-2\r\n");
	rebuild("--format resp --end 3");
	struct buffer answer = talk(&other, span_of("CLAIM dr-lee 2031-01-06 09:00 client-2\r\n"
						    "CLAIM dr-lee 2031-01-06 09:00 client-1\r\n"));
	cr_assert_str_eq((const char *)answer.at, ":0\n:1\n");
	buffer_fini(&answer);
}

Test(replay_resp, prints_nothing_of_a_damaged_log)
{
	/* Two commits, so that the second proves the first. */
	tell(OPENINGS);
	tell("BOOK dr-lee 2031-01-06 10:00 client-2\r\n");
	int status;
	cr_assert(server_stop(&original, SIGTERM, &status, NULL));
	char command[600];
	snprintf(command, sizeof command,
		 "printf x | dd of=%s/wal-0000000000000001.slotd bs=1 seek=4200 conv=notrunc 2>&1", original.dir);
	cr_assert_eq(system(command), 0);
	snprintf(directory, sizeof directory, "%s", original.dir);
	cr_assert_eq(run("--format resp"), 1, "%s", output);
	cr_assert_null(strstr(output, "OPEN"));
}
