/*
 * background: see background.h.
 */
#include <base/check.h>
#include <base/clock.h>
#include <bench/background.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <slot/civil.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define NS_PER_S UINT64_C(1000000000)

/* Hours of one psychologist's day, and how many psychologists. */
#define DAY_HOURS     "09:00 50 COUNT 8 EVERY 60"
#define DAY_SLOTS     8
#define PSYCHOLOGISTS 20
#define FIRST_DATE    "2001-01-01"

static uint64_t now_ns(void)
{
	const struct clock clock = clock_real();
	return clock_monotonic_ns(&clock);
}

/* The last day that is past in every zone, and is so still when a run that starts now ends. */
static uint16_t last_past_day(void)
{
	const struct clock clock = clock_real();
	return (uint16_t)(clock_wall_ms(&clock) / 86400000 - 3);
}

/* Waits until the step after one of so many operations is due. False: the loads are to end. */
static bool pace(struct load *load, uint64_t operations)
{
	const uint64_t now = now_ns();
	load->due_ns += operations * NS_PER_S / load->background->rate;
	if (load->due_ns < now) {
		load->due_ns = now; /* what the server was too slow for is not made up for in a burst */
	}
	const uint64_t wait_ns = load->due_ns - now;
	const struct timespec wait = {.tv_sec = (time_t)(wait_ns / NS_PER_S), .tv_nsec = (long)(wait_ns % NS_PER_S)};
	struct pollfd stop = {.fd = load->background->stop, .events = POLLIN};
	return ppoll(&stop, 1, &wait, NULL) == 0;
}

/* Is this day below what the server has purged? Asked by opening hours on it, of a psychologist kept for that. */
static bool is_purged(struct load *load, uint16_t day, bool *purged, struct error *error)
{
	char date[CIVIL_DATE_SIZE];
	civil_format_date(day, date);
	struct answer answer;
	if (!connection_ask(&load->connection, &answer, error, "OPEN probe-%s %.*s " DAY_HOURS,
			    load->background->ledger->tag, CIVIL_DATE_SIZE, date)) {
		return false;
	}
	uint64_t opened;
	*purged = answer.kind == '-' && strncmp((const char *)answer.words[0].at, "PAST", 4) == 0;
	return *purged || answer_number(&answer, &opened) || connection_unexpected(&load->connection, &answer, error);
}

/* Finds the first day from FIRST_DATE on that is not purged: what is purged lies below what is not. */
static bool find_first_day(struct load *load, struct error *error)
{
	uint16_t low;
	const bool parsed = civil_parse_date(span_of(FIRST_DATE), &low);
	CHECK(parsed);
	uint16_t high = last_past_day();
	while (low < high) {
		const uint16_t middle = (uint16_t)(low + (high - low) / 2);
		bool purged;
		if (!is_purged(load, middle, &purged, error)) {
			return false;
		}
		low = purged ? (uint16_t)(middle + 1) : low;
		high = purged ? high : middle;
	}
	load->day = low;
	return true;
}

/* Opens the day for every psychologist, in one go as a service would, and reads what each was answered. */
static bool open_day(struct load *load, const char *date, struct error *error)
{
	struct buffer requests = {0};
	for (uint32_t i = 0; i < PSYCHOLOGISTS; i++) {
		buffer_format(&requests, "OPEN hours-%s-%" PRIu32 " %s " DAY_HOURS "\r\n",
			      load->background->ledger->tag, i, date);
	}
	const bool sent = connection_send(&load->connection, requests.at, requests.size, error);
	buffer_fini(&requests);
	for (uint32_t i = 0; sent && i < PSYCHOLOGISTS; i++) {
		struct answer answer;
		uint64_t opened;
		if (!connection_receive(&load->connection, &answer, error)) {
			return false;
		}
		if (!answer_number(&answer, &opened) || opened != DAY_SLOTS) {
			return error_set(error, ERROR_IO, "OPEN of %s was answered %c%.*s", date, answer.kind,
					 (int)(answer.count > 0 ? answer.words[0].size : 0),
					 answer.count > 0 ? (const char *)answer.words[0].at : "");
		}
		load->requests[0]++;
		load->slots[0] += opened;
	}
	return sent;
}

static bool purge_before(struct load *load, const char *date, struct error *error)
{
	struct answer answer;
	uint64_t removed;
	if (!connection_ask(&load->connection, &answer, error, "PURGE BEFORE %s", date)) {
		return false;
	}
	if (!answer_number(&answer, &removed) || removed < PSYCHOLOGISTS * DAY_SLOTS) {
		return connection_unexpected(&load->connection, &answer, error);
	}
	load->requests[1]++;
	load->slots[1] += removed;
	return true;
}

static bool step_availability(struct load *load, struct error *error)
{
	if (load->day == 0 && !find_first_day(load, error)) {
		return false;
	}
	if (load->day >= last_past_day()) {
		return error_set(error, ERROR_INVALID,
				 "the server has purged every past day: use a fresh one, fewer rounds or "
				 "--no-background");
	}
	char date[CIVIL_DATE_SIZE + 1] = "";
	char next[CIVIL_DATE_SIZE + 1] = "";
	civil_format_date(load->day, date);
	civil_format_date(++load->day, next);
	return open_day(load, date, error) && purge_before(load, next, error);
}

/* Is the list that of the hours of a race, with the winner's slot booked and the others open? */
static bool lists_race(const struct answer *answer)
{
	uint32_t open = 0;
	for (uint32_t i = 3; i < answer->count; i += 4) {
		open += span_equal(answer->words[i], span_of("open"));
	}
	return answer->kind == '*' && answer->count == 4 * RACE_SLOTS && open == RACE_SLOTS - 1 &&
	       span_equal(answer->words[1], span_of(RACE_TIME)) && span_equal(answer->words[3], span_of("booked"));
}

/* A calendar says the psychologist is busy when the winner's session is: a conflict, and nothing else [I8]. */
static bool sync_race(struct load *load, const char *psychologist, struct error *error)
{
	struct answer answer;
	if (!connection_ask(&load->connection, &answer, error,
			    "BUSY %s bench %" PRIu64 " " RACE_DATE "T00:00 " RACE_DATE "T23:59 " RACE_DATE "T" RACE_TIME
			    " " RACE_DATE "T" RACE_BUSY_END,
			    psychologist, ++load->generation)) {
		return false;
	}
	const bool conflict = answer.kind == '*' && answer.count == 3 && span_equal(answer.words[0], span_of("0")) &&
			      span_equal(answer.words[1], span_of("0")) && span_equal(answer.words[2], span_of("1"));
	load->requests[0]++;
	return conflict || connection_unexpected(&load->connection, &answer, error);
}

static bool step_sync(struct load *load, struct error *error)
{
	const struct ledger *ledger = load->background->ledger;
	const uint32_t races = ledger_count(ledger);
	const bool run = races > 0; /* before the first race ended there is nothing to compare with yet */
	load->race = run ? (load->race + 1) % races : 0;
	const struct ledger_token psychologist = ledger_psychologist(ledger, load->race);
	struct answer answer;
	if (run && !sync_race(load, psychologist.text, error)) {
		return false;
	}
	if (!connection_ask(&load->connection, &answer, error, "SLOTS %s " RACE_DATE " " RACE_DATE " ALL",
			    psychologist.text)) {
		return false;
	}
	if (answer.kind != '*' || (run && !lists_race(&answer))) {
		return connection_unexpected(&load->connection, &answer, error);
	}
	if (!connection_ask(&load->connection, &answer, error, "SLOT %s " RACE_DATE " " RACE_TIME, psychologist.text)) {
		return false;
	}
	uint64_t session = 0;
	const bool booked = span_equal(answer_field(&answer, "status"), span_of("booked")) &&
			    span_number(answer_field(&answer, "session"), INT64_MAX, &session);
	if (run && (!booked || session != ledger->entries[load->race].session)) {
		return connection_unexpected(&load->connection, &answer, error);
	}
	load->requests[1] += 2;
	return true;
}

typedef bool step_f(struct load *load, struct error *error);

/* Steps until the end, or the first answer that should not be. */
static void run(struct load *load, step_f *step, uint64_t operations)
{
	struct error error;
	bool good = connection_open(&load->connection, load->background->address, load->background->timeout_ms, &error);
	load->due_ns = now_ns();
	good = good && step(load, &error);
	const int posted = sem_post(&load->background->started);
	CHECK(posted == 0);
	while (good && pace(load, operations)) {
		good = step(load, &error);
	}
	if (!good) {
		report_fail(load->background->report, "background, %s: %s", load->name, error.text);
	}
	connection_close(&load->connection);
}

static void *run_availability(void *load)
{
	run(load, step_availability, PSYCHOLOGISTS + 1);
	return NULL;
}

static void *run_sync(void *load)
{
	run(load, step_sync, 3);
	return NULL;
}

bool background_start(struct background *background, const struct ledger *ledger, struct report *report,
		      const struct address *address, uint32_t rate, uint32_t timeout_ms, struct error *error)
{
	*background = (struct background){
	    .ledger = ledger,
	    .report = report,
	    .address = address,
	    .rate = rate,
	    .timeout_ms = timeout_ms,
	    .stop = eventfd(0, EFD_CLOEXEC),
	    .start_ns = now_ns(),
	    .availability = {.background = background, .name = "availability"},
	    .sync = {.background = background, .name = "calendar sync"},
	};
	if (background->stop < 0) {
		return error_errno(error, errno, "eventfd");
	}
	sem_init(&background->started, 0, 0);
	int failure =
	    pthread_create(&background->availability.thread, NULL, run_availability, &background->availability);
	CHECK(failure == 0);
	failure = pthread_create(&background->sync.thread, NULL, run_sync, &background->sync);
	CHECK(failure == 0);
	for (int waited = 0; waited < 2;) {
		waited += sem_wait(&background->started) == 0;
	}
	return true;
}

void background_stop(struct background *background)
{
	const uint64_t one = 1;
	const ssize_t written = write(background->stop, &one, sizeof one);
	CHECK(written == sizeof one);
	pthread_join(background->availability.thread, NULL);
	pthread_join(background->sync.thread, NULL);
	const double seconds = (double)(now_ns() - background->start_ns) / (double)NS_PER_S;
	close(background->stop);
	sem_destroy(&background->started);
	const struct load *availability = &background->availability;
	const struct load *sync = &background->sync;
	printf("\nBeside the races, for all of their %.1f s: availability, %" PRIu64 " OPEN (%" PRIu64
	       " slots) and %" PRIu64 " PURGE (%" PRIu64 " slots); calendar sync, %" PRIu64 " BUSY and %" PRIu64
	       " SLOTS and SLOT.\n",
	       seconds, availability->requests[0], availability->slots[0], availability->requests[1],
	       availability->slots[1], sync->requests[0], sync->requests[1]);
}
