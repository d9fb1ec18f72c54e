/*
 * Proves: I7. Whatever slotd refuses, slotd-replay refuses, too; --repair alone changes nothing and says what would be
 * lost; --repair --yes keeps what it changes, and afterwards slotd starts with exactly the records before the damage.
 */
#include "replay_damage.h"

TestSuite(replay_repair, .init = set_up, .fini = tear_down, .timeout = 120);

/* ---- each kind of refusal ---- */

Test(replay_repair, an_unreadable_block_and_what_is_lost_with_it)
{
	flip(1, 3 * DISK_ALIGN + 70); /* lsn 3 */
	check_repair(3, 2);
	cr_assert_printed("lost: 4 2023-11-14T22:13:21.000Z BOOK session=2 psychologist=dr-lee date=2030-12-03");
	cr_assert_printed("lost: 10 2023-11-14T22:13:21.000Z BOOK session=5 ");
	cr_assert_printed("lost: lsn 3 to 10 at least; 7 of these records can be read");
	cr_assert_eq(count_kept(), 3 + 1, "three segments and the spare");
}

Test(replay_repair, what_is_kept_is_what_was_there)
{
	char command[1024];
	flip(1, 3 * DISK_ALIGN + 70);
	snprintf(command, sizeof command, "cp -r %s %s-copy", directory, directory);
	cr_assert_eq(system(command), 0);
	cr_assert_eq(run("--repair --yes"), 3, "%s", output);
	snprintf(command, sizeof command,
		 "for i in %s-copy/wal-*; do cmp $i %s/repair-*/$(basename $i) || exit 1; done", directory, directory);
	cr_assert_eq(system(command), 0);
}

Test(replay_repair, a_missing_segment)
{
	cr_assert_eq(unlink(path_of(2)), 0);
	check_repair(3, 4);
	cr_assert_printed("lost: lsn 5 to 10 at least; 2 of these records");
}

Test(replay_repair, a_missing_first_segment)
{
	cr_assert_eq(unlink(path_of(1)), 0);
	check_repair(3, 0);
	cr_assert_printed("lost: lsn 1 to 10 at least; 6 of these records");
}

Test(replay_repair, a_stale_copy_of_a_segment)
{
	static const uint8_t zeros[3 * DISK_ALIGN];
	write_at(2, 2 * DISK_ALIGN, zeros, sizeof zeros);
	check_repair(3, 5);
}

static void copy_segment(int from, int to)
{
	static uint8_t bytes[SEGMENT_SIZE];
	read_at(from, 0, bytes, sizeof bytes);
	write_at(to, 0, bytes, sizeof bytes);
}

Test(replay_repair, a_segment_under_another_name)
{
	copy_segment(3, 2);
	check_repair(3, 4);
	cr_assert_printed("lost: lsn 5 to 10 at least; 2 of these records");
}

Test(replay_repair, a_block_of_another_history)
{
	/* The log is continued from lsn 9 in two ways, and the tenth block is of the other one. */
	static uint8_t tenth[DISK_ALIGN];
	static uint8_t zeros[2 * DISK_ALIGN];
	read_at(3, 2 * DISK_ALIGN, tenth, sizeof tenth);
	write_at(3, DISK_ALIGN, zeros, sizeof zeros);
	open_log();
	append_day(DAY + 100);
	close_log();
	write_at(3, 2 * DISK_ALIGN, tenth, sizeof tenth);
	check_repair(3, 9);
	cr_assert_printed("lost: 10 ");
}

Test(replay_repair, a_segment_of_another_log)
{
	char other[sizeof directory];
	static uint8_t bytes[SEGMENT_SIZE];
	snprintf(other, sizeof other, "%s", directory);
	strcat(directory, "-other");
	open_log();
	append_pairs(RECORDS / 2);
	close_log();
	read_at(2, 0, bytes, sizeof bytes);
	snprintf(directory, sizeof directory, "%s", other);
	write_at(2, 0, bytes, sizeof bytes);
	check_repair(3, 4);
	cr_assert_printed("lost: wal-0000000000000002.slotd, of another log");
}

Test(replay_repair, a_zeroed_header)
{
	static const uint8_t zeros[DISK_ALIGN];
	write_at(2, 0, zeros, sizeof zeros);
	check_repair(3, 4);
	cr_assert_printed("lost: lsn 5 to 10 at least; 6 of these records");
}

Test(replay_repair, a_zeroed_first_header)
{
	static const uint8_t zeros[DISK_ALIGN];
	write_at(1, 0, zeros, sizeof zeros);
	check_repair(3, 0);
	cr_assert_printed("lost: lsn 1 to 10 at least; 10 of these records");
}

Test(replay_repair, a_slot_that_is_taken_twice)
{
	/* As a slotd with a bug would have written it. */
	open_log();
	const struct record twice = booking("client-2", 6);
	append(&twice);
	append_day(DAY + 100);
	close_log();
	check_repair(3, 10);
	cr_assert_printed("lost: 11 2023-11-14T22:13:21.000Z BOOK session=6 psychologist=dr-lee");
	cr_assert_printed("lost: lsn 11 to 12 at least");
}

Test(replay_repair, a_file_that_was_cut_short_gets_its_size_back)
{
	/* The last segment; its second block and the zeros behind are missing. */
	cr_assert_eq(truncate(path_of(3), 2 * DISK_ALIGN + 100), 0);
	check_repair(3, 9);
	cr_assert_printed("what stood in the bytes that are missing is lost");
}

Test(replay_repair, a_file_in_the_middle_that_was_cut_short_keeps_what_it_has)
{
	cr_assert_eq(truncate(path_of(1), 3 * DISK_ALIGN), 0);
	check_repair(3, 2);
	cr_assert_printed("lost: lsn 3 to 10 at least; 6 of these records");
}

Test(replay_repair, a_file_that_has_grown_loses_nothing)
{
	cr_assert_eq(truncate(path_of(2), SEGMENT_SIZE + 512), 0);
	check_repair(0, 10);
}

Test(replay_repair, bytes_behind_the_last_block_of_a_finished_segment_lose_nothing)
{
	/* Segments with room behind their last block: one that takes two pages ends up in the next. */
	static uint8_t bytes[SEGMENT_SIZE];
	uint8_t slots[4 * 1000];
	for (uint16_t i = 0; i < 1000; i++) {
		store16(slots + 4 * i, (uint16_t)(DAY + 1000 + i));
		store16(slots + 4 * i + 2, 540);
	}
	const struct record wide = {
	    .type = RECORD_OPEN,
	    .psychologist = span_of("dr-lee"),
	    .minutes = 50,
	    .slot_count = 1000,
	    .slots = slots,
	};
	open_log();
	append_day(DAY + 100);
	append(&wide);
	close_log();
	read_at(3, 0, bytes, sizeof bytes);
	static const uint8_t zeros[DISK_ALIGN];
	cr_assert_eq(memcmp(bytes + 4 * DISK_ALIGN, zeros, sizeof zeros), 0, "there is room");
	flip(3, 4 * DISK_ALIGN + 5);
	check_repair(0, 12);
}

/* ---- what is no damage, and what is not ours to change ---- */

Test(replay_repair, a_torn_tail_is_cut_without_loss)
{
	static const char half[] = "half a batch";
	write_at(3, 3 * DISK_ALIGN, half, sizeof half);
	cr_assert_eq(run("--verify"), 0);
	cr_assert_printed("behind it, ");
	cr_assert_eq(run("--repair </dev/null"), 1, "nobody is there to say yes: %s", output);
	cr_assert_eq(run("--repair --yes"), 0, "%s", output);
	cr_assert_printed("repair: zero the torn tail");
	cr_assert_printed("sound: last_lsn=10\n");
	cr_assert_eq(run("--verify"), 0);
	cr_assert_null(strstr(output, "behind it"));
	check_server_starts();
}

Test(replay_repair, what_a_newer_slotd_wrote_is_left_alone)
{
	char before[64];
	char after[64];
	uint8_t version[2];
	store16(version, FORMAT_VERSION + 1);
	write_at(2, DISK_ALIGN + offsetof(struct block_header, version), version, sizeof version);
	fingerprint(before);
	cr_assert_eq(run("--repair --yes"), 1, "%s", output);
	cr_assert_printed("use that version");
	fingerprint(after);
	cr_assert_str_eq(before, after);
	check_server_refuses();
}

Test(replay_repair, a_sound_log_is_left_alone)
{
	char before[64];
	char after[64];
	fingerprint(before);
	cr_assert_eq(run("--repair --yes"), 0, "%s", output);
	cr_assert_str_eq(output, "sound: last_lsn=10, nothing to repair\n");
	fingerprint(after);
	cr_assert_str_eq(before, after);
	cr_assert_eq(run_on("/nonexistent/slotd", "--repair --yes"), 2);
}

Test(replay_repair, not_while_a_server_runs)
{
	struct error error;
	cr_assert(server_start(&server, &error), "%s", error.text);
	/* Damage that a repair would cut away, were it allowed to. */
	flip(1, 3 * DISK_ALIGN + 70);
	cr_assert_eq(run("--repair --yes"), 2, "%s", output);
	cr_assert_printed("is in use by another slotd");
	cr_assert_eq(run("--verify"), 1, "%s", output);
}

Test(replay_repair, what_a_crash_left_of_a_repair_is_repaired_again)
{
	/* After each file it removes, and before the zeros. */
	flip(1, 3 * DISK_ALIGN + 70);
	for (int segment = 4; segment >= 2; segment--) {
		cr_assert_eq(unlink(path_of(segment)), 0);
		const int before = run("--repair </dev/null");
		cr_assert_eq(before, 1, "%s", output);
	}
	cr_assert_eq(run("--repair --yes"), 3, "%s", output);
	cr_assert_printed("sound: last_lsn=2\n");
	check_server_starts();
}
