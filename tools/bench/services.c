/*
 * services: see services.h.
 */
#include <base/check.h>
#include <base/clock.h>
#include <bench/services.h>
#include <inttypes.h>
#include <slot/civil.h>
#include <stdio.h>

#define PSYCHOLOGISTS  20
#define DAY_HOURS      "09:00 50 COUNT 8 EVERY 60"
#define SYNCED_DAYS    60
#define SYNCED_BLOCKS  "120" /* two slots a day */
#define GROWTH_HOURS   "00:00 15 COUNT 96"
#define FUTURE_DAY     23000 /* 2032-12-21; the bookings beside it have days of 2031 */
#define FUTURE_DAYS    1000
#define FIRST_PAST_DAY 11323 /* 2001-01-01 */
#define PAST_DAYS_SKIP 64
#define STEPS_A_PURGE  16

struct date_text {
	char text[CIVIL_DATE_SIZE + 1];
};

static struct date_text date_of(uint64_t day)
{
	struct date_text date = {""};
	civil_format_date((uint16_t)day, date.text);
	return date;
}

/* Sends one line a psychologist, whose number the command lacks, in one go as a service would, and reads the answers:
 * integers, or PAST. */
static bool ask_all(struct service *service, const char *command, const char *date, const char *rest, bool *past,
		    struct error *error)
{
	struct buffer requests = {0};
	for (uint32_t i = 0; i < PSYCHOLOGISTS; i++) {
		buffer_format(&requests, "%s%" PRIu32 " %s %s\r\n", command, i, date, rest);
	}
	bool good = connection_send(&service->connection, requests.at, requests.size, error);
	buffer_fini(&requests);
	*past = false;
	for (uint32_t i = 0; good && i < PSYCHOLOGISTS; i++) {
		struct answer answer;
		uint64_t count;
		good = connection_receive(&service->connection, &answer, error);
		if (good && answer.kind == '-' && strncmp((const char *)answer.words[0].at, "PAST", 4) == 0) {
			*past = true;
		} else if (good && !answer_number(&answer, &count)) {
			good = error_set(error, ERROR_IO, "%s of %s was answered %c%.*s", command, date, answer.kind,
					 (int)(answer.count > 0 ? answer.words[0].size : 0),
					 answer.count > 0 ? (const char *)answer.words[0].at : "");
		}
		service->requests++;
	}
	return good;
}

/* What a server has purged stays purged: the days go forward until it has nothing left to purge. */
static bool purge_one_day(struct service *service, struct error *error)
{
	const struct clock clock = clock_real();
	if (service->past_day + UINT64_C(3) >= clock_wall_ms(&clock) / 86400000) {
		return true;
	}
	bool past;
	struct answer answer;
	uint64_t removed;
	if (!ask_all(service, "OPEN hours-", date_of(service->past_day).text, DAY_HOURS, &past, error)) {
		return false;
	}
	service->past_day = (uint16_t)(service->past_day + (past ? PAST_DAYS_SKIP : 1));
	if (past) {
		return true;
	}
	service->requests++;
	return connection_ask(&service->connection, &answer, error, "PURGE BEFORE %s",
			      date_of(service->past_day).text) &&
	       (answer_number(&answer, &removed) || connection_unexpected(&service->connection, &answer, error));
}

/* The mornings become afternoons, or the other way round: the availability service closes and opens its days ahead anew. */
static bool set_hours(struct service *service, struct error *error)
{
	const uint64_t psychologist = service->steps % PSYCHOLOGISTS;
	const bool mornings = service->steps / PSYCHOLOGISTS % 2 == 0;
	const char *ranges = mornings ? "09:00-13:00" : "13:00-17:00";
	struct answer answer;
	service->requests++;
	return connection_ask(&service->connection, &answer, error,
			      "HOURS SET weekly-%" PRIu64 " UTC 50 10 mon %s tue %s wed %s thu %s fri %s", psychologist,
			      ranges, ranges, ranges, ranges, ranges) &&
	       (answer_is(&answer, '+', "OK") || connection_unexpected(&service->connection, &answer, error));
}

static bool step_hours(struct service *service, struct error *error)
{
	if (!set_hours(service, error)) {
		return false;
	}
	if (service->steps % STEPS_A_PURGE == 0 && !purge_one_day(service, error)) {
		return false;
	}
	const struct date_text date = date_of(FUTURE_DAY + service->steps % FUTURE_DAYS);
	bool past;
	return ask_all(service, "OPEN hours-", date.text, DAY_HOURS, &past, error) &&
	       ask_all(service, "CLOSE hours-", date.text, "", &past, error);
}

/* The hours that calendars are compared with: of each psychologist as many days as slotd-calsync looks ahead. */
static bool open_synced(struct service *service, struct error *error)
{
	bool past;
	for (uint32_t day = 0; day < SYNCED_DAYS; day++) {
		if (!ask_all(service, "OPEN synced-", date_of(FUTURE_DAY + day).text, DAY_HOURS, &past, error)) {
			return false;
		}
	}
	return true;
}

/* What a calendar says of all these days: two appointments a day, which are an hour later in every other generation. */
static bool sync_calendar(struct service *service, uint32_t psychologist, struct error *error)
{
	struct buffer request = {0};
	const uint64_t generation = service->steps / PSYCHOLOGISTS + 1;
	const uint64_t hour = 9 + generation % 2;
	buffer_format(&request, "BUSY synced-%" PRIu32 " bench %" PRIu64 " %sT00:00 %sT00:00", psychologist, generation,
		      date_of(FUTURE_DAY).text, date_of(FUTURE_DAY + SYNCED_DAYS).text);
	for (uint32_t day = 0; day < SYNCED_DAYS; day++) {
		const struct date_text date = date_of(FUTURE_DAY + day);
		for (uint64_t start = hour; start < hour + 4; start += 3) {
			buffer_format(&request, " %sT%02" PRIu64 ":10 %sT%02" PRIu64 ":40", date.text, start, date.text,
				      start);
		}
	}
	buffer_format(&request, "\r\n");
	struct answer answer;
	const bool good = connection_send(&service->connection, request.at, request.size, error) &&
			  connection_receive(&service->connection, &answer, error);
	buffer_fini(&request);
	service->requests++;
	return good &&
	       ((answer.kind == '*' && answer.count == 3 && span_equal(answer.words[0], span_of(SYNCED_BLOCKS))) ||
		connection_unexpected(&service->connection, &answer, error));
}

static bool step_sync(struct service *service, struct error *error)
{
	const struct date_text date = date_of(FUTURE_DAY + service->steps % SYNCED_DAYS);
	const uint32_t psychologist = (uint32_t)(service->steps % PSYCHOLOGISTS);
	struct answer answer;
	if ((service->steps == 0 && !open_synced(service, error)) || !sync_calendar(service, psychologist, error)) {
		return false;
	}
	service->requests += 2;
	return connection_ask(&service->connection, &answer, error, "SLOTS synced-%" PRIu32 " %s %s ALL", psychologist,
			      date.text, date.text) &&
	       (answer.kind == '*' || connection_unexpected(&service->connection, &answer, error)) &&
	       connection_ask(&service->connection, &answer, error, "SLOT synced-%" PRIu32 " %s 09:00", psychologist,
			      date.text) &&
	       (answer.kind == '*' || connection_unexpected(&service->connection, &answer, error));
}

static bool step_growth(struct service *service, struct error *error)
{
	struct answer answer;
	uint64_t opened;
	service->requests++;
	return connection_ask(&service->connection, &answer, error, "OPEN growth-%" PRIu64 " %s " GROWTH_HOURS,
			      service->steps / FUTURE_DAYS, date_of(FUTURE_DAY + service->steps % FUTURE_DAYS).text) &&
	       (answer_number(&answer, &opened) || connection_unexpected(&service->connection, &answer, error));
}

static bool step_snapshot(struct service *service, struct error *error)
{
	struct answer answer;
	service->requests++;
	return connection_ask(&service->connection, &answer, error, "SNAPSHOT") &&
	       (answer.kind != '-' || connection_unexpected(&service->connection, &answer, error));
}

static const struct {
	const char *names;
	service_step_f *steps[SERVICES_MAX];
} known[] = {
    {"services", {step_hours, step_sync}},
    {"growth", {step_growth, NULL}},
    {"snapshot", {step_snapshot, NULL}},
};

static service_step_f *const *find_steps(const char *names)
{
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (strcmp(known[i].names, names) == 0) {
			return known[i].steps;
		}
	}
	return NULL;
}

bool services_known(const char *names)
{
	return find_steps(names) != NULL;
}

static void *run(void *argument)
{
	struct service *service = argument;
	/* Relaxed: nothing but the flag itself is told; what the service counted is read after the join. */
	while (!service->failed && !atomic_load_explicit(&service->services->stop, memory_order_relaxed)) {
		service->failed = !service->step(service, &service->error);
		service->steps++;
	}
	return NULL;
}

bool services_start(struct services *services, const char *names, const struct address *address, uint32_t timeout_ms,
		    struct error *error)
{
	service_step_f *const *steps = find_steps(names);
	CHECK(steps != NULL);
	*services = (struct services){.address = address, .timeout_ms = timeout_ms};
	for (uint32_t i = 0; i < SERVICES_MAX && steps[i] != NULL; i++) {
		struct service *service = &services->service[i];
		*service = (struct service){.services = services, .step = steps[i], .past_day = FIRST_PAST_DAY};
		/* The first step is done here: what cannot work at all says so before anything is measured. */
		if (!connection_open(&service->connection, address, timeout_ms, error) ||
		    !service->step(service, error)) {
			return false;
		}
		service->steps = 1;
	}
	for (uint32_t i = 0; i < SERVICES_MAX && steps[i] != NULL; i++) {
		const int failure = pthread_create(&services->service[i].thread, NULL, run, &services->service[i]);
		CHECK(failure == 0);
		services->count++;
	}
	return true;
}

bool services_stop(struct services *services, uint64_t *requests, struct error *error)
{
	bool good = true;
	*requests = 0;
	atomic_store_explicit(&services->stop, true, memory_order_relaxed); /* see run */
	for (uint32_t i = 0; i < services->count; i++) {
		struct service *service = &services->service[i];
		pthread_join(service->thread, NULL);
		connection_close(&service->connection);
		*requests += service->requests;
		if (service->failed) {
			*error = service->error;
			good = false;
		}
	}
	return good;
}
