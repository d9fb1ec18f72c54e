/*
 * replay_damage: a small log in a server's directory, ways to damage it, and the verdicts that slotd, slotd-replay --verify and
 * --repair must agree on.
 */
#pragma once

#include "replay_log.h"

#include <drive/server.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <sys/stat.h>

/* A header and four blocks. */
#define SEGMENT_SIZE (5 * DISK_ALIGN)
#define RECORDS      10 /* over three segments: 4, 4, 2 */
#define DAY          22250

static struct server server;

static inline void append_day(uint16_t day)
{
	static uint8_t slot[4];
	store16(slot, day);
	store16(slot + 2, 540);
	const struct record record = {
	    .type = RECORD_OPEN,
	    .at_ms = 1700000000000,
	    .psychologist = span_of("dr-lee"),
	    .minutes = 50,
	    .slot_count = 1,
	    .slots = slot,
	};
	append(&record);
}

/* Odd lsn open a slot, even ones book it: sessions 1 to 5. */
static inline void append_pairs(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		struct record book = booking("client-1", i + 1);
		book.day = (uint16_t)(DAY + i);
		append_day(book.day);
		append(&book);
	}
}

static inline void set_up(void)
{
	struct error error;
	segment_size = SEGMENT_SIZE;
	find_program();
	cr_assert(server_init(&server, binaries, &error), "%s", error.text);
	cr_assert_lt((size_t)snprintf(directory, sizeof directory, "%s", server.dir), sizeof directory);
	open_log();
	append_pairs(RECORDS / 2);
	close_log();
}

static inline void tear_down(void)
{
	server_fini(&server, false);
}

/* ---- files ---- */

static inline const char *path_of(int segment)
{
	static char path[600];
	snprintf(path, sizeof path, "%s/wal-%016d.slotd", directory, segment);
	return path;
}

static inline void read_at(int segment, off_t offset, void *bytes, size_t size)
{
	const int file = open(path_of(segment), O_RDONLY | O_CLOEXEC);
	cr_assert_geq(file, 0);
	cr_assert_eq(pread(file, bytes, size, offset), (ssize_t)size);
	close(file);
}

static inline void write_at(int segment, off_t offset, const void *bytes, size_t size)
{
	const int file = open(path_of(segment), O_WRONLY | O_CLOEXEC);
	cr_assert_geq(file, 0);
	cr_assert_eq(pwrite(file, bytes, size, offset), (ssize_t)size);
	close(file);
}

static inline void flip(int segment, off_t offset)
{
	uint8_t byte;
	read_at(segment, offset, &byte, 1);
	byte ^= 1;
	write_at(segment, offset, &byte, 1);
}

/* A number that two directories with the same files have in common. */
static inline void fingerprint(char text[static 64])
{
	char command[600];
	snprintf(command, sizeof command, "cd %s && cat wal-* | cksum && ls | grep -v -e lock -e repair | cksum",
		 directory);
	FILE *pipe = popen(command, "r");
	text[fread(text, 1, 63, pipe)] = '\0';
	cr_assert_eq(pclose(pipe), 0);
}

static inline size_t count_kept(void)
{
	char pattern[600];
	glob_t found;
	snprintf(pattern, sizeof pattern, "%s/repair-*/wal-*", directory);
	const size_t count = glob(pattern, 0, NULL, &found) == 0 ? found.gl_pathc : 0;
	globfree(&found);
	return count;
}

/* ---- verdicts ---- */

static inline void check_server_refuses(void)
{
	struct error error;
	cr_assert(!server_start(&server, &error), "slotd starts on what is damaged");
	char command[600];
	snprintf(command, sizeof command, "grep -q 'the log was refused' %s", server.output);
	cr_assert_eq(system(command), 0);
}

static inline void check_server_starts(void)
{
	struct error error;
	int status;
	cr_assert(server_start(&server, &error), "%s", error.text);
	cr_assert(server_stop(&server, SIGTERM, &status, &error), "%s", error.text);
	cr_assert_eq(status, 0);
}

/* Refused by both; repaired, and the log ends with lsn `kept`. */
static inline void check_repair(int status, uint64_t kept)
{
	char before[64];
	char after[64];
	fingerprint(before);
	cr_assert_eq(run("--verify"), 1, "%s", output);
	check_server_refuses();
	cr_assert_eq(run("--repair </dev/null"), 1, "%s", output);
	cr_assert_printed("nothing was changed; to do it, run: slotd-replay");
	fingerprint(after);
	cr_assert_str_eq(before, after, "asking changes nothing");
	cr_assert_eq(count_kept(), 0);

	cr_assert_eq(run("--repair --yes </dev/null"), status, "%s", output);
	cr_assert_printed("kept: ");
	cr_assert_gt(count_kept(), 0);
	char sound[64];
	snprintf(sound, sizeof sound, "sound: last_lsn=%d\n", (int)kept);
	cr_assert_printed(sound);
	char said[sizeof output];
	memcpy(said, output, sizeof said);

	cr_assert_eq(run("--verify"), 0, "%s", output);
	snprintf(sound, sizeof sound, " last_lsn=%d blocks=", (int)kept);
	cr_assert_printed(sound);
	const size_t copies = count_kept();
	cr_assert_eq(run("--repair --yes"), 0, "%s", output);
	cr_assert_printed("nothing to repair");
	cr_assert_eq(count_kept(), copies, "repairing again does nothing");
	check_server_starts();
	cr_assert_eq(run("--verify"), 0, "%s", output);
	cr_assert_printed(sound);
	memcpy(output, said, sizeof said);
}
