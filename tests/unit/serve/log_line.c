/*
 * Proves that a line of the server's log is one write, is logfmt whatever is put into it, and obeys level and journal.
 *
 * Method: stderr is a pipe of message kind (SOCK_SEQPACKET), where each write is received on its own.
 */
#include <criterion/criterion.h>
#include <regex.h>
#include <serve/log_line.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int receiver;
static int saved_stderr;

static void init(void)
{
	int ends[2];
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	receiver = ends[0];
	saved_stderr = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	unsetenv("JOURNAL_STREAM");
}

static void fini(void)
{
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	close(receiver);
}

TestSuite(log_line, .init = init, .fini = fini);

/* The next line that was written; "" if there is none. */
static const char *received(void)
{
	static char line[4096];
	const ssize_t size = recv(receiver, line, sizeof line - 1, MSG_DONTWAIT);
	line[size > 0 ? size : 0] = '\0';
	return line;
}

static void expect_match(const char *pattern)
{
	regex_t regex;
	cr_assert_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	const char *line = received();
	cr_assert_eq(regexec(&regex, line, 0, NULL, 0), 0, "%s", line);
	regfree(&regex);
}

#define TIME "^ts=[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z "

Test(log_line, a_line_has_time_level_message_and_pairs)
{
	log_line(LOG_INFO, "ready", "port=%d dir=%s", 5545, "slotd-data");
	expect_match(TIME "level=info msg=\"ready\" port=5545 dir=slotd-data\n$");
	log_line(LOG_ERROR, "no pairs", "");
	expect_match(TIME "level=error msg=\"no pairs\"\n$");
}

Test(log_line, what_is_put_in_cannot_make_another_line)
{
	log_line(LOG_WARNING, "a \"quoted\" \\ word\nlevel=info", "error=\"%s\"", "x\ny\x01\x7f");
	expect_match(TIME "level=warning msg=\"a \\\\\"quoted\\\\\" \\\\\\\\ word\\\\nlevel=info\" "
			  "error=\"x\\\\ny\\\\x01\\\\x7f\"\n$");
}

Test(log_line, less_than_the_level_is_not_written)
{
	log_line(LOG_DEBUG, "quiet", "");
	cr_assert_str_eq(received(), "");
	log_line_level(LOG_DEBUG);
	log_line(LOG_DEBUG, "heard", "");
	expect_match("heard");
	log_line_level(LOG_ERROR);
	log_line(LOG_WARNING, "quiet", "");
	cr_assert_str_eq(received(), "");
	log_line_level(LOG_INFO);
}

Test(log_line, a_long_line_is_cut_and_ends)
{
	log_line(LOG_INFO, "long", "x=%05000d", 7);
	const char *line = received();
	cr_assert_eq(strlen(line), 2048);
	cr_assert_eq(line[2047], '\n');
}

Test(log_line, the_journal_gets_a_priority_and_no_time)
{
	struct stat status;
	char journal[64];
	cr_assert_eq(fstat(STDERR_FILENO, &status), 0);
	snprintf(journal, sizeof journal, "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
	setenv("JOURNAL_STREAM", journal, 1);
	log_line(LOG_WARNING, "hello", "");
	cr_assert_str_eq(received(), "<4>level=warning msg=\"hello\"\n");
	snprintf(journal, sizeof journal, "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino + 1);
	setenv("JOURNAL_STREAM", journal, 1); /* stderr was sent elsewhere since */
	log_line(LOG_WARNING, "hello", "");
	expect_match(TIME);
	unsetenv("JOURNAL_STREAM");
}
