/*
 * options: see the header.
 */
#include "options.h"

#include <base/version.h>
#include <getopt.h>
#include <stdio.h>

static const char help[] =
    "usage: slotd-replay DIR [OPTION]...\n"
    "\n"
    "Prints what is in the log of a slotd data directory, one line a record. The server may be running;\n"
    "but for --repair nothing is written and nothing is locked.\n"
    "\n"
    "What to do\n"
    "  --verify       check everything instead of printing: blocks, records, and that no slot is taken twice\n"
    "  --dump         print what slots and sessions there are in the end, in a defined order: two directories that\n"
    "                 say the same dump the same. Goes with --end, as --format resp\n"
    "  --stats        print how much there is of what instead\n"
    "  --follow       go on with what a running server appends, until interrupted (Ctrl-C). A record is shown\n"
    "                 when it is durable: a later block says so, or this program has flushed the file\n"
    "  --format F     text (the default); json, one object a line; or resp: the commands that fill an empty\n"
    "                 server with the same state, for redis-cli --pipe: slots, sessions with their ids, versions\n"
    "                 and times, holds, calendars. A log that begins with lsn 1 is sent with its history and is the\n"
    "                 same there; one that begins with a snapshot is sent as what it comes to, with lsn of its own.\n"
    "                 Nothing is printed of a damaged log. Goes with --end: the state as of that lsn\n"
    "  --quiet        print no records and no verdict; the exit status says it\n"
    "\n"
    "Which records\n"
    "  --start LSN    from this one on\n"
    "  --end LSN      up to this one; what is behind it is not read\n"
    "  --limit N      no more than this many; what is behind them is not read\n"
    "  --since TIME   written at this time or later, by the wall clock of the server\n"
    "  --until TIME   written before this time. TIME is UTC: 2026-12-01, 2026-12-01T10:00, 2026-12-01T10:00:30Z\n"
    "  --slot S       about this psychologist, or psychologist/date, or psychologist/date/time\n"
    "  --session ID   about this session\n"
    "\n"
    "When slotd refuses the log\n"
    "  --repair       say what is wrong, and every session and slot that would be lost by cutting the log before\n"
    "                 the damage. No server may be running\n"
    "  --yes          and do it. What is cut or removed is kept in DIR/repair-<time>/ first. Without --yes only\n"
    "                 a torn tail is cut, and only when a person is there (standard input is a terminal)\n"
    "\n"
    "  --version      print the version\n"
    "  --help         print this\n"
    "\n"
    "Exit status: 0 the log is sound (after --repair: and nothing that was acknowledged is gone); 1 it is damaged\n"
    "(standard error says where and what is missing), or was written by a newer slotd; 2 bad usage, or something\n"
    "could not be read or written; 3 it was repaired, and acknowledged records are gone from it.\n";

enum word {
	OPTION_VERIFY = 1,
	OPTION_DUMP,
	OPTION_STATS,
	OPTION_FOLLOW,
	OPTION_FORMAT,
	OPTION_QUIET,
	OPTION_START,
	OPTION_END,
	OPTION_LIMIT,
	OPTION_SINCE,
	OPTION_UNTIL,
	OPTION_SLOT,
	OPTION_SESSION,
	OPTION_REPAIR,
	OPTION_YES,
	OPTION_VERSION,
	OPTION_HELP,
};

static const struct option words[] = {
    {"verify", no_argument, NULL, OPTION_VERIFY},
    {"dump", no_argument, NULL, OPTION_DUMP},
    {"stats", no_argument, NULL, OPTION_STATS},
    {"follow", no_argument, NULL, OPTION_FOLLOW},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"quiet", no_argument, NULL, OPTION_QUIET},
    {"start", required_argument, NULL, OPTION_START},
    {"end", required_argument, NULL, OPTION_END},
    {"limit", required_argument, NULL, OPTION_LIMIT},
    {"since", required_argument, NULL, OPTION_SINCE},
    {"until", required_argument, NULL, OPTION_UNTIL},
    {"slot", required_argument, NULL, OPTION_SLOT},
    {"session", required_argument, NULL, OPTION_SESSION},
    {"repair", no_argument, NULL, OPTION_REPAIR},
    {"yes", no_argument, NULL, OPTION_YES},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, OPTION_HELP},
    {0},
};

static bool usage(int *status, const char *what, const char *word)
{
	fprintf(stderr, "slotd-replay: %s%s\ntry: slotd-replay --help\n", what, word);
	*status = STATUS_NO_ANSWER;
	return false;
}

static bool take_format(struct options *options, const char *word, int *status)
{
	static const char *const names[] = {[FORMAT_TEXT] = "text", [FORMAT_JSON] = "json", [FORMAT_RESP] = "resp"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strcmp(word, names[i]) == 0) {
			options->format = (enum format)i;
			return true;
		}
	}
	return usage(status, "--format is text, json or resp, not ", word);
}

static bool take_number(uint64_t *number, const char *word, int *status)
{
	return span_number(span_of(word), UINT64_MAX, number) || usage(status, "not a number: ", word);
}

static bool take_moment(uint64_t *at_ms, const char *word, int *status)
{
	return selection_parse_moment(span_of(word), at_ms) ||
	       usage(status, "a time is 2026-12-01, 2026-12-01T10:00 or 2026-12-01T10:00:30Z (UTC), not ", word);
}

/* Takes an option that says which records. */
static bool take_selection(struct selection *selection, int option, const char *word, int *status)
{
	switch (option) {
	case OPTION_START:
		return take_number(&selection->start_lsn, word, status);
	case OPTION_END:
		return take_number(&selection->end_lsn, word, status);
	case OPTION_LIMIT:
		return take_number(&selection->limit, word, status);
	case OPTION_SINCE:
		return take_moment(&selection->since_ms, word, status);
	case OPTION_UNTIL:
		return take_moment(&selection->until_ms, word, status);
	case OPTION_SLOT:
		return selection_parse_slot(selection, span_of(word)) ||
		       usage(status, "--slot is psychologist, psychologist/date or psychologist/date/time, not ", word);
	case OPTION_SESSION:
		return take_number(&selection->session, word, status) &&
		       (selection->session != 0 || usage(status, "no session has this id: ", word));
	default:
		return usage(status, "unknown option, or one without its value", "");
	}
}

static bool take_option(struct options *options, int option, int *status)
{
	switch (option) {
	case OPTION_VERIFY:
		options->verify = true;
		return true;
	case OPTION_DUMP:
		options->dump = true;
		return true;
	case OPTION_STATS:
		options->stats = true;
		return true;
	case OPTION_FOLLOW:
		options->follow = true;
		return true;
	case OPTION_FORMAT:
		return take_format(options, optarg, status);
	case OPTION_QUIET:
		options->quiet = true;
		return true;
	case OPTION_REPAIR:
		options->repair = true;
		return true;
	case OPTION_YES:
		options->yes = true;
		return true;
	case OPTION_VERSION:
		puts("slotd-replay " SLOTD_VERSION);
		*status = STATUS_SOUND;
		return false;
	case OPTION_HELP:
		fputs(help, stdout);
		*status = STATUS_SOUND;
		return false;
	default:
		return take_selection(&options->selection, option, optarg, status);
	}
}

/* Do the options make sense together? */
static bool check(const struct options *options, int *status)
{
	struct selection narrowed = options->selection;
	if (options->yes && !options->repair) {
		return usage(status, "--yes goes with --repair only", "");
	}
	if (options->repair && (options->verify || options->dump || options->stats || options->follow ||
				options->quiet || options->format != FORMAT_TEXT || selection_narrows(&narrowed))) {
		return usage(status, "--repair goes with --yes only", "");
	}
	if (options->verify && (options->follow || selection_narrows(&narrowed))) {
		return usage(status, "--verify checks all of the log: it goes with --stats, --quiet and --format only",
			     "");
	}
	if (options->format == FORMAT_RESP || options->dump) {
		narrowed.end_lsn = UINT64_MAX;
		if (options->verify || options->stats || options->follow || options->quiet ||
		    (options->dump && options->format != FORMAT_TEXT) || selection_narrows(&narrowed)) {
			return usage(status, options->dump ? "--dump" : "--format resp", " goes with --end only");
		}
	}
	return true;
}

bool options_parse(struct options *options, int argc, char **argv, int *status)
{
	*options = (struct options){0};
	selection_init(&options->selection);
	for (int option; (option = getopt_long(argc, argv, "", words, NULL)) != -1;) {
		if (!take_option(options, option, status)) {
			return false;
		}
	}
	if (optind + 1 != argc) {
		return usage(status, "name one data directory", "");
	}
	options->directory = argv[optind];
	return check(options, status);
}
