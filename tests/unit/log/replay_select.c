/*
 * Proves: slotd-replay shows the records that were asked for and no others, by place in the log, by time, by slot and by
 * session; counts those; and ends quietly when nobody listens.
 */
#include "replay_log.h"

#define DAY 22250 /* 2030-12-02 */

static uint8_t slot_bytes[4];

static void append_open(const char *psychologist, uint16_t day, uint16_t minute)
{
	store16(slot_bytes, day);
	store16(slot_bytes + 2, minute);
	const struct record record = {
	    .type = RECORD_OPEN,
	    .at_ms = 1700000000000,
	    .psychologist = span_of(psychologist),
	    .minutes = 50,
	    .slot_count = 1,
	    .slots = slot_bytes,
	};
	append(&record);
}

static void append_book(const char *psychologist, uint16_t day, uint16_t minute, uint64_t session, uint64_t at_ms)
{
	struct record record = booking("client-1", session);
	record.psychologist = span_of(psychologist);
	record.day = day;
	record.minute = minute;
	record.at_ms = at_ms;
	append(&record);
}

static void append_cancel(uint64_t session, uint16_t day)
{
	const struct record record = {.type = RECORD_CANCEL, .at_ms = 1700000300000, .session = session, .day = day};
	append(&record);
}

static void append_status(uint64_t session, enum session_status status)
{
	const struct record record = {
	    .type = RECORD_STATUS, .at_ms = 1700000400000, .session = session, .day = DAY + 1, .status = status};
	append(&record);
}

static void set_up(void)
{
	make_directory();
	open_log();
	append_open("dr-lee", DAY, 540);                       /* 1 */
	append_open("dr-lee", DAY + 1, 600);                   /* 2 */
	append_open("dr-kim", DAY, 540);                       /* 3 */
	append_book("dr-lee", DAY, 540, 1, 1700000060000);     /* 4: 22:14:20 */
	append_book("dr-kim", DAY, 540, 2, 1700000120000);     /* 5: 22:15:20 */
	append_book("dr-lee", DAY + 1, 600, 3, 1700000180500); /* 6: 22:16:20.500 */
	append_cancel(2, DAY);                                 /* 7: 22:18:20 */
	append_cancel(1, DAY);                                 /* 8 */
	const struct record purge = {.type = RECORD_PURGE, .at_ms = 1700000400000, .day = DAY + 1};
	append(&purge);                      /* 9 */
	append_status(3, SESSION_CONFIRMED); /* 10 */
}

/* 11: two bookings and a cancellation that happened together. */
static void append_group(void)
{
	static uint8_t members[RECORD_PLAIN_SIZE_MAX];
	const struct record changes[] = {
	    {.type = RECORD_BOOK,
	     .session = 4,
	     .psychologist = span_of("dr-lee"),
	     .client = span_of("client-1"),
	     .day = DAY + 2,
	     .minute = 540,
	     .minutes = 50},
	    {.type = RECORD_CANCEL, .session = 3, .day = DAY + 1, .reason = span_of("moved")},
	    {.type = RECORD_BOOK,
	     .session = 5,
	     .psychologist = span_of("dr-kim"),
	     .client = span_of("client-1"),
	     .day = DAY + 2,
	     .minute = 600,
	     .minutes = 50},
	};
	struct record group = {.type = RECORD_GROUP, .at_ms = 1700000500000, .member_count = 3, .members.at = members};
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		struct record member = changes[i];
		member.at_ms = group.at_ms;
		group.members.size += record_encode(&member, members + group.members.size);
	}
	append(&group);
}

TestSuite(replay_select, .init = set_up, .fini = remove_directory);

/* Which records these arguments show: their lsn, parted by spaces. */
static void check_shown(const char *arguments, const char *expected)
{
	char shown[256] = "";
	cr_assert_eq(run(arguments), 0, "%s: %s", arguments, output);
	for (char *line = strtok(output, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		*strchr(line, ' ') = '\0';
		cr_assert_lt(strlen(shown) + strlen(line) + 2, sizeof shown);
		strcat(shown, shown[0] == '\0' ? "" : " ");
		strcat(shown, line);
	}
	cr_assert_str_eq(shown, expected, "%s: shows %s, not %s", arguments, shown, expected);
}

Test(replay_select, by_place_in_the_log)
{
	check_shown("--start 3 --end 5", "3 4 5");
	check_shown("--start 9", "9 10");
	check_shown("--start 11", "");
	check_shown("--end 0", "");
	check_shown("--limit 2", "1 2");
	check_shown("--limit 0", "");
	check_shown("--start 4 --limit 3", "4 5 6");
}

Test(replay_select, by_time)
{
	check_shown("--since 2023-11-14T22:15", "5 6 7 8 9 10");
	check_shown("--since 2023-11-14T22:15:20Z --until 2023-11-14T22:16:20.500Z", "5");
	check_shown("--until 2023-11-14T22:16:20.501Z --start 4", "4 5 6");
	check_shown("--until 2023-11-14", "");
	check_shown("--since 2023-11-15", "");
	check_shown("--until 2023-11-15 --limit 1", "1");
}

Test(replay_select, by_slot_with_the_cancellations_of_its_sessions)
{
	check_shown("--slot dr-lee", "1 2 4 6 8 9 10");
	check_shown("--slot dr-lee/2030-12-02", "1 4 8 9");
	check_shown("--slot dr-lee/2030-12-03/10:00", "2 6 10");
	check_shown("--slot dr-kim/2030-12-02/09:00", "3 5 7 9");
	check_shown("--slot dr-kim/2030-12-02/09:30", "9");
	check_shown("--slot dr-kim --start 6", "7 9");
	check_shown("--slot dr-who/2031-01-01", "");
}

Test(replay_select, by_session)
{
	check_shown("--session 1", "4 8");
	check_shown("--session 2 --slot dr-lee", "");
	check_shown("--session 3", "6 10");
	check_shown("--session 6", "");
}

Test(replay_select, shows_what_became_of_a_session)
{
	cr_assert_eq(run("--start 10"), 0);
	cr_assert_str_eq(output, "10 2023-11-14T22:20:00.000Z STATUS session=3 date=2030-12-03 status=confirmed\n");
	cr_assert_eq(run("--start 10 --format json"), 0);
	cr_assert_str_eq(output, "{\"lsn\":10,\"at\":\"2023-11-14T22:20:00.000Z\",\"type\":\"STATUS\",\"session\":3,"
				 "\"date\":\"2030-12-03\",\"status\":\"confirmed\"}\n");
}

Test(replay_select, counts_what_is_asked_for)
{
	cr_assert_eq(run("--stats --slot dr-lee/2030-12-02"), 0);
	cr_assert_printed("BOOK                  1 ");
	cr_assert_printed("lsn        1 to 9\n");
}

Test(replay_select, what_is_behind_the_end_is_not_read)
{
	/* Damage in the block of lsn 5, which the ones behind it prove. */
	close_log();
	char path[600];
	snprintf(path, sizeof path, "%s/wal-0000000000000001.slotd", directory);
	FILE *file = fopen(path, "r+");
	cr_assert_not_null(file);
	cr_assert_eq(fseek(file, SEGMENT_HEADER_SIZE + 4 * BLOCK_ALIGN + 70, SEEK_SET), 0);
	cr_assert_eq(fputc(0x5a, file), 0x5a);
	cr_assert_eq(fclose(file), 0);
	cr_assert_eq(run("--quiet"), 1);
	check_shown("--end 4", "1 2 3 4");
	check_shown("--limit 1", "1");
}

Test(replay_select, ends_quietly_when_nobody_listens)
{
	char command[sizeof program + 512];
	/* More than a pipe holds. */
	for (uint64_t session = 10; session < 1500; session++) {
		const struct record book = booking("client-with-a-long-token-that-fills-the-pipe", session);
		if (session % 20 == 0) {
			append(&book);
		} else {
			wal_append(wal, &book);
		}
	}
	const struct record last = booking("client-1", 3000);
	append(&last);
	snprintf(command, sizeof command, "bash -c '%s %s 2>&1 | head -n 1; exit ${PIPESTATUS[0]}'", program,
		 directory);
	FILE *pipe = popen(command, "r");
	output[fread(output, 1, sizeof output - 1, pipe)] = '\0';
	cr_assert_eq(WEXITSTATUS(pclose(pipe)), 0);
	cr_assert_not_null(strchr(output, '\n'));
	cr_assert_eq(strchr(output, '\n')[1], '\0', "one line and no complaint: %s", output);
}

Test(replay_select, says_what_makes_no_sense)
{
	static const char *const wrong[] = {
	    "--start x",
	    "--end -1",
	    "--limit",
	    "--since yesterday",
	    "--since 2026-13-01",
	    "--since 2026-12-01T10",
	    "--since 2026-12-01T10:00:61",
	    "--until 2026-12-01T10:00:30.",
	    "--until 2026-12-01Z",
	    "--slot dr-lee/",
	    "--slot dr-lee/2026-12-01/",
	    "--slot dr-lee/today",
	    "--slot dr-lee/2026-12-01/25:00",
	    "--slot 'dr lee'",
	    "--session 0",
	    "--verify --start 2",
	    "--verify --follow",
	    "--format resp --stats",
	    "--format resp --start 2",
	    "--repair --start 2",
	    "--yes",
	};
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		cr_assert_eq(run(wrong[i]), 2, "%s", wrong[i]);
		cr_assert_printed("try: slotd-replay --help");
	}
}

Test(replay_select, a_group_is_shown_whole_if_one_of_its_members_is_asked_for)
{
	append_group();
	check_shown("--session 4", "11");
	check_shown("--session 5", "11");
	check_shown("--session 3", "6 10 11");
	check_shown("--slot dr-kim/2030-12-04/10:00", "11");
	check_shown("--slot dr-lee/2030-12-03/10:00", "2 6 10 11");
	check_shown("--slot dr-kim/2030-12-04/11:00", "");
	cr_assert_eq(run("--session 5"), 0);
	cr_assert_str_eq(output, "11 2023-11-14T22:21:40.000Z GROUP members=3: BOOK session=4 psychologist=dr-lee "
				 "date=2030-12-04 time=09:00 minutes=50 client=client-1; CANCEL session=3 "
				 "date=2030-12-03 reason=\"moved\"; BOOK session=5 psychologist=dr-kim "
				 "date=2030-12-04 time=10:00 minutes=50 client=client-1\n");
	cr_assert_eq(run("--session 5 --format json"), 0);
	cr_assert_str_eq(output, "{\"lsn\":11,\"at\":\"2023-11-14T22:21:40.000Z\",\"type\":\"GROUP\",\"members\":["
				 "{\"type\":\"BOOK\",\"session\":4,\"psychologist\":\"dr-lee\",\"date\":\"2030-12-04\","
				 "\"time\":\"09:00\",\"minutes\":50,\"client\":\"client-1\",\"unlisted\":false},"
				 "{\"type\":\"CANCEL\",\"session\":3,\"date\":\"2030-12-03\",\"reason\":\"moved\"},"
				 "{\"type\":\"BOOK\",\"session\":5,\"psychologist\":\"dr-kim\",\"date\":\"2030-12-04\","
				 "\"time\":\"10:00\",\"minutes\":50,\"client\":\"client-1\",\"unlisted\":false}]}\n");
}
