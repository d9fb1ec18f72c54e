/*
 * config: one table says what each option is called, where it is kept, what it may be, and what it is at first. The
 * file, the command line, the defaults, CONFIG GET and --help all go through it.
 */
#include <base/check.h>
#include <base/limits.h>
#include <errno.h>
#include <inttypes.h>
#include <serve/config.h>
#include <stdlib.h>
#include <wire/request.h>

#define KB UINT64_C(1024)
#define MB (1024 * KB)
#define GB (1024 * MB)

enum option_kind {
	OPTION_NUMBER, /* least .. most */
	OPTION_SIZE,   /* least .. most, a multiple of `step`; kb, mb, gb allowed */
	OPTION_SWITCH, /* yes or no */
	OPTION_TEXT,   /* up to CONFIG_TEXT_SIZE - 1 bytes */
	OPTION_CHOICE, /* one of the words of `choices` */
};

struct option {
	const char *name;
	enum option_kind kind;
	size_t offset; /* in struct config */
	size_t width;  /* of the field there. Bytes. */
	uint64_t least;
	uint64_t most;
	uint64_t step;
	const char *choices; /* "auto io_uring posix" */
	const char *initial; /* as it would stand in the file */
	const char *help;
};

#define FIELD(name) .offset = offsetof(struct config, name), .width = sizeof(((struct config *)0)->name)

static const struct option options[] = {
    {.name = "port",
     .kind = OPTION_NUMBER,
     FIELD(port),
     .most = UINT16_MAX,
     .initial = "5545",
     .help = "TCP port to listen on, 0 for none; default 5545"},
    {.name = "bind",
     .kind = OPTION_TEXT,
     FIELD(bind),
     .initial = "127.0.0.1",
     .help = "address to listen on; default 127.0.0.1"},
    {.name = "unix",
     .kind = OPTION_TEXT,
     FIELD(unix_path),
     .initial = "",
     .help = "path of a UNIX socket to listen on as well; default \"\", none"},
    {.name = "dir",
     .kind = OPTION_TEXT,
     FIELD(dir),
     .initial = "slotd-data",
     .help = "data directory, created if missing; default slotd-data"},
    {.name = "threads",
     .kind = OPTION_NUMBER,
     FIELD(threads),
     .least = 1,
     .most = THREADS_MAX,
     .initial = "1",
     .help = "worker threads, 1 to 64; default 1"},
    {.name = "maxmemory",
     .kind = OPTION_SIZE,
     FIELD(maxmemory),
     .least = 16 * MB,
     .most = INT64_MAX,
     .step = 1,
     .initial = "2gb",
     .help = "bytes for slots, sessions and tokens, at least 16mb; default 2gb"},
    {.name = "fsync",
     .kind = OPTION_SWITCH,
     FIELD(fsync),
     .initial = "yes",
     .help = "flush to the device before answering; no is for measuring only and loses bookings; default yes"},
    {.name = "unlisted-slots",
     .kind = OPTION_SWITCH,
     FIELD(unlisted_slots),
     .initial = "no",
     .help = "may slots that nobody opened be claimed; default no"},
    {.name = "timezone",
     .kind = OPTION_TEXT,
     FIELD(timezone),
     .initial = "UTC",
     .help = "IANA zone of the civil times, as Europe/Berlin; default UTC"},
    {.name = "segment-size",
     .kind = OPTION_SIZE,
     FIELD(segment_size),
     .least = MB,
     .most = 4 * GB,
     .step = 4 * KB,
     .initial = "64mb",
     .help = "bytes of a log segment, 1mb to 4gb; default 64mb"},
    {.name = "snapshot-log-size",
     .kind = OPTION_SIZE,
     FIELD(snapshot_log_size),
     .most = INT64_MAX,
     .step = 1,
     .initial = "1gb",
     .help = "bytes the log grows before a snapshot is written, 0 for never; default 1gb"},
    {.name = "log-retain",
     .kind = OPTION_SIZE,
     FIELD(log_retain),
     .most = INT64_MAX,
     .step = 1,
     .initial = "256mb",
     .help = "bytes of old log segments to keep that no snapshot needs; default 256mb"},
    {.name = "batch-size",
     .kind = OPTION_SIZE,
     FIELD(batch_size),
     .least = 64 * KB,
     .most = 64 * MB,
     .step = 4 * KB,
     .initial = "4mb",
     .help = "bytes of one commit at most, 64kb to 64mb; default 4mb"},
    {.name = "hold-ttl",
     .kind = OPTION_NUMBER,
     FIELD(hold_ttl),
     .least = 1,
     .most = UINT16_MAX,
     .initial = "300",
     .help = "seconds of a HOLD that does not say how many, at most hold-ttl-max; default 300"},
    {.name = "hold-ttl-max",
     .kind = OPTION_NUMBER,
     FIELD(hold_ttl_max),
     .least = 1,
     .most = UINT16_MAX,
     .initial = "900",
     .help = "seconds one HOLD or RENEW may ask for, 1 to 65535; default 900"},
    {.name = "hold-total-max",
     .kind = OPTION_NUMBER,
     FIELD(hold_total_max),
     .least = 1,
     .most = INT32_MAX,
     .initial = "3600",
     .help = "seconds a slot is held with all RENEWs, at least hold-ttl-max; default 3600"},
    {.name = "holds-per-client",
     .kind = OPTION_NUMBER,
     FIELD(holds_per_client),
     .least = 1,
     .most = INT32_MAX,
     .initial = "3",
     .help = "live holds of one client at most; default 3"},
    {.name = "holds-max",
     .kind = OPTION_NUMBER,
     FIELD(holds_max),
     .least = 1,
     .most = 10000000,
     .initial = "100000",
     .help = "holds of all clients at most, 1 to 10000000; default 100000"},
    {.name = "commit-timeout",
     .kind = OPTION_NUMBER,
     FIELD(commit_timeout),
     .most = INT32_MAX,
     .initial = "5",
     .help = "seconds a commit may take before what writes is refused, 0 for never; default 5"},
    {.name = "commit-delay",
     .kind = OPTION_NUMBER,
     FIELD(commit_delay),
     .most = 100000,
     .initial = "1000",
     .help = "microseconds a commit may wait for those just answered to join it, 0 for none; default 1000"},
    {.name = "background-slice",
     .kind = OPTION_NUMBER,
     FIELD(background_slice),
     .most = 100000,
     .initial = "100",
     .help = "microseconds hours, calendars and long reads get between bookings, 0 for a step; default 100"},
    {.name = "background-rest",
     .kind = OPTION_NUMBER,
     FIELD(background_rest),
     .most = 1000,
     .initial = "9",
     .help = "times as long that rests then, while others ask; 0 to 1000, default 9"},
    {.name = "maxclients",
     .kind = OPTION_NUMBER,
     FIELD(maxclients),
     .least = 1,
     .most = 1000000,
     .initial = "10000",
     .help = "connections at most; default 10000"},
    {.name = "timeout",
     .kind = OPTION_NUMBER,
     FIELD(timeout),
     .most = INT32_MAX,
     .initial = "0",
     .help = "seconds an idle connection is kept, 0 for ever; default 0"},
    {.name = "request-timeout",
     .kind = OPTION_NUMBER,
     FIELD(request_timeout),
     .most = INT32_MAX,
     .initial = "30",
     .help = "seconds half a request may take to become whole, 0 for ever; default 30"},
    {.name = "multi-commands",
     .kind = OPTION_NUMBER,
     FIELD(multi_commands),
     .least = 1,
     .most = 100000,
     .initial = "1000",
     .help = "requests a MULTI queues at most, 1 to 100000; default 1000"},
    {.name = "multi-size",
     .kind = OPTION_SIZE,
     FIELD(multi_size),
     .least = 4 * KB,
     .most = 64 * MB,
     .step = 1,
     .initial = "256kb",
     .help = "bytes of requests a MULTI queues at most, 4kb to 64mb; default 256kb"},
    {.name = "output-limit",
     .kind = OPTION_SIZE,
     FIELD(output_limit),
     .least = 64 * KB,
     .most = INT64_MAX,
     .step = 1,
     .initial = "8mb",
     .help = "bytes of unread replies a connection may have before it must wait, at least 64kb; default 8mb"},
    {.name = "alternatives-days",
     .kind = OPTION_NUMBER,
     FIELD(alternatives_days),
     .most = ALTERNATIVES_DAYS_MAX,
     .initial = "60",
     .help = "days before and after a slot in which alternatives to it are looked for, 0 to 366; default 60"},
    {.name = "sessions-max-reply",
     .kind = OPTION_NUMBER,
     FIELD(sessions_max_reply),
     .least = 1,
     .most = SESSIONS_REPLY_MAX,
     .initial = "1000",
     .help = "sessions that one SESSIONS answers at most, 1 to 10000; default 1000"},
    {.name = "hot-entries",
     .kind = OPTION_NUMBER,
     FIELD(hot_entries),
     .most = HOT_ENTRIES_MAX,
     .initial = "1024",
     .help = "slots for which each worker counts lost claims (HOT), 0 for none, at most 8192; default 1024"},
    {.name = "busy-sources-max",
     .kind = OPTION_NUMBER,
     FIELD(busy_sources_max),
     .least = 1,
     .most = BUSY_SOURCES_MAX,
     .initial = "8",
     .help = "sources of BUSY that one psychologist has at most, 1 to 64; default 8"},
    {.name = "busy-intervals-max",
     .kind = OPTION_NUMBER,
     FIELD(busy_intervals_max),
     .least = 1,
     .most = BUSY_INTERVALS_MAX,
     .initial = "4096",
     .help = "intervals that one source of BUSY has at most, 1 to 16384; default 4096"},
    {.name = "horizon-days",
     .kind = OPTION_NUMBER,
     FIELD(horizon_days),
     .most = HORIZON_DAYS_MAX,
     .initial = "60",
     .help = "days ahead of today for which slots are opened from HOURS, 0 to 366; default 60"},
    {.name = "retain-days",
     .kind = OPTION_NUMBER,
     FIELD(retain_days),
     .most = RETAIN_DAYS_MAX,
     .initial = "90",
     .help = "days of which slots and sessions are kept where there are HOURS, 0 for all; default 90"},
    {.name = "http-port",
     .kind = OPTION_NUMBER,
     FIELD(http_port),
     .most = UINT16_MAX,
     .initial = "0",
     .help = "TCP port that serves the calendars of feed-file by HTTP, 0 for none; default 0"},
    {.name = "feed-file",
     .kind = OPTION_TEXT,
     FIELD(feed_file),
     .initial = "",
     .help = "file of lines 'path psychologist': who reads whose calendar at /feed/<path>.ics; default \"\", none"},
    {.name = "feed-days-past",
     .kind = OPTION_NUMBER,
     FIELD(feed_days_past),
     .most = FEED_DAYS_MAX,
     .initial = "30",
     .help = "days before today that a calendar shows, 0 to 1000; default 30"},
    {.name = "feed-days-ahead",
     .kind = OPTION_NUMBER,
     FIELD(feed_days_ahead),
     .most = FEED_DAYS_MAX,
     .initial = "366",
     .help = "days from today on that a calendar shows, 0 to 1000; default 366"},
    {.name = "io",
     .kind = OPTION_CHOICE,
     FIELD(io),
     .choices = "auto io_uring posix",
     .initial = "auto",
     .help = "auto, io_uring, or posix (epoll and pwrite); default auto"},
    {.name = "loglevel",
     .kind = OPTION_CHOICE,
     FIELD(loglevel),
     .choices = "debug info warning error",
     .initial = "info",
     .help = "least of debug, info, warning, error that is logged; default info"},
};

#define OPTION_COUNT (sizeof options / sizeof options[0])

static const struct option *find_option(struct span name)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (span_is(name, options[i].name)) {
			return &options[i];
		}
	}
	return NULL;
}

/* ----------------------------------------------------------------------------------------------------------- values */

static void store_number(struct config *config, const struct option *option, uint64_t number)
{
	/* Little-endian (base/bytes.h): the low bytes come first. */
	CHECK(option->width == sizeof number || number >> (8 * option->width) == 0);
	memcpy((uint8_t *)config + option->offset, &number, option->width);
}

static uint64_t load_number(const struct config *config, const struct option *option)
{
	uint64_t number = 0;
	memcpy(&number, (const uint8_t *)config + option->offset, option->width);
	return number;
}

static void store_text(struct config *config, const struct option *option, struct span value)
{
	char *text = (char *)config + option->offset;
	CHECK(value.size < option->width);
	if (value.size > 0) {
		memcpy(text, value.at, value.size);
	}
	text[value.size] = '\0';
}

static const char *load_text(const struct config *config, const struct option *option)
{
	return (const char *)config + option->offset;
}

/* "64mb", "1024": the number before the unit, and the unit. */
static bool read_size(struct span value, uint64_t most, uint64_t *size)
{
	static const struct {
		const char *name;
		uint64_t bytes;
	} units[] = {{"kb", KB}, {"mb", MB}, {"gb", GB}};
	uint64_t unit = 1;
	for (size_t i = 0; i < sizeof units / sizeof units[0] && value.size > 2; i++) {
		if (span_is((struct span){value.at + value.size - 2, 2}, units[i].name)) {
			unit = units[i].bytes;
			value.size -= 2;
			break;
		}
	}
	if (!span_number(value, most / unit, size)) {
		return false;
	}
	*size *= unit;
	return true;
}

static bool is_choice(const char *choices, struct span value)
{
	const char *word = choices;
	for (;;) {
		const size_t size = strcspn(word, " ");
		if (span_equal(value, (struct span){(const uint8_t *)word, size})) {
			return true;
		}
		if (word[size] == '\0') {
			return false;
		}
		word += size + 1;
	}
}

/* Sets an option; false if the value is not allowed. */
static bool set_value(struct config *config, const struct option *option, struct span value)
{
	uint64_t number;
	switch (option->kind) {
	case OPTION_NUMBER:
		if (!span_number(value, option->most, &number) || number < option->least) {
			return false;
		}
		store_number(config, option, number);
		return true;
	case OPTION_SIZE:
		if (!read_size(value, option->most, &number) || number < option->least || number % option->step != 0) {
			return false;
		}
		store_number(config, option, number);
		return true;
	case OPTION_SWITCH:
		if (!span_is(value, "yes") && !span_is(value, "no")) {
			return false;
		}
		store_number(config, option, span_is(value, "yes"));
		return true;
	case OPTION_CHOICE:
		if (!is_choice(option->choices, value)) {
			return false;
		}
		store_text(config, option, value);
		return true;
	case OPTION_TEXT:
		if (value.size >= option->width || (value.size > 0 && memchr(value.at, '\0', value.size) != NULL)) {
			return false;
		}
		store_text(config, option, value);
		return true;
	}
	WRONG("an option is of one of its kinds");
}

/* What an option may be, in words. */
static void describe_allowed(const struct option *option, char *text, size_t size)
{
	switch (option->kind) {
	case OPTION_NUMBER:
		snprintf(text, size, "a whole number from %" PRIu64 " to %" PRIu64, option->least, option->most);
		return;
	case OPTION_SIZE:
		snprintf(text, size, "bytes, or a number with kb, mb or gb, from %" PRIu64 " to %" PRIu64 "%s",
			 option->least, option->most, option->step > 1 ? ", in steps of 4kb" : "");
		return;
	case OPTION_SWITCH:
		snprintf(text, size, "yes or no");
		return;
	case OPTION_TEXT:
		snprintf(text, size, "at most %d bytes of text", CONFIG_TEXT_SIZE - 1);
		return;
	case OPTION_CHOICE:
		snprintf(text, size, "one of: %s", option->choices);
		return;
	}
}

/* `where` is how a person finds the place: "slotd.conf:3: ", or "" for the command line, whose options start with --.
 * */
static bool set_option(struct config *config, const char *where, struct span name, struct span value,
		       struct error *error)
{
	const char *dashes = where[0] == '\0' ? "--" : "";
	const struct option *option = find_option(name);
	if (option == NULL) {
		return error_set(error, ERROR_INVALID, "%sthere is no option %s%.*s; slotd --help lists them", where,
				 dashes, (int)name.size, (const char *)name.at);
	}
	if (!set_value(config, option, value)) {
		char allowed[160];
		describe_allowed(option, allowed, sizeof allowed);
		return error_set(error, ERROR_INVALID, "%s%s%s must be %s; not \"%.*s\"", where, dashes, option->name,
				 allowed, (int)value.size, (const char *)value.at);
	}
	return true;
}

void config_defaults(struct config *config)
{
	*config = (struct config){0};
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const bool allowed = set_value(config, &options[i], span_of(options[i].initial));
		CHECK(allowed);
	}
}

/* ----------------------------------------------------------------------------------------------- file, command line */

static bool parse_line(struct config *config, struct request *words, const char *where, struct span line,
		       struct error *error)
{
	const uint8_t *first = line.at;
	const uint8_t *end = line.at + line.size;
	while (first < end && (*first == ' ' || *first == '\t')) {
		first++;
	}
	if (first < end && *first == '#') {
		return true;
	}
	const char *reason;
	switch (request_split(words, line, &reason)) {
	case REQUEST_EMPTY:
		return true;
	case REQUEST_READY:
		break;
	default:
		return error_set(error, ERROR_INVALID, "%s%s", where, reason);
	}
	if (words->count != 2) {
		return error_set(error, ERROR_INVALID,
				 "%sa line is an option and its value, in quotes if it has blanks", where);
	}
	return set_option(config, where, words->words[0], words->words[1], error);
}

bool config_parse_file(struct config *config, const char *path, struct error *error)
{
	FILE *file = fopen(path, "re");
	if (file == NULL) {
		return error_errno(error, errno, "cannot open the config file %s", path);
	}
	struct request words = {0};
	char *line = NULL;
	size_t capacity = 0;
	bool ok = true;
	ssize_t size;
	for (unsigned number = 1; ok && (size = getline(&line, &capacity, file)) > 0; number++) {
		char where[CONFIG_TEXT_SIZE];
		snprintf(where, sizeof where, "%.200s:%u: ", path, number);
		const size_t end = line[size - 1] == '\n' ? (size_t)size - 1 : (size_t)size;
		ok = parse_line(config, &words, where, (struct span){(const uint8_t *)line, end}, error);
	}
	if (ok && ferror(file)) {
		ok = error_errno(error, errno, "cannot read the config file %s", path);
	}
	free(line);
	request_fini(&words);
	fclose(file);
	return ok;
}

bool config_parse(struct config *config, int argc, char **argv, struct error *error)
{
	int i = 1;
	if (i < argc && strncmp(argv[i], "--", 2) != 0 && !config_parse_file(config, argv[i++], error)) {
		return false;
	}
	for (; i < argc; i += 2) {
		if (strncmp(argv[i], "--", 2) != 0) {
			return error_set(error, ERROR_INVALID,
					 "\"%s\": slotd takes one config file, then options as --name value", argv[i]);
		}
		if (i + 1 == argc) {
			return error_set(error, ERROR_INVALID, "%s needs a value; slotd --help lists the options",
					 argv[i]);
		}
		if (!set_option(config, "", span_of(argv[i] + 2), span_of(argv[i + 1]), error)) {
			return false;
		}
	}
	if (config->hold_ttl > config->hold_ttl_max || config->hold_ttl_max > config->hold_total_max) {
		return error_set(error, ERROR_INVALID,
				 "hold-ttl is at most hold-ttl-max, and that at most hold-total-max");
	}
	return true;
}

/* ---------------------------------------------------------------------------------------------------------- showing */

bool config_entry(const struct config *config, size_t i, struct config_entry *entry)
{
	if (i >= OPTION_COUNT) {
		return false;
	}
	const struct option *option = &options[i];
	entry->name = option->name;
	entry->help = option->help;
	switch (option->kind) {
	case OPTION_NUMBER:
	case OPTION_SIZE:
		snprintf(entry->value, sizeof entry->value, "%" PRIu64, load_number(config, option));
		break;
	case OPTION_SWITCH:
		snprintf(entry->value, sizeof entry->value, "%s", load_number(config, option) != 0 ? "yes" : "no");
		break;
	case OPTION_TEXT:
	case OPTION_CHOICE:
		snprintf(entry->value, sizeof entry->value, "%s", load_text(config, option));
		break;
	}
	return true;
}

void config_help(FILE *stream)
{
	fputs("usage: slotd [FILE] [--name value]...\n"
	      "\n"
	      "Hands out appointment slots over TCP: many clients race for one, exactly one gets it, none is lost.\n"
	      "FILE has lines `name value` with the same names; the command line wins.\n"
	      "\n",
	      stream);
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		fprintf(stream, "  --%-16s %s\n", options[i].name, options[i].help);
	}
	fputs("\n"
	      "  --help             this text\n"
	      "  --version          the version\n",
	      stream);
}
