/*
 * Proves that options are read from the file and the command line as documented, that the last one wins, and that a
 * wrong one is refused with where it stands and what is allowed.
 *
 * Method: a config file of its own in a temporary directory, and command lines as main gets them.
 */
#include <criterion/criterion.h>
#include <serve/config.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char directory[] = "/tmp/slotd-config-XXXXXX";
static char path[sizeof directory + 16];
static struct config config;
static struct error error;

static void init(void)
{
	cr_assert_not_null(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/slotd.conf", directory);
	config_defaults(&config);
}

static void fini(void)
{
	unlink(path);
	rmdir(directory);
}

TestSuite(config, .init = init, .fini = fini);

static void write_file(const char *text)
{
	FILE *file = fopen(path, "w");
	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
}

static bool parse_file(const char *text)
{
	write_file(text);
	return config_parse_file(&config, path, &error);
}

/* The words of a command line, without the program. */
static bool parse_words(const char *line)
{
	char text[512];
	char *words[16] = {text};
	int count = 1;
	snprintf(text, sizeof text, "slotd %s", line);
	strtok(text, " ");
	while (count < 15 && (words[count] = strtok(NULL, " ")) != NULL) {
		count++;
	}
	return config_parse(&config, count, words, &error);
}

/* The error's text ends so; it begins with where. */
static void expect_error(const char *what)
{
	cr_assert_eq(error.code, ERROR_INVALID);
	cr_assert(strlen(error.text) >= strlen(what) &&
		      strcmp(error.text + strlen(error.text) - strlen(what), what) == 0,
		  "%s", error.text);
}

static const char *value_of(const char *name)
{
	static struct config_entry entry;
	for (size_t i = 0; config_entry(&config, i, &entry); i++) {
		if (strcmp(entry.name, name) == 0) {
			return entry.value;
		}
	}
	cr_assert_fail("there is no option %s", name);
	return NULL;
}

Test(config, defaults_are_those_of_the_header)
{
	cr_assert_eq(config.port, 5545);
	cr_assert_str_eq(config.bind, "127.0.0.1");
	cr_assert_str_eq(config.unix_path, "");
	cr_assert_str_eq(config.dir, "slotd-data");
	cr_assert_eq(config.threads, 1);
	cr_assert_eq(config.maxmemory, UINT64_C(2) << 30);
	cr_assert(config.fsync);
	cr_assert_not(config.unlisted_slots);
	cr_assert_str_eq(config.timezone, "UTC");
	cr_assert_eq(config.segment_size, 64 << 20);
	cr_assert_eq(config.batch_size, 4 << 20);
	cr_assert_eq(config.maxclients, 10000);
	cr_assert_eq(config.timeout, 0);
	cr_assert_eq(config.request_timeout, 30);
	cr_assert_eq(config.commit_timeout, 5);
	cr_assert_eq(config.commit_delay, 1000);
	cr_assert_eq(config.background_slice, 100);
	cr_assert_eq(config.background_rest, 9);
	cr_assert_eq(config.multi_commands, 1000);
	cr_assert_eq(config.multi_size, 256 << 10);
	cr_assert_eq(config.output_limit, 8 << 20);
	cr_assert_str_eq(config.io, "auto");
	cr_assert_str_eq(config.loglevel, "info");
}

Test(config, help_says_the_default_of_each_option)
{
	struct config_entry entry;
	for (size_t i = 0; config_entry(&config, i, &entry); i++) {
		const char *says = strstr(entry.help, "default ");
		cr_assert_not_null(says, "%s", entry.name);
		char line[CONFIG_TEXT_SIZE];
		snprintf(line, sizeof line, "--%s %.*s", entry.name, (int)strcspn(says + 8, ","), says + 8);
		char before[CONFIG_TEXT_SIZE];
		strcpy(before, entry.value);
		/* A default that is no word of a command line: none. */
		if (strcmp(entry.name, "unix") != 0 && strcmp(entry.name, "feed-file") != 0) {
			cr_assert(parse_words(line), "%s", error.text);
		}
		cr_assert_str_eq(value_of(entry.name), before);
	}
}

Test(config, a_file_is_lines_of_name_and_value)
{
	cr_assert(parse_file("# comment\n"
			     "port 7000\r\n"
			     "\n"
			     "   # another\n"
			     "\tdir \"/var/lib/slot d\"\n"
			     "UNIX '/run/slotd.sock'\n"
			     "maxmemory 64MB\n"
			     "fsync No\n"
			     "unlisted-slots yes"),
		  "%s", error.text);
	cr_assert_eq(config.port, 7000);
	cr_assert_str_eq(config.dir, "/var/lib/slot d");
	cr_assert_str_eq(config.unix_path, "/run/slotd.sock");
	cr_assert_eq(config.maxmemory, 64 << 20);
	cr_assert_not(config.fsync);
	cr_assert(config.unlisted_slots);
}

Test(config, the_last_of_the_same_option_wins)
{
	cr_assert(parse_file("port 1\nport 2\n"));
	cr_assert_eq(config.port, 2);
	char line[256];
	snprintf(line, sizeof line, "%s --port 3 --port 4", path);
	cr_assert(parse_words(line));
	cr_assert_eq(config.port, 4);
}

Test(config, the_command_line_wins_over_the_file)
{
	write_file("port 7000\nthreads 4\n");
	char line[256];
	snprintf(line, sizeof line, "%s --port 7001", path);
	cr_assert(parse_words(line));
	cr_assert_eq(config.port, 7001);
	cr_assert_eq(config.threads, 4);
}

Test(config, an_empty_value_can_be_given)
{
	cr_assert(parse_file("unix /run/x\nunix \"\"\n"));
	cr_assert_str_eq(config.unix_path, "");
}

Test(config, an_error_names_the_line_and_what_is_allowed)
{
	static const struct {
		const char *text;
		const char *error;
	} cases[] = {
	    {"\nprot 1\n", ":2: there is no option prot; slotd --help lists them"},
	    {"port 65536\n", ":1: port must be a whole number from 0 to 65535; not \"65536\""},
	    {"port 0x10\n", ":1: port must be a whole number from 0 to 65535; not \"0x10\""},
	    {"threads 0\n", ":1: threads must be a whole number from 1 to 64; not \"0\""},
	    {"threads 65\n", ":1: threads must be a whole number from 1 to 64; not \"65\""},
	    {"fsync maybe\n", ":1: fsync must be yes or no; not \"maybe\""},
	    {"io uring\n", ":1: io must be one of: auto io_uring posix; not \"uring\""},
	    {"io \"auto io_uring\"\n", ":1: io must be one of: auto io_uring posix; not \"auto io_uring\""},
	    {"loglevel \"\"\n", ":1: loglevel must be one of: debug info warning error; not \"\""},
	    {"batch-size 65537\n", ":1: batch-size must be bytes, or a number with kb, mb or gb, from 65536 to "
				   "67108864, in steps of 4kb; not \"65537\""},
	    {"port\n", ":1: a line is an option and its value, in quotes if it has blanks"},
	    {"dir /var/lib/slot d\n", ":1: a line is an option and its value, in quotes if it has blanks"},
	    {"dir \"x\n", ":1: ERR Protocol error: unbalanced quotes in request"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		cr_assert_not(parse_file(cases[i].text));
		expect_error(cases[i].error);
		cr_assert_eq(strncmp(error.text, path, strlen(path)), 0);
	}
}

Test(config, sizes_have_their_bounds)
{
	static const char *const wrong[] = {
	    "15mb", "0gb", "1.5gb", "mb", "-1gb", "99999999999gb", "18446744073709551615", "016mb", "2tb", "2 gb"};
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		char line[64];
		snprintf(line, sizeof line, "maxmemory \"%s\"\n", wrong[i]);
		cr_assert_not(parse_file(line), "%s", wrong[i]);
	}
	cr_assert(parse_words("--maxmemory 16777216"));
	cr_assert(parse_words("--segment-size 1024kb"));
	cr_assert_str_eq(value_of("segment-size"), "1048576");
}

Test(config, a_text_that_does_not_fit_is_refused)
{
	char line[CONFIG_TEXT_SIZE + 32];
	snprintf(line, sizeof line, "dir %0*d\n", CONFIG_TEXT_SIZE - 1, 7);
	cr_assert(parse_file(line));
	snprintf(line, sizeof line, "dir %0*d\n", CONFIG_TEXT_SIZE, 7);
	cr_assert_not(parse_file(line));
	cr_assert_not(parse_file("dir \"a\\x00b\"\n"));
}

Test(config, a_command_line_that_makes_no_sense_is_refused)
{
	cr_assert_not(parse_words("--port"));
	expect_error("--port needs a value; slotd --help lists the options");
	cr_assert_not(parse_words("--port 1 stray"));
	expect_error("\"stray\": slotd takes one config file, then options as --name value");
	cr_assert_not(parse_words("--prot 1"));
	expect_error("there is no option --prot; slotd --help lists them");
	cr_assert_not(parse_words("--port x"));
	expect_error("--port must be a whole number from 0 to 65535; not \"x\"");
	cr_assert_not(parse_words("/nonexistent/slotd.conf"));
	cr_assert_not_null(strstr(error.text, "/nonexistent/slotd.conf"));
}
