/*
 * Proves: slotd-replay --follow shows what a writer appends, in order and once, across segments, and ends with 0 on
 * SIGINT; what is torn or on its way is waited for, what is damaged is refused.
 */
#include "replay_log.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/pidfd.h>

#define WAIT_MS 20000

static pid_t follower;
static int follower_output;

static void set_up(void)
{
	segment_size = 8 * DISK_ALIGN;
	make_directory();
	open_log();
}

static void tear_down(void)
{
	if (follower != 0) {
		kill(follower, SIGKILL);
		waitpid(follower, NULL, 0);
	}
	remove_directory();
}

TestSuite(replay_follow, .init = set_up, .fini = tear_down);

static void follow(const char *option)
{
	int ends[2];
	cr_assert_eq(pipe(ends), 0);
	follower = fork();
	if (follower == 0) {
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		close(ends[0]);
		close(ends[1]);
		execl(program, program, directory, "--follow", option, NULL);
		_exit(127);
	}
	close(ends[1]);
	follower_output = ends[0];
}

/* The next line it prints; NULL when it has ended. */
static const char *next_line(void)
{
	static char line[1024];
	size_t size = 0;
	for (;;) {
		struct pollfd waits = {.fd = follower_output, .events = POLLIN};
		cr_assert_eq(poll(&waits, 1, WAIT_MS), 1, "nothing is shown");
		if (read(follower_output, line + size, 1) != 1) {
			return NULL;
		}
		if (line[size] == '\n') {
			line[size] = '\0';
			return line;
		}
		cr_assert_lt(++size, sizeof line);
	}
}

static int wait_for_end(void)
{
	int status;
	const int process = pidfd_open(follower, 0);
	struct pollfd waits = {.fd = process, .events = POLLIN};
	cr_assert_eq(poll(&waits, 1, WAIT_MS), 1, "it does not end");
	close(process);
	waitpid(follower, &status, 0);
	follower = 0;
	cr_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void append_one(uint64_t session)
{
	const struct record book = booking("client-1", session);
	append(&book);
}

static void check_shown(uint64_t lsn)
{
	const char *line = next_line();
	cr_assert_not_null(line);
	cr_assert_eq(strtoull(line, NULL, 10), lsn, "not lsn %llu: %s", (unsigned long long)lsn, line);
}

Test(replay_follow, shows_each_record_when_it_is_durable_across_segments)
{
	append_one(1);
	follow("--format=text");
	check_shown(1);
	/* Four segments and more; each is shown before the next is appended, so the newest is never held back. */
	for (uint64_t lsn = 2; lsn <= 30; lsn++) {
		append_one(lsn);
		check_shown(lsn);
	}
	/* And many at once. */
	for (uint64_t lsn = 31; lsn <= 60; lsn++) {
		append_one(lsn);
	}
	for (uint64_t lsn = 31; lsn <= 60; lsn++) {
		check_shown(lsn);
	}
	cr_assert_eq(kill(follower, SIGINT), 0);
	cr_assert_null(next_line(), "and nothing else");
	cr_assert_eq(wait_for_end(), 0);
}

Test(replay_follow, ends_where_it_was_asked_to)
{
	follow("--limit=3");
	for (uint64_t lsn = 1; lsn <= 5; lsn++) {
		append_one(lsn);
	}
	check_shown(1);
	check_shown(2);
	check_shown(3);
	cr_assert_null(next_line());
	cr_assert_eq(wait_for_end(), 0);
}

/* Changes a byte of the first segment. */
static void patch(off_t offset, uint8_t flip)
{
	char path[600];
	uint8_t byte;
	snprintf(path, sizeof path, "%s/wal-0000000000000001.slotd", directory);
	const int file = open(path, O_RDWR | O_CLOEXEC);
	cr_assert_geq(file, 0);
	cr_assert_eq(pread(file, &byte, 1, offset), 1);
	byte ^= flip;
	cr_assert_eq(pwrite(file, &byte, 1, offset), 1);
	close(file);
}

Test(replay_follow, a_torn_block_is_waited_for)
{
	append_one(1);
	append_one(2);
	close_log();
	const off_t second = SEGMENT_HEADER_SIZE + BLOCK_ALIGN + 70;
	patch(second, 1);
	follow("--format=text");
	check_shown(1);
	struct pollfd waits = {.fd = follower_output, .events = POLLIN};
	cr_assert_eq(poll(&waits, 1, 300), 0, "half a block is nothing to show, and no damage");
	patch(second, 1);
	check_shown(2);
	kill(follower, SIGINT);
	cr_assert_eq(wait_for_end(), 0);
}

Test(replay_follow, damage_is_refused_all_the_same)
{
	append_one(1);
	append_one(2);
	append_one(3);
	patch(SEGMENT_HEADER_SIZE + BLOCK_ALIGN + 70, 1);
	follow("--format=text");
	const char *line = next_line();
	while (line != NULL && strstr(line, "offset 8192") == NULL) {
		line = next_line();
	}
	cr_assert_not_null(line);
	cr_assert_eq(wait_for_end(), 1);
}

Test(replay_follow, ends_when_nobody_listens_any_more)
{
	append_one(1);
	follow("--format=text");
	check_shown(1);
	close(follower_output);
	cr_assert_eq(wait_for_end(), 0);
}
