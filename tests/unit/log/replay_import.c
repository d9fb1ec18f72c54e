/*
 * Proves: I1, I2, I4, I10 for a state that moves to another server: slotd-replay --format resp, sent by redis-cli --pipe, makes
 * an empty server the same in every word of the dump, and the same again after a restart; also from a log whose beginning is
 * gone, where only the lsn differ. Whatever is sent instead is refused in one line, and nothing is ever served from a part.
 * Method: random commands of all kinds on few slots, before and after a restart a day later (another timezone), so that slots
 * have started and days are purged. SEED= repeats a run.
 */
#include "replay_log.h"

#include <base/hash.h>
#include <drive/connection.h>
#include <drive/server.h>
#include <inttypes.h>
#include <model/random.h>
#include <signal.h>
#include <slot/civil.h>
#include <sys/stat.h>
#include <time.h>

#define COMMANDS 1500

static struct server original;
static struct server other;
static uint64_t random_state;
static uint64_t seed;
static uint16_t first_day; /* today, in the late zone when the test began */

static void start(struct server *server)
{
	struct error error;
	cr_assert(server_start(server, &error), "%s", error.text);
}

static void kill_(struct server *server)
{
	struct error error;
	int status;
	cr_assert(server_stop(server, SIGKILL, &status, &error), "%s", error.text);
}

static void stop(struct server *server, int expected)
{
	struct error error;
	int status;
	cr_assert(server_stop(server, SIGTERM, &status, &error), "%s", error.text);
	cr_assert_eq(WEXITSTATUS(status), expected);
}

static void set_up(void)
{
	struct error error;
	find_program();
	cr_assert(server_init(&original, binaries, &error), "%s", error.text);
	cr_assert(server_init(&other, binaries, &error), "%s", error.text);
	snprintf(other.options, sizeof other.options, "--threads 3");
	start(&other);
	first_day = (uint16_t)((time(NULL) - 12 * 3600) / 86400);
	seed = random_state = random_seed();
	fprintf(stderr, "SEED=0x%" PRIx64 "\n", seed);
}

static void tear_down(void)
{
	server_fini(&original, false);
	server_fini(&other, false);
}

TestSuite(replay_import, .init = set_up, .fini = tear_down, .timeout = 120);

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

static void tell(const struct server *server, const char *lines)
{
	struct buffer answer = talk(server, span_of(lines));
	cr_assert_null(strchr((const char *)answer.at, '-'), "%s", (const char *)answer.at);
	buffer_fini(&answer);
}

static void check_says(const struct server *server, const char *line, const char *expected)
{
	struct buffer answer = talk(server, span_of(line));
	cr_assert_eq(strncmp((const char *)answer.at, expected, strlen(expected)), 0, "%s: %s", line,
		     (const char *)answer.at);
	buffer_fini(&answer);
}

__attribute__((format(printf, 2, 3))) static int shell(const char *expected, const char *format, ...)
{
	char command[4096];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(command, sizeof command, format, arguments);
	va_end(arguments);
	FILE *pipe = popen(command, "r");
	cr_assert_not_null(pipe);
	output[fread(output, 1, sizeof output - 1, pipe)] = '\0';
	const int status = WEXITSTATUS(pclose(pipe));
	if (expected != NULL) {
		cr_assert_not_null(strstr(output, expected), "\"%s\" is not in:\n%s", expected, output);
	}
	return status;
}

/* As an operator does it. */
static void import(const struct server *from, const struct server *to, const char *arguments)
{
	cr_assert_eq(shell("errors: 0, replies: ", "%s %s --format resp %s | redis-cli -p %u --pipe 2>&1", program,
			   from->dir, arguments, (unsigned)to->port),
		     0, "%s", output);
}

/* The dump of the first `end_lsn` records; without the lsn if those need not be the same. */
static char *dump(const struct server *server, uint64_t end_lsn, bool with_lsn)
{
	cr_assert_eq(shell("purged before day", "%s %s --dump --end %" PRIu64 " | sed -E '%s'", program, server->dir,
			   end_lsn, with_lsn ? "" : "s/ lsn=[0-9]+//; s/removed by lsn [0-9]+//"),
		     0);
	return strdup(output);
}

static void check_same(uint64_t end_lsn, uint64_t other_end_lsn)
{
	const bool with_lsn = end_lsn == other_end_lsn;
	char *one = dump(&original, end_lsn, with_lsn);
	char *two = dump(&other, other_end_lsn, with_lsn);
	cr_assert_str_eq(two, one, "repeat with SEED=0x%" PRIx64, seed);
	free(one);
	free(two);
}

static uint64_t last_lsn(const struct server *server)
{
	cr_assert_eq(shell("last_lsn=", "%s %s --verify", program, server->dir), 0, "%s", output);
	return strtoull(strstr(output, "last_lsn=") + strlen("last_lsn="), NULL, 10);
}

/* The lsn of the last record that an import of it has: the last word of the stream. */
static uint64_t last_sent(const struct server *server)
{
	cr_assert_eq(shell(NULL, "%s %s --format resp | tail -n 1", program, server->dir), 0);
	return strtoull(output, NULL, 10);
}

/* ---- a random life ---- */

static uint32_t below(uint32_t count)
{
	return random_below(&random_state, count);
}

/* Where a day begins last and where it begins first: 26 hours lie between the two. */
#define LATE_ZONE  "--timezone Etc/GMT+12"
#define EARLY_ZONE "--timezone Pacific/Kiritimati"

static void date_of(uint16_t day, char text[static CIVIL_DATE_SIZE + 1])
{
	civil_format_date(day, text);
	text[CIVIL_DATE_SIZE] = '\0';
}

static void add_place(struct buffer *lines)
{
	char date[CIVIL_DATE_SIZE + 1];
	date_of((uint16_t)(first_day + below(3)), date);
	buffer_format(lines, " dr-%u %s %02u:00", below(3), date, below(24));
}

static void add_claim(struct buffer *lines, const char *command)
{
	buffer_format(lines, "%s", command);
	add_place(lines);
	buffer_format(lines, " client-%u", below(20));
}

/* Session 1 to this are of book_the_other_day, and nobody else's affair. */
#define BOOKED 3

/* One that was given out perhaps, before or after a purge. */
static uint64_t any_session(void)
{
	return (uint64_t)(below(4) == 0) << 32 | (1 + BOOKED + below(250));
}

static void add_several(struct buffer *lines, const char *command)
{
	buffer_format(lines, "%s client-%u", command, below(20));
	for (uint32_t i = 0; i < 3; i++) {
		add_place(lines);
	}
}

static void add_busy(struct buffer *lines)
{
	char date[CIVIL_DATE_SIZE + 1];
	static unsigned generation;
	date_of((uint16_t)(first_day + below(3)), date);
	buffer_format(lines, "BUSY dr-%u cal-%u %u %sT00:00 %sT23:59 %sT10:00 %sT%02u:30", below(3), below(2),
		      ++generation, date, date, date, date, 10 + below(8));
}

static void add_hours(struct buffer *lines)
{
	char date[CIVIL_DATE_SIZE + 1];
	/* Some of it lies in the past, for purges to come. */
	date_of((uint16_t)(first_day - 1 + below(4)), date);
	const uint32_t draw = below(100);
	if (draw < 30) {
		buffer_format(lines, "CLOSE dr-%u %s %02u:00", below(3), date, below(24));
	} else if (draw < 32) {
		/* Never of the day that it is in the early zone. */
		date_of((uint16_t)(first_day - 1 + below(3)), date);
		buffer_format(lines, "PURGE BEFORE %s", date);
	} else {
		buffer_format(lines, "OPEN dr-%u %s %02u:00 %u COUNT 6 EVERY 60", below(3), date, below(20),
			      below(2) == 0 ? 50 : 25);
	}
}

static void add_command(struct buffer *lines)
{
	static const char *const changes[] = {"COMMIT", "RENEW", "CONFIRM", "COMPLETE", "NOSHOW", "CANCEL"};
	switch (below(12)) {
	case 0:
	case 1:
		add_hours(lines);
		break;
	case 2:
		add_several(lines, below(2) == 0 ? "BOOKALL" : "BOOKANY");
		break;
	case 3:
		add_claim(lines, "HOLD");
		buffer_format(lines, " TTL %u", below(2) == 0 ? 1 : 600);
		break;
	case 4:
		buffer_format(lines, "RESCHEDULE %" PRIu64 " ", any_session());
		char date[CIVIL_DATE_SIZE + 1];
		date_of((uint16_t)(first_day + below(3)), date);
		buffer_format(lines, "%s %02u:00 dr-%u", date, below(24), below(3));
		break;
	case 5:
		add_busy(lines);
		break;
	case 6:
		buffer_format(lines, "MULTI\r\nCANCEL %" PRIu64 "\r\n", any_session());
		add_claim(lines, "BOOK");
		buffer_format(lines, "\r\nEXEC");
		break;
	case 7:
		buffer_format(lines, "CANCEL %" PRIu64 " \"ill \\x00\\xff again\"", any_session());
		break;
	case 8:
	case 9:
		add_claim(lines, "BOOK");
		break;
	default:
		buffer_format(lines, "%s %" PRIu64, changes[below(6)], any_session());
	}
	buffer_format(lines, "\r\n");
}

static void live(uint32_t commands)
{
	struct buffer lines = {0};
	for (uint32_t i = 0; i < commands; i++) {
		add_command(&lines);
	}
	struct buffer answer = talk(&original, (struct span){lines.at, lines.size});
	buffer_fini(&answer);
	buffer_fini(&lines);
}

/* What is open from the start; the rest is claimed as it is. */
static void open_hours(void)
{
	struct buffer lines = {0};
	for (uint32_t i = 0; i < 6; i++) {
		char date[CIVIL_DATE_SIZE + 1];
		date_of((uint16_t)(first_day + i / 2), date);
		buffer_format(&lines, "OPEN dr-%u %s 00:00 50 COUNT 24 EVERY 60\r\n", i % 2, date);
	}
	buffer_format(&lines, "PURGE BEFORE 2020-01-01\r\n");
	buffer_add(&lines, "", 1);
	tell(&original, (const char *)lines.at);
	buffer_fini(&lines);
}

/* They begin when the day does that it is in the other zone: that is to come here, and has begun there. */
static void book_the_other_day(void)
{
	for (unsigned i = 1; i <= BOOKED; i++) {
		char line[100];
		char id[10];
		char date[CIVIL_DATE_SIZE + 1];
		date_of((uint16_t)((time(NULL) + 14 * 3600) / 86400), date);
		snprintf(line, sizeof line, "BOOK dr-1%u %s 00:00 client-1\r\n", i, date);
		snprintf(id, sizeof id, ":%u\n", i);
		check_says(&original, line, id);
	}
}

/* Of each kind of record and of status one at least, whatever chance left out. */
static void live_through_all(void)
{
	tell(&original,
	     "COMPLETE 1\r\nNOSHOW 2\r\nRESCHEDULE 3 2031-01-06 09:00\r\n"
	     "OPEN dr-9 2031-01-07 09:00 50 COUNT 3 EVERY 60\r\nCLOSE dr-9 2031-01-07 11:00\r\n"
	     "BOOKALL client-7 dr-9 2031-01-07 09:00 dr-9 2031-01-07 10:00\r\n"
	     "OPEN dr-9 2031-01-06 13:00 50\r\n"
	     "HOURS SET dr-8 Europe/Berlin 50 10 mon 09:00-12:00,13:00-17:00 wed 10:00-14:00\r\n"
	     "CALENDAR SET dr-8 https://example.org/secret.ics\r\n"
	     "BUSY dr-9 google 1 2031-01-06T00:00 2031-01-07T00:00 2031-01-06T13:00 2031-01-06T14:00\r\n"
	     "HOLD dr-9 2031-01-08 10:00 client-late TTL 600\r\nHOLD dr-9 2031-01-08 09:00 client-late TTL 1\r\n");
	cr_assert_eq(shell("holds_expired:",
			   "for i in $(seq 600); do redis-cli -p %u INFO | grep '^holds_expired:[1-9]' && "
			   "exit; sleep 0.05; done",
			   (unsigned)original.port),
		     0);
}

/* A history with all kinds of records, on a server that still runs. */
static void live_two_days(const char *options)
{
	snprintf(original.options, sizeof original.options, "--unlisted-slots yes %s " LATE_ZONE, options);
	start(&original);
	book_the_other_day();
	open_hours();
	live(COMMANDS);
	stop(&original, 0);
	snprintf(original.options, sizeof original.options, "--unlisted-slots yes %s " EARLY_ZONE, options);
	start(&original);
	live(COMMANDS);
	live_through_all();
}

Test(replay_import, a_whole_log_is_the_same_on_the_other_server)
{
	static const char *const types[] = {"OPEN", "CLOSE", "PURGE", "BOOK", "CANCEL", "STATUS",
					    "HOLD", "MOVE",  "GROUP", "BUSY", "HOURS",  "CALENDAR"};
	static const char *const statuses[] = {" completed ", " no_show ", " cancelled ", " expired ",
					       " held ",      "busy dr-",  " blocked"};
	live_two_days("");
	import(&original, &other, "");
	const uint64_t lsn = last_lsn(&original);
	check_same(lsn, lsn);
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		cr_assert_eq(shell(NULL, "%s %s | grep -qE '^[0-9]+ [^ ]+ %s '", program, original.dir, types[i]), 0,
			     "no %s, which proves little", types[i]);
	}
	char *text = dump(&original, lsn, true);
	for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
		cr_expect_not_null(strstr(text, statuses[i]), "nothing is%s, which proves little", statuses[i]);
	}
	free(text);
	/* What END has answered is there to stay. */
	kill_(&other);
	start(&other);
	check_same(lsn, lsn);
}

/* Both say the same, and give the same ids from here on. */
Test(replay_import, the_other_server_goes_on_as_this_one_would)
{
	snprintf(original.options, sizeof original.options, "--unlisted-slots yes");
	start(&original);
	tell(&original, "OPEN dr-lee 2031-01-06 09:00 50 COUNT 5 EVERY 60\r\n"
			"BOOK dr-lee 2031-01-06 09:00 client-1\r\n"
			"CANCEL 1 ill\r\n"
			"HOLD dr-lee 2031-01-06 10:00 client-2 TTL 600\r\n"
			"BUSY dr-lee google 1 2031-01-06T00:00 2031-01-07T00:00 2031-01-06T13:00 2031-01-06T14:00\r\n");
	import(&original, &other, "");
	static const char questions[] =
	    "SLOTS dr-lee 2031-01-06 2031-01-06 ALL\r\nSESSION 1\r\nSESSION 2\r\n"
	    "COMMIT 2\r\nBOOK dr-lee 2031-01-06 13:00 client-3\r\n"
	    "BOOK dr-lee 2031-01-06 09:00 client-3\r\nBOOK dr-lee 2031-01-06 11:00 client-4\r\n"
	    "BUSY dr-lee google 2 2031-01-06T00:00 2031-01-07T00:00\r\n"
	    "BOOK dr-lee 2031-01-06 13:00 client-3\r\n";
	struct buffer one = talk(&original, span_of(questions));
	struct buffer two = talk(&other, span_of(questions));
	cr_assert_not_null(strstr((const char *)one.at, "BLOCKED"));
	cr_assert_str_eq((const char *)two.at, (const char *)one.at);
	buffer_fini(&one);
	buffer_fini(&two);
	cr_assert_eq(shell("slots_booked:4\r\n", "redis-cli -p %u INFO | grep slots_", (unsigned)other.port), 0);
	check_says(&other, "SNAPSHOT\r\n", "+OK");
	stop(&other, 0);
	start(&other);
	cr_assert_eq(shell("sound: ", "%s %s --verify", program, other.dir), 0, "%s", output);
}

Test(replay_import, a_log_without_its_beginning_is_sent_as_what_it_comes_to)
{
	live_two_days("--log-retain 0");
	struct buffer lines = {0};
	/* Some segments. */
	for (uint32_t i = 0; i < 200; i++) {
		buffer_format(&lines,
			      "OPEN dr-full 2031-01-06 00:00 1 COUNT 1440 EVERY 1\r\nCLOSE dr-full 2031-01-06\r\n");
	}
	struct buffer answer = talk(&original, (struct span){lines.at, lines.size});
	buffer_fini(&answer);
	buffer_fini(&lines);
	check_says(&original, "SNAPSHOT\r\n", "+OK");
	live(COMMANDS / 10);
	check_says(&original, "SNAPSHOT\r\n", "+OK");
	live(COMMANDS / 10);
	cr_assert_neq(shell(NULL, "test -e %s/wal-0000000000000001.slotd", original.dir), 0, "the log is whole");

	const uint64_t lsn = last_lsn(&original);
	import(&original, &other, "");
	const uint64_t other_lsn = last_sent(&original);
	cr_assert_lt(other_lsn, lsn);
	check_same(lsn, other_lsn);
	stop(&other, 0);
	start(&other);
	check_same(lsn, other_lsn);

	/* And once more, from a log that begins with an import. */
	server_fini(&original, false);
	memcpy(&original, &other, sizeof original);
	struct error error;
	cr_assert(server_init(&other, binaries, &error), "%s", error.text);
	start(&other);
	import(&original, &other, "");
	check_same(other_lsn, other_lsn);
	cr_assert_eq(shell("\"IMPORT\":{\"records\":", "%s %s --stats --format json", program, other.dir), 0);
	cr_assert_eq(shell(" status=completed version=2 created=", "%s %s --session 1", program, other.dir), 0);
}

Test(replay_import, the_state_as_of_an_lsn)
{
	snprintf(original.options, sizeof original.options, "--unlisted-slots yes");
	start(&original);
	tell(&original, "OPEN dr-lee 2031-01-06 09:00 50\r\nBOOK dr-lee 2031-01-06 09:00 client-1\r\n"
			"CANCEL 1\r\nBOOK dr-lee 2031-01-06 09:00 client-2\r\n");
	import(&original, &other, "--end 2");
	check_same(2, 2);
	check_says(&other, "BOOK dr-lee 2031-01-06 09:00 client-1\r\n", ":1\n");
}

Test(replay_import, an_empty_log_makes_an_empty_server)
{
	start(&original);
	import(&original, &other, "");
	check_says(&other, "OPEN dr-lee 2031-01-06 09:00 50\r\n", ":1\n");
	cr_assert_eq(last_lsn(&other), 1);
}

/* ---- what is refused ---- */

#define NOT_EMPTY "ERR the import ends here: this server is not empty, its log is at lsn 1"

Test(replay_import, a_server_that_is_not_empty_stays_as_it_is)
{
	snprintf(original.options, sizeof original.options, "--unlisted-slots yes");
	start(&original);
	live(COMMANDS);
	tell(&other, "OPEN dr-lee 2031-01-06 09:00 50\r\n");
	char *before = dump(&other, UINT64_MAX, true);
	cr_assert_neq(shell(NOT_EMPTY, "%s %s --format resp | redis-cli -p %u --pipe 2>&1", program, original.dir,
			    (unsigned)other.port),
		      0);
	cr_assert_null(strstr(strstr(output, NOT_EMPTY) + 1, "ERR"), "one line: %s", output);
	char *after = dump(&other, UINT64_MAX, true);
	cr_assert_str_eq(after, before);
	free(before);
	free(after);
	check_says(&other, "BOOK dr-lee 2031-01-06 09:00 client-1\r\n", ":1\n");
}

Test(replay_import, a_server_without_slots_need_not_be_empty)
{
	struct buffer answer =
	    talk(&other, span_of("BUSY dr-lee google 1 2031-01-06T00:00 2031-01-07T00:00\r\nIMPORT BEGIN\r\n"));
	cr_assert_not_null(strstr((const char *)answer.at, NOT_EMPTY), "%s", (const char *)answer.at);
	buffer_fini(&answer);
}

static void add_records(struct buffer *out, uint64_t lsn, uint64_t hash, const uint8_t *bytes, size_t size)
{
	buffer_format(out, "IMPORT RECORDS %" PRIu64 " %016" PRIx64, lsn, hash);
	for (size_t i = 0; i < size; i++) {
		buffer_format(out, "%s\\x%02x", i % 256 == 0 ? (i == 0 ? " \"" : "\" \"") : "", bytes[i]);
	}
	buffer_format(out, "\"\r\n");
}

static void add_record(struct buffer *out, uint64_t lsn, const struct record *record)
{
	uint8_t bytes[RECORD_SIZE_MAX];
	const size_t size = record_encode(record, bytes);
	add_records(out, lsn, hash_bytes(bytes, size, lsn), bytes, size);
}

static uint64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A slot that was held at this moment for ten minutes, by session 1, and another that was booked half an hour later. */
static void import_hold(uint64_t at_ms)
{
	struct buffer lines = {0};
	const struct record opened = opening();
	struct record held = booking("client-1", 1);
	held.type = RECORD_HOLD;
	held.at_ms = at_ms;
	held.hold_seconds = 600;
	struct record booked = booking("client-3", 2);
	booked.at_ms = at_ms + 1800000;
	booked.minute = 600;
	buffer_format(&lines, "IMPORT BEGIN\r\n");
	add_record(&lines, 1, &opened);
	add_record(&lines, 2, &held);
	add_record(&lines, 3, &booked);
	buffer_format(&lines, "IMPORT END 3\r\n");
	buffer_add(&lines, "", 1);
	tell(&other, (const char *)lines.at);
	buffer_fini(&lines);
}

Test(replay_import, a_hold_that_is_over_is_nobodys)
{
	import_hold(now_ms() - 3600000);
	check_says(&other, "COMMIT 1\r\n", "-EXPIRED");
	check_says(&other, "BOOK dr-lee 2030-12-02 09:00 client-2\r\n", ":3\n");
}

Test(replay_import, holds_are_judged_by_the_clock_they_were_made_by)
{
	/* The clock of the other machine was an hour ahead when the slot was held, and went on: by what was booked then, the
	 * hold is over. */
	const uint64_t at_ms = now_ms() + 3600000;
	import_hold(at_ms);
	tell(&other, "OPEN dr-lee 2030-12-03 10:00 50\r\n");
	struct buffer answer = talk(&other, span_of("HOLD dr-lee 2030-12-03 10:00 client-2 TTL 60\r\n"));
	cr_assert_eq(strncmp((const char *)answer.at, "*2\n:3\n:", 7), 0, "%s", (const char *)answer.at);
	cr_assert_geq(strtoull((const char *)answer.at + 7, NULL, 10), at_ms + 1800000 + 60000);
	buffer_fini(&answer);
	check_says(&other, "COMMIT 1\r\n", "-EXPIRED");
}

/* An import that begins well, is refused at what `add` sends, and says why in one line; the server never serves from it. */
static void check_refused(void (*add)(struct buffer *out), const char *code, const char *why)
{
	struct buffer lines = {0};
	const struct record opened = opening();
	buffer_format(&lines, "IMPORT BEGIN\r\n");
	add_record(&lines, 1, &opened);
	add(&lines);
	buffer_format(&lines, "IMPORT END 2\r\nPING\r\n");
	struct buffer answer = talk(&other, (struct span){lines.at, lines.size});
	char expected[512];
	snprintf(expected, sizeof expected, "+OK\n+OK\n-%s the import ends here: %s\n", code, why);
	cr_expect_str_eq((const char *)answer.at, expected);
	buffer_fini(&answer);
	buffer_fini(&lines);
	static const char broken[] =
	    "-MISCONF the import broke off: empty the directory of this server and import again\n";
	check_says(&other, "BOOK dr-lee 2030-12-02 09:00 client-1\r\n", broken);
	check_says(&other, "IMPORT BEGIN\r\n", "-ERR the import ends here: ");
	stop(&other, 0);
	/* Nor after a restart; and slotd-replay agrees. */
	struct error error;
	cr_expect_not(server_start(&other, &error));
	cr_expect_eq(shell("an import into this directory was not finished: empty it and import again",
			   "%s %s --verify 2>&1", program, other.dir),
		     1);
	cr_expect_eq(shell("an import into this directory was not finished", "cat %s", other.output), 0);
	server_forget(&other);
	start(&other);
}

static void add_wrong_lsn(struct buffer *out)
{
	const struct record record = booking("client-1", 1);
	add_record(out, 3, &record);
}

static void add_doubled(struct buffer *out)
{
	const struct record record = opening();
	add_record(out, 2, &record);
}

static void add_wrong_hash(struct buffer *out)
{
	const struct record record = booking("client-1", 1);
	uint8_t bytes[RECORD_SIZE_MAX];
	const size_t size = record_encode(&record, bytes);
	const uint64_t hash = hash_bytes(bytes, size, 2);
	bytes[size - 1] ^= 1;
	add_records(out, 2, hash, bytes, size);
}

static void add_garbage(struct buffer *out)
{
	static const uint8_t bytes[100] = "garbage";
	add_records(out, 2, hash_bytes(bytes, sizeof bytes, 2), bytes, sizeof bytes);
}

static void add_half(struct buffer *out)
{
	const struct record record = booking("client-1", 1);
	uint8_t bytes[RECORD_SIZE_MAX];
	const size_t size = record_encode(&record, bytes) - 8;
	add_records(out, 2, hash_bytes(bytes, size, 2), bytes, size);
}

static void add_future(struct buffer *out)
{
	struct record record = booking("client-1", 1);
	record.at_ms = RECORD_AT_MS_MAX;
	add_record(out, 2, &record);
}

/* The place of a session far beyond what there could be. */
static void add_far_away(struct buffer *out)
{
	const struct record record = booking("client-1", UINT32_MAX);
	add_record(out, 2, &record);
}

static void add_nothing(struct buffer *out)
{
	(void)out;
}

static void add_no_hash(struct buffer *out)
{
	buffer_format(out, "IMPORT RECORDS 2 xyz 00\r\n");
}

Test(replay_import, what_does_not_fit_is_refused_in_one_line)
{
	check_refused(add_wrong_lsn, "ERR", "the next record is that of lsn 2, not 3");
	check_refused(add_doubled, "ERR",
		      "the record at lsn 2 opens a slot that is there already: dr-lee 2030-12-02 09:00");
	check_refused(add_wrong_hash, "ERR", "the bytes for lsn 2 are not those that were sent");
	check_refused(add_garbage, "ERR", "not a record: size out of bounds");
	check_refused(add_half, "ERR", "not a record: longer than the bytes there are");
	check_refused(add_future, "ERR", "the record at lsn 2 was written more than 366 days from now: set the clock");
	check_refused(add_far_away, "OOM",
		      "the record at lsn 2 needs more memory than maxmemory could ever allow: raise maxmemory");
	check_refused(add_nothing, "ERR", "the last record was that of lsn 1, not 2");
	check_refused(add_no_hash, "ERR", "lsn is a number, hash has 16 digits of 0-9 and a-f");
}

Test(replay_import, meanwhile_others_are_told_to_wait_and_nothing_is_served_from_a_part)
{
	struct connection connection;
	struct error error;
	struct span line;
	cr_assert(connection_open(&connection, other.port, &error));
	cr_assert(connection_send(&connection, span_of("IMPORT BEGIN\r\n"), &error));
	cr_assert_eq(connection_line(&connection, &line), CONNECTION_LINE);
	cr_assert(span_equal(line, span_of("+OK")));
	static const char *const asked[] = {"PING", "BOOK dr-lee 2030-12-02 09:00 client-1", "SLOTS dr-lee 2030-12-02",
					    "SNAPSHOT", "OPEN dr-lee 2031-01-06 09:00 50"};
	for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
		char request[100];
		snprintf(request, sizeof request, "%s\r\n", asked[i]);
		check_says(&other, request, "-LOADING an import is filling this server\n");
	}
	check_says(&other, "IMPORT BEGIN\r\n", "-ERR the import ends here: another connection is importing");
	check_says(&other, "IMPORT END 0\r\n", "-ERR the import ends here: it has not begun on this connection");
	check_says(&other, "PING\r\n", "-LOADING an import is filling this server\n");
	cr_assert_eq(shell("loading:1", "redis-cli -p %u INFO", (unsigned)other.port), 0);
	connection_close(&connection);
	/* That it is gone is noticed soon. */
	cr_assert_eq(shell("MISCONF the import broke off",
			   "for i in $(seq 600); do redis-cli -p %u PING | grep MISCONF && exit; sleep 0.05; done",
			   (unsigned)other.port),
		     0);
	stop(&other, 0);
	cr_assert_not(server_start(&other, &error));
}

Test(replay_import, a_crash_in_the_midst_leaves_nothing_that_is_served)
{
	struct buffer lines = {0};
	struct error error;
	const struct record opened = opening();
	buffer_format(&lines, "IMPORT BEGIN\r\n");
	add_record(&lines, 1, &opened);
	struct connection connection;
	struct span line;
	cr_assert(connection_open(&connection, other.port, &error));
	cr_assert(connection_send(&connection, (struct span){lines.at, lines.size}, &error));
	cr_assert_eq(connection_line(&connection, &line), CONNECTION_LINE);
	cr_assert_eq(connection_line(&connection, &line), CONNECTION_LINE);
	cr_assert(span_equal(line, span_of("+OK")));
	kill_(&other);
	connection_close(&connection);
	buffer_fini(&lines);
	cr_assert_not(server_start(&other, &error));
	cr_assert_eq(shell("not finished", "cat %s", other.output), 0);
	/* The record itself is there, for whoever wants to know. */
	cr_assert_eq(shell("1 2023-11-14T22:13:20.123Z OPEN ", "%s %s", program, other.dir), 0);
}

/* A stream that was stored and lost a bit somewhere, wherever that is. */
Test(replay_import, a_stream_with_a_bit_turned_is_never_taken)
{
	static uint8_t stream[1 << 20];
	snprintf(original.options, sizeof original.options, "--unlisted-slots yes");
	start(&original);
	live(100);
	cr_assert_eq(shell(NULL, "%s %s --format resp >%s/stream", program, original.dir, original.root), 0);
	char path[300];
	snprintf(path, sizeof path, "%s/stream", original.root);
	FILE *file = fopen(path, "rb");
	const size_t size = fread(stream, 1, sizeof stream, file);
	fclose(file);
	cr_assert(size > 1000 && size < sizeof stream);
	for (uint32_t i = 0; i < 20; i++) {
		const uint32_t at = below((uint32_t)size);
		const uint8_t bit = (uint8_t)(1u << below(8));
		stream[at] ^= bit;
		struct buffer answer = talk(&other, (struct span){stream, size});
		/* Letter case is all that may change unnoticed. */
		const bool is_case = bit == 0x20 && (stream[at] | 0x20) >= 'a' && (stream[at] | 0x20) <= 'z';
		const bool refused = strstr((const char *)answer.at, "-ERR") != NULL;
		cr_expect(refused || is_case, "byte %u, bit %02x: %s", at, bit, (const char *)answer.at);
		buffer_fini(&answer);
		stream[at] ^= bit;
		struct error error;
		int status;
		cr_assert(server_stop(&other, SIGTERM, &status, &error), "%s", error.text);
		server_forget(&other);
		start(&other);
	}
}

Test(replay_import, prints_nothing_of_a_damaged_log)
{
	start(&original);
	/* Two commits, so that the second proves the first. */
	tell(&original, "OPEN dr-lee 2031-01-06 09:00 50\r\n");
	tell(&original, "BOOK dr-lee 2031-01-06 09:00 client-2\r\n");
	stop(&original, 0);
	cr_assert_eq(shell(NULL, "printf x | dd of=%s/wal-0000000000000001.slotd bs=1 seek=4200 conv=notrunc 2>&1",
			   original.dir),
		     0);
	cr_assert_eq(shell(NULL, "%s %s --format resp 2>/dev/null", program, original.dir), 1);
	cr_assert_str_empty(output);
}
