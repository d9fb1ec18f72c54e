/*
 * replay_log: a log in a directory of the test's own, and slotd-replay run on it as people run it.
 */
#pragma once

#include <base/check.h>
#include <criterion/criterion.h>
#include <io/disk_posix.h>
#include <log/block.h>
#include <log/wal.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[272] = "/tmp/slotd-replay-XXXXXX";
static char binaries[4096]; /* the folder of the programs */
static char program[4096 + 16];
static struct disk disk;
static int readable;
static struct clock clock_;
static struct wal *wal;
static uint8_t nine_and_ten[8];
static uint64_t segment_size = 64 * DISK_ALIGN;

static inline bool ignore(void *context, const struct record *record, uint64_t lsn, struct error *error)
{
	(void)context;
	(void)record;
	(void)lsn;
	(void)error;
	return true;
}

static inline void open_log(void)
{
	struct error error = {0};
	struct wal_recovery found;
	const struct wal_options options = {
	    .segment_size = segment_size,
	    .batch_size = DISK_ALIGN,
	    .appenders = 1,
	    .flush = true,
	};
	clock_ = clock_real();
	cr_assert(disk_posix_open(&disk, directory, DISK_READ_WRITE, &error), "%s", error.text);
	cr_assert(disk.lock(disk.context, &error), "%s", error.text);
	cr_assert(disk_posix_start(&disk, &readable, &error), "%s", error.text);
	cr_assert(wal_open(&wal, &options, &disk, &clock_, ignore, NULL, &found, &error), "%s", error.text);
}

static inline void append(const struct record *record)
{
	wal_append(wal, record);
	wal_pump(wal);
	while (!wal_idle(wal)) {
		struct pollfd waits = {.fd = readable, .events = POLLIN};
		cr_assert_eq(poll(&waits, 1, 10000), 1);
		disk_posix_deliver(disk.context);
	}
	cr_assert(!wal_failed(wal, NULL));
}

static inline void close_log(void)
{
	wal_close(wal);
	wal = NULL;
	disk_posix_close(&disk);
}

static inline struct record opening(void)
{
	store16(nine_and_ten, 22250);
	store16(nine_and_ten + 2, 540);
	store16(nine_and_ten + 4, 22250);
	store16(nine_and_ten + 6, 600);
	return (struct record){
	    .type = RECORD_OPEN,
	    .at_ms = 1700000000123,
	    .psychologist = span_of("dr-lee"),
	    .minutes = 50,
	    .slot_count = 2,
	    .slots = nine_and_ten,
	};
}

static inline struct record booking(const char *client, uint64_t session)
{
	return (struct record){
	    .type = RECORD_BOOK,
	    .at_ms = 1700000001000,
	    .session = session,
	    .psychologist = span_of("dr-lee"),
	    .client = span_of(client),
	    .day = 22250,
	    .minute = 540,
	    .minutes = 50,
	};
}

/* Session 1 of generation 1; ids as the table gives them out. */
#define SESSION_1 ((UINT64_C(1) << 32) + 1)
#define SESSION_2 ((UINT64_C(1) << 32) + 2)

static inline void find_program(void)
{
	/* build/<variant>/unit/log/<test> -> build/<variant>/slotd-replay */
	const ssize_t size = readlink("/proc/self/exe", binaries, sizeof binaries - 1);
	cr_assert_gt(size, 0);
	for (int up = 0; up < 3; up++) {
		*strrchr(binaries, '/') = '\0';
	}
	snprintf(program, sizeof program, "%s/slotd-replay", binaries);
}

static inline void make_directory(void)
{
	find_program();
	cr_assert_not_null(mkdtemp(directory));
}

static inline void remove_directory(void)
{
	if (wal != NULL) {
		close_log();
	}
	char command[600];
	snprintf(command, sizeof command, "rm -rf %s", directory);
	cr_assert_eq(system(command), 0);
}

/* Runs the program on a directory, with these arguments behind its name; what it prints to both outputs is in `output`.
 * */
static char output[1 << 18];

static inline int run_on(const char *where, const char *arguments)
{
	char command[sizeof program + 1024];
	snprintf(command, sizeof command, "%s %s %s 2>&1", program, where, arguments);
	FILE *pipe = popen(command, "r");
	cr_assert_not_null(pipe);
	output[fread(output, 1, sizeof output - 1, pipe)] = '\0';
	return WEXITSTATUS(pclose(pipe));
}

static inline int run(const char *arguments)
{
	return run_on(directory, arguments);
}

/* Whether the last run printed this. */
#define cr_assert_printed(words) cr_assert_not_null(strstr(output, words), "\"%s\" is not in:\n%s", words, output)
