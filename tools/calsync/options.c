/*
 * options: see the header. One table for both: what a word is called, what it takes, where that goes.
 */
#include <base/check.h>
#include <base/intern.h>
#include <base/version.h>
#include <calsync/options.h>
#include <calsync/url.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum kind {
	KIND_SWITCH,
	KIND_TEXT,
	KIND_NUMBER,
	KIND_SIZE,
	KIND_SECONDS,
	KIND_DAYS,
	KIND_NAMED,
	KIND_CONFIG,
	KIND_HELP,
	KIND_VERSION,
};

struct word {
	const char *name;
	enum kind kind;
	size_t offset;
	uint64_t least;
	uint64_t most;
	const char *value; /* for --help */
	const char *help;
};

#define AT(field) offsetof(struct options, field)

static const struct word words[] = {
    {"server", KIND_TEXT, AT(server), 0, 0, "HOST:PORT", "the slotd to tell; default 127.0.0.1:5545"},
    {"once", KIND_SWITCH, AT(once), 0, 0, "", "one run, then exit (for cron and timers)"},
    {"every", KIND_SECONDS, AT(every), 1, 86400, "TIME", "between two runs, as 90s, 15m, 2h; default 15m"},
    {"horizon", KIND_DAYS, AT(horizon), 1, 366, "DAYS", "how far ahead, as 60d; default 60d"},
    {"calendar", KIND_NAMED, AT(calendars), 0, 0, "PSYCHOLOGIST=URL",
     "a calendar to follow, also several of one: https://, webcal:// or caldav+https://;\n"
     "                        if none is named, the server is asked (CALENDAR GET)"},
    {"zone", KIND_NAMED, AT(zones), 0, 0, "PSYCHOLOGIST=ZONE", "as Europe/Berlin; default the server's"},
    {"password-file", KIND_NAMED, AT(passwords), 0, 0, "PSYCHOLOGIST=FILE", "its first line is user:password"},
    {"netrc-file", KIND_TEXT, AT(netrc), 0, 0, "FILE", "users and passwords by host, as ~/.netrc"},
    {"allow-http", KIND_SWITCH, AT(allow_http), 0, 0, "", "allow calendars without TLS"},
    {"ca-file", KIND_TEXT, AT(ca_file), 0, 0, "FILE", "certificates to trust instead of the system's"},
    {"state", KIND_TEXT, AT(state), 0, 0, "DIR", "keep what is known between runs, in files only we can read"},
    {"show", KIND_SWITCH, AT(show), 0, 0, "", "print the busy times, tell no server (with --once)"},
    {"parallel", KIND_NUMBER, AT(limits.parallel), 1, 64, "N", "calendars fetched at once; default 8"},
    {"max-bytes", KIND_SIZE, AT(limits.bytes), 1024, UINT64_C(1) << 30, "SIZE",
     "of one answer, unpacked; default 16mb"},
    {"max-seconds", KIND_NUMBER, AT(limits.seconds), 1, 3600, "N", "for one calendar, in all; default 30"},
    {"max-redirects", KIND_NUMBER, AT(limits.redirects), 0, 50, "N", "default 5"},
    {"max-events", KIND_NUMBER, AT(limits.events), 1, 1000000, "N", "in one calendar; default 20000"},
    {"max-occurrences", KIND_NUMBER, AT(limits.occurrences), 1, 100000, "N", "of one event; default 5000"},
    {"config", KIND_CONFIG, 0, 0, 0, "FILE", "read these words from a file: a line each, without the --"},
    {"help", KIND_HELP, 0, 0, 0, "", "print this"},
    {"version", KIND_VERSION, 0, 0, 0, "", "print the version"},
};

#define WORDS (sizeof words / sizeof words[0])

static void print_help(void)
{
	puts("usage: slotd-calsync [--name value]...\n\n"
	     "Follows the calendars of psychologists and tells slotd when they are busy elsewhere (BUSY).\n");
	for (size_t i = 0; i < WORDS; i++) {
		char left[64];
		snprintf(left, sizeof left, "--%s %s", words[i].name, words[i].value);
		printf("  %-*s  %s\n", strlen(left) > 20 ? 0 : 20, left, words[i].help);
	}
	puts(
	    "\nExit status: 0 every calendar is fresh: the server has what it says now; 1 some are not, the lines say\n"
	    "which and why; 2 bad usage.");
}

/* ---- values ---- */

/* A number and what is behind it. */
static bool read_number(const char *text, uint64_t most, uint64_t *number, const char **unit)
{
	size_t digits = strspn(text, "0123456789");
	*unit = text + digits;
	return span_number((struct span){(const uint8_t *)text, digits}, most, number);
}

static const struct {
	enum kind kind;
	const char *unit;
	uint64_t factor;
} units[] = {
    {KIND_SECONDS, "s", 1},     {KIND_SECONDS, "m", 60},    {KIND_SECONDS, "h", 3600},
    {KIND_DAYS, "d", 1},        {KIND_SIZE, "kb", 1 << 10}, {KIND_SIZE, "mb", 1 << 20},
    {KIND_SIZE, "gb", 1 << 30}, {KIND_SIZE, "", 1},         {KIND_NUMBER, "", 1},
};

static const char *const unit_words[] = {[KIND_SECONDS] = ", with s, m or h",
					 [KIND_DAYS] = " days, as 60d",
					 [KIND_SIZE] = " bytes, with kb, mb or gb",
					 [KIND_NUMBER] = ""};

static bool take_number(struct options *options, const struct word *word, const char *value, struct error *error)
{
	uint64_t number = 0;
	const char *unit = "";
	const bool is_number = read_number(value, word->most, &number, &unit);
	for (size_t i = 0; is_number && i < sizeof units / sizeof units[0]; i++) {
		const uint64_t scaled = number * units[i].factor; /* both are small enough */
		if (units[i].kind == word->kind && strcmp(units[i].unit, unit) == 0 && scaled >= word->least &&
		    scaled <= word->most) {
			void *field = (char *)options + word->offset;
			if (word->kind == KIND_SIZE) {
				*(uint64_t *)field = scaled;
			} else {
				*(uint32_t *)field = (uint32_t)scaled;
			}
			return true;
		}
	}
	return error_set(error, ERROR_INVALID, "must be %llu to %llu%s", (unsigned long long)word->least,
			 (unsigned long long)word->most, unit_words[word->kind]);
}

static bool take_named(struct named_list *list, const struct word *word, const char *value, struct error *error)
{
	const size_t size = strcspn(value, "= \t");
	const char *rest = value + size;
	rest += *rest != '\0';
	rest += strspn(rest, " \t");
	if (!token_valid((struct span){(const uint8_t *)value, size})) {
		return error_set(error, ERROR_INVALID,
				 "begins with a psychologist: 1 to 64 characters of A-Z a-z 0-9 _ - . : @");
	}
	if (*rest == '\0') {
		return error_set(error, ERROR_INVALID, "must be %s", word->value);
	}
	if (list->count == CALENDARS_MAX) {
		return error_set(error, ERROR_INVALID, "more than %d of them", CALENDARS_MAX);
	}
	char psychologist[TOKEN_SIZE_MAX + 1];
	snprintf(psychologist, sizeof psychologist, "%.*s", (int)size, value);
	named_add(list, psychologist, rest);
	return true;
}

static bool take_switch(bool *field, const char *value, struct error *error)
{
	if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0) {
		return error_set(error, ERROR_INVALID, "must be yes or no");
	}
	*field = value[0] == 'y';
	return true;
}

static bool take_file(struct options *options, const char *path, struct error *error);

static bool take(struct options *options, const struct word *word, const char *value, struct error *error)
{
	void *field = (char *)options + word->offset;
	switch (word->kind) {
	case KIND_SWITCH:
		return take_switch(field, value, error);
	case KIND_TEXT:
		free(*(char **)field);
		*(char **)field = strdup(value);
		return value[0] != '\0' || error_set(error, ERROR_INVALID, "must not be empty");
	case KIND_NAMED:
		return take_named(field, word, value, error);
	case KIND_CONFIG:
		return take_file(options, value, error);
	case KIND_HELP:
	case KIND_VERSION:
		return error_set(error, ERROR_INVALID, "is for the command line");
	default:
		return take_number(options, word, value, error);
	}
}

static const struct word *find(const char *name, size_t size)
{
	for (size_t i = 0; i < WORDS; i++) {
		if (strlen(words[i].name) == size && memcmp(words[i].name, name, size) == 0) {
			return &words[i];
		}
	}
	return NULL;
}

/* ---- the file ---- */

/* One line of the file; an empty one and a comment are nothing. */
static bool take_line(struct options *options, char *line, struct error *error)
{
	line += strspn(line, " \t");
	size_t end = strlen(line);
	while (end > 0 && isspace((unsigned char)line[end - 1])) {
		line[--end] = '\0';
	}
	if (line[0] == '\0' || line[0] == '#') {
		return true;
	}
	const size_t size = strcspn(line, " \t");
	const struct word *word = find(line, size);
	if (word == NULL || word->kind == KIND_CONFIG) {
		return error_set(error, ERROR_INVALID, "no word %.*s (see --help)", (int)size, line);
	}
	struct error why;
	const char *value = line + size + strspn(line + size, " \t");
	return take(options, word, value, &why) || error_set(error, ERROR_INVALID, "%s %s", word->name, why.text);
}

static bool take_file(struct options *options, const char *path, struct error *error)
{
	if (!file_is_private(path, error)) {
		return false;
	}
	FILE *file = fopen(path, "re");
	if (file == NULL) {
		return error_errno(error, errno, "cannot read %s", path);
	}
	char *line = NULL;
	size_t room = 0;
	bool is_good = true;
	for (size_t number = 1; is_good && getline(&line, &room, file) >= 0; number++) {
		struct error why;
		is_good = take_line(options, line, &why) ||
			  error_set(error, ERROR_INVALID, "%s line %zu: %s", path, number, why.text);
	}
	free(line);
	fclose(file);
	return is_good;
}

/* ---- the command line ---- */

/* What others may see of our command line from now on. */
static void hide(char *value)
{
	memset(value, '*', strlen(value));
}

static bool has_password(const struct named *calendar)
{
	struct url url;
	const bool has = url_parse(&url, calendar->value, true, NULL) && url.credentials != NULL;
	url_fini(&url);
	return has;
}

static bool take_argument(struct options *options, int argc, char **argv, int *at, struct error *error)
{
	char *name = argv[(*at)++];
	const struct word *word = strncmp(name, "--", 2) == 0 ? find(name + 2, strlen(name + 2)) : NULL;
	if (word == NULL) {
		return error_set(error, ERROR_INVALID, "no option %s (see --help)", name);
	}
	if (word->kind == KIND_SWITCH) {
		return take(options, word, "yes", error);
	}
	if (*at == argc) {
		return error_set(error, ERROR_INVALID, "%s needs a value: %s", name, word->value);
	}
	char *value = argv[(*at)++];
	struct error why;
	if (!take(options, word, value, &why)) {
		return error_set(error, ERROR_INVALID, word->kind == KIND_CONFIG ? "%s%s" : "%s %s",
				 word->kind == KIND_CONFIG ? "" : name, why.text);
	}
	if (word->offset == AT(calendars) && word->kind == KIND_NAMED) {
		hide(value);
		if (has_password(&options->calendars.at[options->calendars.count - 1])) {
			return error_set(
			    error, ERROR_INVALID,
			    "a password has no place on a command line, which others can read: use --config, "
			    "--password-file or --netrc-file");
		}
	}
	return true;
}

static bool check(const struct options *options, struct error *error)
{
	struct error why;
	for (size_t i = 0; i < options->calendars.count; i++) {
		const struct named *calendar = &options->calendars.at[i];
		struct url url;
		const bool is_good = url_parse(&url, calendar->value, options->allow_http, &why);
		url_fini(&url);
		if (!is_good) {
			return error_set(error, ERROR_INVALID, "calendar of %s: %s", calendar->psychologist, why.text);
		}
	}
	for (size_t i = 0; i < options->passwords.count; i++) {
		if (!file_is_private(options->passwords.at[i].value, error)) {
			return false;
		}
	}
	if (options->netrc != NULL && !file_is_private(options->netrc, error)) {
		return false;
	}
	return !options->show || options->once || error_set(error, ERROR_INVALID, "--show goes with --once");
}

bool options_parse(struct options *options, int argc, char **argv, int *status)
{
	*options = (struct options){.every = 900, .horizon = 60, .limits = LIMITS_DEFAULT};
	options->server = strdup("127.0.0.1:5545");
	*status = STATUS_FRESH;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0) {
			print_help();
			return false;
		}
		if (strcmp(argv[i], "--version") == 0) {
			puts("slotd-calsync " SLOTD_VERSION);
			return false;
		}
	}
	struct error error;
	bool is_good = true;
	for (int at = 1; is_good && at < argc;) {
		is_good = take_argument(options, argc, argv, &at, &error);
	}
	if (!is_good || !check(options, &error)) {
		fprintf(stderr, "slotd-calsync: %s\n", error.text);
		*status = STATUS_USAGE;
		return false;
	}
	return true;
}

void options_fini(struct options *options)
{
	named_fini(&options->calendars);
	named_fini(&options->zones);
	named_fini(&options->passwords);
	free(options->server);
	free(options->state);
	free(options->netrc);
	free(options->ca_file);
}
