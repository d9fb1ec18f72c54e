/*
 * race: see race.h.
 */
#include <base/bytes.h>
#include <base/check.h>
#include <bench/audit.h>
#include <bench/background.h>
#include <bench/crew.h>
#include <bench/figures.h>
#include <bench/race.h>
#include <bench/report.h>
#include <bench/server.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>

/* Descriptors beside those of the racers: the crews' and the background's, the files and sockets of the rest. */
#define OTHER_DESCRIPTORS (CREWS_MAX + 64)

#define NS_PER_US 1e3

struct races {
	const struct options *options;
	struct server server;
	struct connection control; /* opens the hours, audits */
	struct ledger ledger;
	struct report report;
	struct background background;
};

/* What one racer was answered. */
enum verdict {
	VERDICT_WON,
	VERDICT_REFUSED,
	VERDICT_WRONG, /* neither, or not in time */
};

static enum verdict judge_racer(const struct racer *racer, uint64_t *session)
{
	if (racer->state != RACER_ANSWERED) {
		return VERDICT_WRONG;
	}
	const struct span line = {(const uint8_t *)racer->answer, racer->answer_size};
	if (span_equal(line, span_of("-" AUDIT_TAKEN "\r\n"))) {
		return VERDICT_REFUSED;
	}
	struct answer answer;
	size_t used;
	const bool won =
	    answer_parse(&answer, line, &used) == ANSWER_WHOLE && used == line.size && answer_number(&answer, session);
	return won ? VERDICT_WON : VERDICT_WRONG;
}

static void fail_racer(struct races *races, const struct report_level *level, uint32_t client,
		       const struct racer *racer)
{
	const char *why = "was answered";
	if (racer->state == RACER_WAITING) {
		why = "got no whole answer in time, only";
	} else if (racer->state == RACER_BROKEN) {
		why = racer->answer_size == 0 ? "lost its connection" : "lost its connection or got too much";
	}
	char shown[RACER_ANSWER_SIZE + 1];
	for (size_t i = 0; i < racer->answer_size; i++) {
		const char byte = racer->answer[i];
		shown[i] = byte < ' ' || byte > '~' ? ' ' : byte;
	}
	shown[racer->answer_size] = '\0';
	report_fail(&races->report, "level %" PRIu32 ", race %" PRIu32 ": client-%" PRIu32 " %s: '%s'", level->level,
		    level->races, client, why, shown);
}

/* Reads what everybody was answered. Returns whether there was one winner, and nothing wrong; it is in *entry then. */
static bool judge_race(struct races *races, const struct crews *crews, struct report_level *level,
		       struct ledger_entry *entry)
{
	uint32_t winners = 0;
	uint32_t refused = 0;
	uint64_t first_ns = UINT64_MAX;
	uint64_t last_ns = 0;
	level->races++;
	for (uint32_t i = 0; i < crews->racer_count; i++) {
		const struct racer *racer = &crews->racers[i];
		uint64_t session;
		const enum verdict verdict = judge_racer(racer, &session);
		if (verdict == VERDICT_WRONG) {
			fail_racer(races, level, i + 1, racer);
			continue;
		}
		histogram_add(&level->latency_ns, racer->answered_ns - racer->sent_ns);
		first_ns = racer->sent_ns < first_ns ? racer->sent_ns : first_ns;
		last_ns = racer->answered_ns > last_ns ? racer->answered_ns : last_ns;
		refused += verdict == VERDICT_REFUSED;
		if (verdict == VERDICT_WON && winners++ == 0) {
			*entry = (struct ledger_entry){.session = session, .winner = i + 1, .level = level->level};
		} else if (verdict == VERDICT_WON) {
			report_fail(&races->report,
				    "DUPLICATE: level %" PRIu32 ", race %" PRIu32 ": client-%" PRIu32
				    " got session %" PRIu64 " and client-%" PRIu32 " got session %" PRIu64,
				    level->level, level->races, entry->winner, entry->session, i + 1, session);
		}
	}
	report_range_add(&level->winners, winners, level->races == 1);
	report_range_add(&level->refused, refused, level->races == 1);
	level->duplicates += winners > 1 ? winners - 1 : 0;
	const uint64_t race_ns = winners + refused > 0 ? last_ns - first_ns : 0;
	level->race_ns += race_ns;
	level->slowest_ns = race_ns > level->slowest_ns ? race_ns : level->slowest_ns;
	if (winners == 0) {
		report_fail(&races->report, "level %" PRIu32 ", race %" PRIu32 ": nobody won", level->level,
			    level->races);
	}
	return winners == 1 && refused == level->level - 1;
}

/* Opens the hours that the next race is about. */
static bool open_hours(struct races *races, const char *psychologist, struct error *error)
{
	struct answer answer;
	uint64_t opened;
	if (!connection_ask(&races->control, &answer, error, "OPEN %s " RACE_DATE " " RACE_HOURS, psychologist)) {
		return false;
	}
	return (answer_number(&answer, &opened) && opened == RACE_SLOTS) ||
	       connection_unexpected(&races->control, &answer, error);
}

static void run_race(struct races *races, struct crews *crews, struct report_level *level)
{
	const uint32_t number = ledger_count(&races->ledger);
	const struct ledger_token psychologist = ledger_psychologist(&races->ledger, number);
	struct error error;
	if (!open_hours(races, psychologist.text, &error)) {
		report_fail(&races->report, "%s", error.text);
		return;
	}
	for (uint32_t i = 0; i < crews->racer_count; i++) {
		struct racer *racer = &crews->racers[i];
		racer->request_size = (size_t)snprintf(racer->request, sizeof racer->request,
						       "BOOK %s " RACE_DATE " " RACE_TIME " %s\r\n", psychologist.text,
						       ledger_client(i + 1).text);
	}
	crew_race(crews);
	struct ledger_entry entry;
	if (!judge_race(races, crews, level, &entry)) {
		return;
	}
	ledger_add(&races->ledger, entry);
	if (!audit_server(&races->ledger, number, &races->control, &error)) {
		report_fail(&races->report, "level %" PRIu32 ", race %" PRIu32 ", the server afterwards: %s",
			    level->level, level->races, error.text);
	}
}

/* Ctrl-C and SIGTERM are blocked (race_run) and looked for between races, so that everything is put away after them. */
static bool is_interrupted(void)
{
	sigset_t pending;
	sigpending(&pending);
	return sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1;
}

/* Into the sheet, if there is one, as row race-<level>. */
static void keep_figures(struct races *races, const struct report_level *level)
{
	char row[32];
	snprintf(row, sizeof row, "race-%" PRIu32, level->level);
	struct figures figures;
	struct error error;
	if (!figures_open(&figures, races->options, &error)) {
		report_fail(&races->report, "%s", error.text);
		return;
	}
	figures.row = row;
	figures_keep(&figures, "duplicates", (double)level->duplicates);
	figures_keep(&figures, "race_us_average", (double)level->race_ns / level->races / NS_PER_US);
	figures_keep(&figures, "race_us_max", (double)level->slowest_ns / NS_PER_US);
	figures_keep(&figures, "answer_us_average", histogram_average(&level->latency_ns) / NS_PER_US);
	figures_keep(&figures, "answer_us_max", (double)level->latency_ns.greatest / NS_PER_US);
	figures_keep(&figures, "rss_mb", (double)level->rss_bytes / 1e6);
	if (!figures_close(&figures, &error)) {
		report_fail(&races->report, "%s", error.text);
	}
}

static void run_level(struct races *races, uint32_t connections)
{
	struct crews crews;
	struct report_level level = {.level = connections};
	struct error error;
	if (!crew_open(&crews, &races->server.address, connections, races->options->threads, races->options->timeout_ms,
		       &error)) {
		report_fail(&races->report, "level %" PRIu32 ": %s", connections, error.text);
		return;
	}
	while (level.races < races->options->rounds && !report_failed(&races->report)) {
		report_progress(&races->report, "level %" PRIu32 ": race %" PRIu32 " of %" PRIu32, connections,
				level.races + 1, races->options->rounds);
		if (is_interrupted()) {
			report_fail(&races->report, "interrupted");
		} else {
			run_race(races, &crews, &level);
		}
	}
	crew_close(&crews);
	if (!server_rss_bytes(&races->server, &races->control, &level.rss_bytes, &error)) {
		report_fail(&races->report, "%s", error.text);
	}
	report_progress_end(&races->report);
	report_table_row(&level);
	if (!report_failed(&races->report)) {
		keep_figures(races, &level);
	}
}

static void run_levels(struct races *races)
{
	const struct options *options = races->options;
	struct error error;
	if (options->background &&
	    !background_start(&races->background, &races->ledger, &races->report, &races->server.address,
			      options->background_rate, options->timeout_ms, &error)) {
		report_fail(&races->report, "%s", error.text);
		return;
	}
	report_table_head();
	for (uint32_t i = 0; i < options->level_count && !report_failed(&races->report); i++) {
		run_level(races, options->levels[i]);
	}
	if (options->background) {
		background_stop(&races->background);
	} else {
		puts("\nNothing ran beside the races (--no-background).");
	}
}

/* What the log says: of a server of our own, once it has stopped; slotd-replay can also read a running one's. */
static void close_books(struct races *races)
{
	struct error error;
	if (!server_stop(&races->server, &error)) {
		report_fail(&races->report, "%s", error.text);
	}
	if (races->server.directory[0] == '\0') {
		puts("Log: NOT CHECKED, since --server was given without --dir.");
		return;
	}
	uint32_t records;
	if (!audit_log(&races->ledger, races->server.directory, &records, &error)) {
		report_fail(&races->report, "log: %s", error.text);
		puts("Log: FAILED.");
		return;
	}
	printf("Log: sound (slotd-replay --verify), with %" PRIu32 " BOOK records for %" PRIu32
	       " slots, each that of the winner.\n",
	       records, ledger_count(&races->ledger));
}

static void run_all(struct races *races)
{
	const struct options *options = races->options;
	struct error error;
	if (!server_start(&races->server, options, &error) ||
	    !connection_open(&races->control, &races->server.address, options->timeout_ms, &error)) {
		report_fail(&races->report, "%s", error.text);
		return;
	}
	printf("Races for one slot: %" PRIu32 " of each level, server %s, %" PRIu32 " client threads.\n\n",
	       options->rounds, races->server.name, options->threads);
	if (server_log_is_in_memory(&races->server)) {
		puts("The log is on a tmpfs, where a flush costs nothing: name a disk with --dir or TMPDIR.\n");
	}
	run_levels(races);
	connection_close(&races->control);
	printf("Winners: %s%" PRIu32 " races had one each, by the replies and by the server asked afterwards.\n",
	       report_failed(&races->report) ? "FAILED; until then " : "", ledger_count(&races->ledger));
	close_books(races);
}

/* Raises the limit on open files, which the server inherits, to what the widest race needs. */
static bool raise_limit(const struct options *options, struct error *error)
{
	const rlim_t needed = options_level_max(options) + OTHER_DESCRIPTORS;
	struct rlimit limit;
	const int failure = getrlimit(RLIMIT_NOFILE, &limit);
	CHECK(failure == 0);
	if (limit.rlim_cur >= needed) {
		return true;
	}
	const struct rlimit raised = {
	    .rlim_cur = needed,
	    .rlim_max = limit.rlim_max > needed ? limit.rlim_max : needed,
	};
	if (setrlimit(RLIMIT_NOFILE, &raised) != 0) {
		return error_set(error, ERROR_INVALID,
				 "level %" PRIu32 " needs %ju open files and %ju are allowed: raise it with ulimit -Hn",
				 options_level_max(options), (uintmax_t)needed, (uintmax_t)limit.rlim_max);
	}
	return true;
}

int race_run(const struct options *options)
{
	struct races races = {.options = options};
	sigset_t stop;
	sigemptyset(&stop);
	sigaddset(&stop, SIGINT);
	sigaddset(&stop, SIGTERM);
	sigprocmask(SIG_BLOCK, &stop, NULL); /* see is_interrupted; threads started later inherit it */
	report_init(&races.report);
	struct error error;
	if (!raise_limit(options, &error) ||
	    !ledger_init(&races.ledger, options->level_count * options->rounds, &error)) {
		report_fail(&races.report, "%s", error.text);
	} else {
		run_all(&races);
	}
	server_discard(&races.server, report_failed(&races.report) && !is_interrupted());
	ledger_fini(&races.ledger);
	const int status = report_failed(&races.report) ? 1 : 0;
	report_fini(&races.report);
	return status;
}
