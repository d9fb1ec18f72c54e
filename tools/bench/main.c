/*
 * slotd-bench: measures slotd, and proves that what it measures is right.
 *
 *   main.c        options, and which mode runs
 *   race.c        mode race: who gets the slot                    background.c   the two services beside it
 *   crew.c        the connections of a race, and its one moment   audit.c        the proof: server and log asked again
 *   ledger.c      the races run, and their winners                report.c       table, failures, progress
 *   server.c      the server under test                           process.c      programs started beside the bench
 *   connection.c  ask and wait for the answer                     answer.c       RESP2 in words
 *   histogram.c   latencies
 *
 * A mode is a function of the options that returns the exit status: 0 all is well, 1 something is wrong, 2 bad usage.
 * docs/BENCHMARKS.md says how to read what it prints.
 */
#include <base/bytes.h>
#include <base/error.h>
#include <bench/connection.h>
#include <bench/race.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_USAGE 2

static const char usage[] =
    "usage: slotd-bench [MODE] [OPTION]...\n"
    "\n"
    "Modes\n"
    "  race    N connections claim one slot at the same moment, the background services running (the default)\n"
    "\n"
    "Options\n"
    "  --levels N,N,...       connections of a race, up to 10000 each (5,10,20,30,100,1000)\n"
    "  --rounds N             races of each level (20)\n"
    "  --threads N            client threads that drive the connections (2, or fewer processors)\n"
    "  --server HOST:PORT     a server that runs already; without it slotd is started, on a free loopback port with\n"
    "                         2 GB maxmemory, and stopped at the end. The background load purges past days there:\n"
    "                         never point it at a server with records to keep\n"
    "  --dir DIR              data directory of the server that is started, and is kept (a temporary one);\n"
    "                         with --server, where its log is, to check it\n"
    "  --background-rate N    operations a second of each background service (1000)\n"
    "  --no-background        races alone\n"
    "  --timeout SECONDS      longest wait for an answer (10)\n"
    "  --help                 this text\n"
    "\n"
    "Exit status: 0 one winner in every race by its replies, by the server afterwards and by its log; 1 a duplicate, "
    "a\n"
    "lost answer, a timeout, an unexpected reply, or a server that does not start or stop; 2 bad usage.\n";

static const struct {
	const char *name;
	int (*run)(const struct options *options);
} modes[] = {
    {"race", race_run},
};

static _Noreturn void refuse(const char *what, const char *value, const char *allowed)
{
	fprintf(stderr, "slotd-bench: %s '%s': %s (see --help)\n", what, value, allowed);
	exit(EXIT_USAGE);
}

/* The number an option was given; exits if it is none from 1 to `most`. */
static uint32_t read_number(const char *option, const char *text, uint32_t most)
{
	uint64_t number = 0;
	if (!span_number(span_of(text), most, &number) || number == 0) {
		char allowed[64];
		snprintf(allowed, sizeof allowed, "must be a number from 1 to %u", most);
		refuse(option, text, allowed);
	}
	return (uint32_t)number;
}

/* HOST:PORT, resolved once here so that a bad one is bad usage. */
static const char *read_server(const char *text)
{
	struct address address;
	struct error error;
	if (!address_parse(&address, text, &error)) {
		refuse("--server", text, error.text);
	}
	return text;
}

static void read_levels(struct options *options, char *text)
{
	options->level_count = 0;
	for (char *rest = text; rest != NULL;) {
		if (options->level_count == LEVELS_MAX) {
			refuse("--levels", rest, "more levels than 64");
		}
		char *level = strsep(&rest, ",");
		options->levels[options->level_count++] = read_number("--levels", level, LEVEL_MAX);
	}
}

static struct options default_options(void)
{
	const long processors = sysconf(_SC_NPROCESSORS_ONLN);
	return (struct options){
	    .levels = {5, 10, 20, 30, 100, 1000},
	    .level_count = 6,
	    .rounds = 20,
	    .threads = processors == 1 ? 1 : 2,
	    .background = true,
	    .background_rate = 1000,
	    .timeout_ms = 10000,
	};
}

static struct options read_options(int argc, char **argv)
{
	static const struct option names[] = {
	    {"levels", required_argument, NULL, 'l'},  {"rounds", required_argument, NULL, 'r'},
	    {"threads", required_argument, NULL, 't'}, {"server", required_argument, NULL, 's'},
	    {"dir", required_argument, NULL, 'd'},     {"background-rate", required_argument, NULL, 'b'},
	    {"no-background", no_argument, NULL, 'n'}, {"timeout", required_argument, NULL, 'w'},
	    {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
	};
	struct options options = default_options();
	int option;
	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (option) {
		case 'l':
			read_levels(&options, optarg);
			break;
		case 'r':
			options.rounds = read_number("--rounds", optarg, ROUNDS_MAX);
			break;
		case 't':
			options.threads = read_number("--threads", optarg, CREWS_MAX);
			break;
		case 's':
			options.server = read_server(optarg);
			break;
		case 'd':
			options.dir = optarg;
			break;
		case 'b':
			options.background_rate = read_number("--background-rate", optarg, BACKGROUND_RATE_MAX);
			break;
		case 'n':
			options.background = false;
			break;
		case 'w':
			options.timeout_ms = 1000 * read_number("--timeout", optarg, TIMEOUT_S_MAX);
			break;
		case 'h':
			fputs(usage, stdout);
			exit(0);
		default:
			exit(EXIT_USAGE); /* getopt_long has said what is wrong */
		}
	}
	return options;
}

int main(int argc, char **argv)
{
	const struct options options = read_options(argc, argv);
	const char *mode = optind < argc ? argv[optind] : modes[0].name;
	if (argc - optind > 1) {
		refuse("argument", argv[optind + 1], "one mode at a time");
	}
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		if (strcmp(modes[i].name, mode) == 0) {
			return modes[i].run(&options);
		}
	}
	refuse("mode", mode, "unknown");
}
