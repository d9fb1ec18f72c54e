/*
 * Proves: slotd-replay prints what was appended, calls a sound log sound while somebody writes it and a damaged one
 * damaged, and never changes anything. And that the log works over the real disk port. The program is run as people run
 * it, on a log in a directory of the test's own.
 */
#include "replay_log.h"

#include <fcntl.h>

#define SEGMENT_1 "wal-0000000000000001.slotd"

static void set_up(void)
{
	make_directory();
	open_log();
	const struct record open = opening();
	const struct record book = booking("client-1", SESSION_1);
	const struct record cancel = {
	    .type = RECORD_CANCEL,
	    .at_ms = 1700000002000,
	    .session = SESSION_1,
	    .day = 22250,
	    .reason = {(const uint8_t *)"no \"time\"\n\xc3\xa9\xff", 13},
	};
	append(&open);
	append(&book);
	append(&cancel);
}

TestSuite(slotd_replay, .init = set_up, .fini = remove_directory);

static int segment_file(void)
{
	char path[600];
	snprintf(path, sizeof path, "%s/" SEGMENT_1, directory);
	const int file = open(path, O_RDWR);
	cr_assert_geq(file, 0);
	return file;
}

Test(slotd_replay, prints_a_line_a_record)
{
	cr_assert_eq(run(""), 0);
	cr_assert_str_eq(
	    output, "1 2023-11-14T22:13:20.123Z OPEN psychologist=dr-lee minutes=50 "
		    "slots=2030-12-02T09:00,2030-12-02T10:00\n"
		    "2 2023-11-14T22:13:21.000Z BOOK session=4294967297 psychologist=dr-lee date=2030-12-02 time=09:00 "
		    "minutes=50 client=client-1\n"
		    "3 2023-11-14T22:13:22.000Z CANCEL session=4294967297 date=2030-12-02 "
		    "reason=\"no \\\"time\\\"\\u000a\xc3\xa9\\ufffd\"\n");
}

Test(slotd_replay, prints_an_object_a_record_in_json)
{
	cr_assert_eq(run("--format json"), 0);
	cr_assert_str_eq(output,
			 "{\"lsn\":1,\"at\":\"2023-11-14T22:13:20.123Z\",\"type\":\"OPEN\",\"psychologist\":\"dr-lee\","
			 "\"minutes\":50,\"slots\":[\"2030-12-02T09:00\",\"2030-12-02T10:00\"]}\n"
			 "{\"lsn\":2,\"at\":\"2023-11-14T22:13:21.000Z\",\"type\":\"BOOK\",\"session\":4294967297,"
			 "\"psychologist\":\"dr-lee\",\"date\":\"2030-12-02\",\"time\":\"09:00\",\"minutes\":50,"
			 "\"client\":\"client-1\",\"unlisted\":false}\n"
			 "{\"lsn\":3,\"at\":\"2023-11-14T22:13:22.000Z\",\"type\":\"CANCEL\",\"session\":4294967297,"
			 "\"date\":\"2030-12-02\",\"reason\":\"no \\\"time\\\"\\u000a\xc3\xa9\\ufffd\"}\n");
}

Test(slotd_replay, finds_the_log_of_somebody_who_holds_it_sound)
{
	cr_assert_eq(run("--verify"), 0);
	cr_assert_str_eq(output, "sound: records=3 last_lsn=3 blocks=3 segments=1\n");
	cr_assert_eq(run("--verify --quiet"), 0);
	cr_assert_str_eq(output, "");
}

Test(slotd_replay, counts)
{
	cr_assert_eq(run("--stats"), 0);
	cr_assert_not_null(strstr(output, "BOOK                  1             48\n"), "%s", output);
	cr_assert_not_null(strstr(output, "lsn        1 to 3\n"), "%s", output);
	cr_assert_eq(run("--stats --format json"), 0);
	cr_assert_not_null(strstr(output, "\"BOOK\":{\"records\":1,\"bytes\":48}"), "%s", output);
	cr_assert_not_null(strstr(output, "\"last_at\":\"2023-11-14T22:13:22.000Z\""), "%s", output);
}

Test(slotd_replay, leaves_a_torn_tail_alone_and_calls_it_sound)
{
	close_log();
	const int file = segment_file();
	static const char half[] = "half a batch";
	const off_t offset = SEGMENT_HEADER_SIZE + 3 * BLOCK_ALIGN;
	cr_assert_eq(pwrite(file, half, sizeof half, offset), sizeof half);
	cr_assert_eq(run("--verify"), 0);
	cr_assert_not_null(strstr(output, SEGMENT_1 ", offset 16384: 4096 bytes of a batch"), "%s", output);
	char again[sizeof half];
	cr_assert_eq(pread(file, again, sizeof again, offset), sizeof again);
	cr_assert_arr_eq(again, half, sizeof half);
	close(file);
}

Test(slotd_replay, says_where_a_log_is_damaged)
{
	close_log();
	const int file = segment_file();
	const off_t offset = SEGMENT_HEADER_SIZE + BLOCK_ALIGN + 70;
	char byte;
	cr_assert_eq(pread(file, &byte, 1, offset), 1);
	byte ^= 1;
	cr_assert_eq(pwrite(file, &byte, 1, offset), 1);
	close(file);
	cr_assert_eq(run("--verify"), 1);
	cr_assert_not_null(strstr(output, SEGMENT_1 ", offset 8192: "), "%s", output);
	cr_assert_not_null(strstr(output, "lsn 2;"), "%s", output);
	cr_assert_eq(run("--quiet"), 1, "without --verify, too");
}

Test(slotd_replay, finds_a_slot_that_is_taken_twice)
{
	const struct record first = booking("client-2", SESSION_2);
	const struct record second = booking("client-3", SESSION_2 + 1);
	append(&first);
	cr_assert_eq(run("--verify"), 0, "%s", output);
	append(&second);
	cr_assert_eq(run("--verify"), 1);
	cr_assert_not_null(strstr(output, "lsn 5: "), "%s", output);
	cr_assert_eq(run("--quiet"), 0, "the bytes are sound, only their meaning is not");
}

Test(slotd_replay, says_how_to_use_it)
{
	cr_assert_eq(run("--help"), 0);
	cr_assert_not_null(strstr(output, "usage: slotd-replay DIR"));
	cr_assert_eq(run("--format yaml"), 2);
	cr_assert_eq(run("--frobnicate"), 2);
	cr_assert_eq(run("another-directory"), 2);
	cr_assert_eq(run_on("/nonexistent/slotd", ""), 2);
	cr_assert_eq(run_on("", "--verify"), 2);
}

/* As run, but with a terminal for the outputs (and for nothing else) of the program. */
static void run_on_terminal(const char *arguments)
{
	char command[sizeof program + 600];
	snprintf(command, sizeof command, "script -qec '%s %s %s' /dev/null </dev/null", program, directory, arguments);
	FILE *pipe = popen(command, "r");
	cr_assert_not_null(pipe);
	output[fread(output, 1, sizeof output - 1, pipe)] = '\0';
	cr_assert_eq(pclose(pipe), 0, "%s", output);
}

Test(slotd_replay, says_how_far_it_is_to_people_only)
{
	run_on_terminal("--verify");
	cr_assert_not_null(strstr(output, "\rread 0.0 MB of log in "), "%s", output);
	run_on_terminal("");
	cr_assert_null(strstr(output, "MB"), "not between the lines that are shown: %s", output);
	cr_assert_eq(run("--verify"), 0);
	cr_assert_null(strstr(output, "MB"), "not to a program: %s", output);
}

Test(slotd_replay, the_directory_has_one_writer)
{
	struct disk second;
	struct error error = {0};
	cr_assert(disk_posix_open(&second, directory, DISK_READ_WRITE, &error), "%s", error.text);
	cr_assert(!second.lock(second.context, &error));
	cr_assert_eq(error.code, ERROR_IN_USE);
	disk_posix_close(&second);
}

/* data/golden/vN was written by a slotd of that format version, and ended by kill -9. */
static void check_printed_as(const char *where, const char *arguments, const char *path)
{
	static char expected[sizeof output];
	FILE *file = fopen(path, "re");
	cr_assert_not_null(file);
	expected[fread(expected, 1, sizeof expected - 1, file)] = '\0';
	fclose(file);
	cr_assert_eq(run_on(where, arguments), 0);
	cr_assert_str_eq(output, expected);
}

Test(slotd_replay, reads_the_log_of_version_1)
{
	check_printed_as("data/golden/v1", "", "data/golden/v1.txt");
	cr_assert_eq(run_on("data/golden/v1", "--verify"), 0);
	cr_assert_str_eq(output, "sound: records=7 last_lsn=7 blocks=7 segments=1\n");
}

/* With heartbeats, and a snapshot. */
Test(slotd_replay, reads_the_log_and_the_snapshot_of_version_2)
{
	check_printed_as("data/golden/v2", "", "data/golden/v2.txt");
	check_printed_as("data/golden/v2", "--dump", "data/golden/v2-dump.txt");
	cr_assert_eq(run_on("data/golden/v2", "--verify"), 0);
	cr_assert_str_eq(output, "sound: records=7 last_lsn=7 blocks=10 segments=1\n"
				 "from a snapshot: lsn=6 slots=3 sessions=2 bytes=24576\n");
}

/* With groups, holds, and what became of sessions. */
Test(slotd_replay, reads_the_log_and_the_snapshot_of_version_3)
{
	check_printed_as("data/golden/v3", "", "data/golden/v3.txt");
	check_printed_as("data/golden/v3", "--dump", "data/golden/v3-dump.txt");
	cr_assert_eq(run_on("data/golden/v3", "--verify"), 0);
}

/* With sessions that moved, and calendars. */
Test(slotd_replay, reads_the_log_and_the_snapshot_of_version_4)
{
	check_printed_as("data/golden/v4", "", "data/golden/v4.txt");
	check_printed_as("data/golden/v4", "--dump", "data/golden/v4-dump.txt");
	cr_assert_eq(run_on("data/golden/v4", "--verify"), 0);
}

/* With imported sessions, weekly hours, and a session that moves in a MULTI. */
Test(slotd_replay, reads_the_log_and_the_snapshot_of_version_5)
{
	check_printed_as("data/golden/v5", "", "data/golden/v5.txt");
	check_printed_as("data/golden/v5", "--dump", "data/golden/v5-dump.txt");
	cr_assert_eq(run_on("data/golden/v5", "--verify"), 0);
}
