/*
 * options: see options.h.
 *
 * Most options are one field of `struct options`: a table says which, and what it may be.
 */
#include <base/bytes.h>
#include <bench/options.h>
#include <bench/services.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define EXIT_USAGE 2

_Noreturn void options_refuse(const char *what, const char *value, const char *allowed)
{
	fprintf(stderr, "slotd-bench: %s '%s': %s (see --help)\n", what, value, allowed);
	exit(EXIT_USAGE);
}

/* The number an option was given; exits if it is none from 1 to `most`. */
static uint32_t read_number(const char *option, const char *text, uint32_t most)
{
	uint64_t number = 0;
	if (!span_number(span_of(text), most, &number) || number == 0) {
		char what[64];
		char allowed[64];
		snprintf(what, sizeof what, "--%s", option);
		snprintf(allowed, sizeof allowed, "must be a number from 1 to %u", most);
		options_refuse(what, text, allowed);
	}
	return (uint32_t)number;
}

/* HOST:PORT, resolved once here so that a bad one is bad usage. */
static const char *read_server(const char *text)
{
	struct address address;
	struct error error;
	if (!address_parse(&address, text, &error)) {
		options_refuse("--server", text, error.text);
	}
	return text;
}

static void read_levels(struct options *options, char *text)
{
	options->level_count = 0;
	for (char *rest = text; rest != NULL;) {
		if (options->level_count == LEVELS_MAX) {
			options_refuse("--levels", rest, "more levels than 64");
		}
		char *level = strsep(&rest, ",");
		options->levels[options->level_count++] = read_number("levels", level, LEVEL_MAX);
	}
}

static const struct peer *read_peer(const char *name, const struct peer *const *peers)
{
	for (; *peers != NULL; peers++) {
		if (strcmp((*peers)->name, name) == 0) {
			return *peers;
		}
	}
	options_refuse("--peer", name, "unknown to this program");
}

/* A word of a sheet, or of a file name. */
static const char *read_word(const char *option, const char *text)
{
	if (text[0] == '\0' || strlen(text) >= 40 || strpbrk(text, " \t\n") != NULL) {
		options_refuse(option, text, "must be a word of less than 40 bytes");
	}
	return text;
}

static struct options default_options(const struct peer *const *peers)
{
	const long processors = sysconf(_SC_NPROCESSORS_ONLN);
	return (struct options){
	    .mode = "race",
	    .timeout_ms = 10000,
	    .levels = {5, 10, 20, 30, 100, 1000},
	    .level_count = 6,
	    .rounds = 20,
	    .threads = processors < 4 ? 1 : 2, /* the server is to have processors, too */
	    .background = true,
	    .background_rate = 1000,
	    .peer = peers[0],
	    .connections = 50,
	    .pipeline = 1,
	    .seconds = 2,
	    .beside = "services",
	    .repetition = 1,
	};
}

#define FIELD(member) offsetof(struct options, member)

/* Options that are one number from 1 on. */
static const struct {
	const char *name;
	uint32_t most;
	size_t field;
} numbers[] = {
    {"rounds", ROUNDS_MAX, FIELD(rounds)},
    {"threads", CREWS_MAX, FIELD(threads)},
    {"background-rate", BACKGROUND_RATE_MAX, FIELD(background_rate)},
    {"connections", CONNECTIONS_MAX, FIELD(connections)},
    {"pipeline", PIPELINE_MAX, FIELD(pipeline)},
    {"rate", RATE_MAX, FIELD(rate)},
    {"seconds", SECONDS_MAX, FIELD(seconds)},
    {"requests", REQUESTS_MAX, FIELD(requests)},
    {"repetition", REPETITION_MAX, FIELD(repetition)},
};

static bool set_number(struct options *options, const char *name, const char *text)
{
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		if (strcmp(numbers[i].name, name) == 0) {
			const uint32_t number = read_number(name, text, numbers[i].most);
			memcpy((char *)options + numbers[i].field, &number, sizeof number);
			return true;
		}
	}
	return false;
}

static void set_text(struct options *options, int option, char *text, const struct peer *const *peers)
{
	switch (option) {
	case 'l':
		read_levels(options, text);
		break;
	case 's':
		options->server = read_server(text);
		break;
	case 'd':
		options->dir = text;
		break;
	case 'n':
		options->background = false;
		break;
	case 'w':
		options->timeout_ms = 1000 * read_number("timeout", text, TIMEOUT_S_MAX);
		break;
	case 'p':
		options->peer = read_peer(text, peers);
		break;
	case 'D':
		options->durable = true;
		break;
	case 'b':
		if (!services_known(text)) {
			options_refuse("--beside", text, "must be services, growth or snapshot");
		}
		options->beside = text;
		break;
	case 'H':
		options->hgrm = text;
		break;
	case 'S':
		options->sheet = text;
		break;
	case 'R':
		options->row = read_word("--row", text);
		break;
	default:
		options->who = read_word("--who", text);
		break;
	}
}

struct options options_read(int argc, char **argv, const struct peer *const *peers, const char *usage)
{
	static const struct option names[] = {
	    {"rounds", required_argument, NULL, 0},
	    {"threads", required_argument, NULL, 0},
	    {"rate", required_argument, NULL, 0},
	    {"background-rate", required_argument, NULL, 0},
	    {"pipeline", required_argument, NULL, 0},
	    {"connections", required_argument, NULL, 0},
	    {"seconds", required_argument, NULL, 0},
	    {"requests", required_argument, NULL, 0},
	    {"repetition", required_argument, NULL, 0},
	    {"levels", required_argument, NULL, 'l'},
	    {"server", required_argument, NULL, 's'},
	    {"dir", required_argument, NULL, 'd'},
	    {"no-background", no_argument, NULL, 'n'},
	    {"timeout", required_argument, NULL, 'w'},
	    {"peer", required_argument, NULL, 'p'},
	    {"durable", no_argument, NULL, 'D'},
	    {"beside", required_argument, NULL, 'b'},
	    {"hgrm", required_argument, NULL, 'H'},
	    {"sheet", required_argument, NULL, 'S'},
	    {"row", required_argument, NULL, 'R'},
	    {"who", required_argument, NULL, 'W'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	struct options options = default_options(peers);
	int option;
	int index = 0;
	while ((option = getopt_long(argc, argv, "", names, &index)) != -1) {
		if (option == '?') {
			exit(EXIT_USAGE); /* getopt_long has said what is wrong */
		}
		if (option == 'h') {
			fputs(usage, stdout);
			exit(0);
		}
		if (option != 0 || !set_number(&options, names[index].name, optarg)) {
			set_text(&options, option, optarg, peers);
		}
	}
	if (argc - optind > 1) {
		options_refuse("argument", argv[optind + 1], "one mode at a time");
	}
	options.mode = optind < argc ? argv[optind] : options.mode;
	options.row = options.row != NULL ? options.row : options.mode;
	options.who = options.who != NULL ? options.who : options.peer->name;
	return options;
}
