/*
 * Proves: I7 where there is a snapshot. What it makes unnecessary may be damaged without loss, what it needs may not, and a
 * damaged snapshot costs nothing while the log is whole; slotd and slotd-replay agree on each, and --repair takes the way
 * that loses least, or none.
 *
 * The log has lsn 1 to 4, 5 to 8 and 9 to 10 in segments 1 to 3, and a snapshot of lsn 10.
 */
#include "replay_damage.h"

#include <drive/connection.h>
#include <log/snapshot.h>

static char dump[sizeof output]; /* of the sound log */

static void write_snapshot(void)
{
	struct connection connection;
	struct error error;
	struct span line;
	int status;
	cr_assert(server_start(&server, &error), "%s", error.text);
	cr_assert(connection_open(&connection, server.port, &error), "%s", error.text);
	cr_assert(connection_send(&connection, span_of("SNAPSHOT\r\n"), &error), "%s", error.text);
	cr_assert_eq(connection_line(&connection, &line), CONNECTION_LINE);
	cr_assert(span_equal(line, span_of("+OK")), "%.*s", (int)line.size, (const char *)line.at);
	connection_close(&connection);
	cr_assert(server_stop(&server, SIGTERM, &status, &error), "%s", error.text);
	cr_assert_eq(status, 0);
}

static void set_up_with_snapshot(void)
{
	set_up();
	write_snapshot();
	cr_assert_eq(run("--verify"), 0, "%s", output);
	cr_assert_eq(run("--dump"), 0);
	memcpy(dump, output, sizeof dump);
}

TestSuite(replay_snapshot, .init = set_up_with_snapshot, .fini = tear_down, .timeout = 120);

static const char *server_says(const char *message)
{
	static char command[600];
	snprintf(command, sizeof command, "grep -q '%s' %s", message, server.output);
	return command;
}

/* In the middle of its first piece that is not its header. */
static void damage_snapshot(uint64_t lsn)
{
	char name[DISK_NAME_SIZE];
	char path[600];
	uint8_t byte;
	snapshot_format_name(lsn, name);
	snprintf(path, sizeof path, "%s/%s", directory, name);
	const int file = open(path, O_RDWR | O_CLOEXEC);
	cr_assert_geq(file, 0);
	cr_assert_eq(pread(file, &byte, 1, DISK_ALIGN + 100), 1);
	byte ^= 1;
	cr_assert_eq(pwrite(file, &byte, 1, DISK_ALIGN + 100), 1);
	close(file);
}

static void check_nothing_is_lost(void)
{
	cr_assert_eq(run("--dump"), 0);
	cr_assert_str_eq(output, dump);
	check_server_starts();
	cr_assert_eq(run("--dump"), 0);
	cr_assert_str_eq(output, dump);
}

Test(replay_snapshot, a_damaged_one_is_set_aside_and_nothing_is_lost)
{
	damage_snapshot(10);
	check_server_starts();
	cr_assert_eq(system(server_says("damaged snapshots, going on from what is before them")), 0);
	cr_assert_eq(run("--verify"), 1, "a person should know: %s", output);
	cr_assert_printed("damaged snapshots, what is before them is used");
	cr_assert_printed("sound: records=10 last_lsn=10 ");
	cr_assert_eq(run("--repair --yes </dev/null"), 0, "%s", output);
	cr_assert_printed("the log has what it has, no record is lost");
	cr_assert_printed("kept: ");
	cr_assert_printed("sound: last_lsn=10\n");
	cr_assert_eq(run("--repair --yes"), 0, "%s", output);
	cr_assert_printed("nothing to repair");
	check_nothing_is_lost();
}

Test(replay_snapshot, damage_in_what_it_covers_is_trimmed_away_and_nothing_is_lost)
{
	flip(1, 3 * DISK_ALIGN + 70); /* lsn 3 */
	check_repair(0, 10);
	cr_assert_printed("has everything before it, no record is lost");
	check_nothing_is_lost();
}

Test(replay_snapshot, a_cut_below_its_end_sets_it_aside_and_says_what_is_lost)
{
	flip(3, DISK_ALIGN + 70); /* lsn 9; the log begins with lsn 1 */
	check_repair(3, 8);
	cr_assert_printed("which needs the log up to lsn 10; then cut the log");
	cr_assert_printed("lost: 10 ");
	cr_assert_printed("lost: lsn 9 to 10 at least; 1 of these records");
}

Test(replay_snapshot, a_cut_below_its_end_of_a_trimmed_log_is_refused)
{
	char before[64];
	char after[64];
	cr_assert_eq(unlink(path_of(1)), 0);
	check_server_starts();
	cr_assert_eq(run("--verify"), 0, "%s", output);
	flip(3, DISK_ALIGN + 70);
	fingerprint(before);
	cr_assert_eq(run("--verify"), 1, "%s", output);
	check_server_refuses();
	cr_assert_eq(run("--repair --yes </dev/null"), 2, "%s", output);
	cr_assert_printed("restore a backup");
	fingerprint(after);
	cr_assert_str_eq(before, after);
	cr_assert_eq(count_kept(), 0);
}
