/*
 * sync: see the header.
 */
#include <base/check.h>
#include <base/clock.h>
#include <calsync/intervals.h>
#include <calsync/push.h>
#include <calsync/report.h>
#include <calsync/round.h>
#include <calsync/state.h>
#include <calsync/sync.h>
#include <calsync/zones.h>
#include <stdio.h>
#include <stdlib.h>

/* Which calendars there are: those we were told of, or else those the server knows. */
static bool list_calendars(struct sync *sync, struct server *server, struct error *error)
{
	const struct options *options = sync->options;
	if (options->calendars.count > 0 || options->show) {
		book_update(&sync->book, &options->calendars, options);
		return true;
	}
	struct named_list named = {0};
	bool is_known = false;
	if (!server_calendars(server, &named, &is_known, error)) {
		return false;
	}
	if (!is_known) {
		log_line(LOG_WARNING, "no calendars are named, and this server keeps none (CALENDAR)", "");
	} else if (named.count == 0) {
		log_line(LOG_WARNING, "no calendars are named, neither here nor on the server (CALENDAR SET)", "");
	}
	book_update(&sync->book, &named, options);
	named_fini(&named);
	return true;
}

/* From the beginning of today on, `horizon` days and the next one: what the server opens at midnight is known before. */
static struct busy_interval window_of(icaltimezone *zone, uint64_t now_ms, uint32_t horizon)
{
	const int64_t today = zone_to_civil(zone, (int64_t)(now_ms / 1000)) / 86400;
	return (struct busy_interval){(uint32_t)today * MINUTES_PER_DAY,
				      (uint32_t)(today + horizon + 2) * MINUTES_PER_DAY};
}

static void set_window(struct calendar *calendar, const char *zone, const struct busy_interval *window)
{
	if (strcmp(calendar->zone, zone) != 0 || calendar->window.start != window->start ||
	    calendar->window.end != window->end) {
		calendar->is_expanded = false;
	}
	snprintf(calendar->zone, sizeof calendar->zone, "%s", zone);
	calendar->window = *window;
}

static bool set_zones(struct sync *sync, struct server *server, uint64_t now_ms, struct error *error)
{
	struct book *book = &sync->book;
	for (size_t first = 0, behind; first < book->count; first = behind) {
		const char *psychologist = book->calendars[first].psychologist;
		const char *given = named_find(&sync->options->zones, psychologist);
		char zone[64] = "UTC";
		behind = book_behind(book, first);
		if (given != NULL) {
			snprintf(zone, sizeof zone, "%s", given);
		} else if (!sync->options->show && !server_zone(server, psychologist, zone, sizeof zone, error)) {
			return false;
		}
		icaltimezone *known = zone_of_iana(zone);
		const struct busy_interval window =
		    window_of(known != NULL ? known : icaltimezone_get_utc_timezone(), now_ms, sync->options->horizon);
		for (size_t i = first; i < behind; i++) {
			set_window(&book->calendars[i], zone, &window);
			if (known == NULL) {
				struct error why;
				error_set(&why, ERROR_INVALID, "no time zone %s", zone);
				calendar_fail(&book->calendars[i], why.text);
			}
		}
	}
	return true;
}

/* May the set of these calendars, which are one psychologist's, be sent? */
static bool is_sendable(const struct calendar *calendars, size_t count)
{
	bool is_fetched = false;
	for (size_t i = 0; i < count; i++) {
		if (!calendars[i].is_expanded) {
			return false;
		}
		is_fetched = is_fetched || calendars[i].outcome != CALENDAR_FAILED;
	}
	return is_fetched;
}

/* All that they say together. */
static uint32_t merge(const struct calendar *calendars, size_t count, struct busy_interval **merged)
{
	uint32_t all = 0;
	for (size_t i = 0; i < count; i++) {
		all += calendars[i].expansion.count;
	}
	*merged = malloc((all + 1) * sizeof **merged);
	CHECK(*merged != NULL);
	all = 0;
	for (size_t i = 0; i < count; i++) {
		const struct expansion *expansion = &calendars[i].expansion;
		if (expansion->count > 0) {
			memcpy(*merged + all, expansion->intervals, expansion->count * sizeof **merged);
		}
		all += expansion->count;
	}
	return intervals_merge(*merged, all);
}

/* Tells the server of one psychologist; false when the connection is of no use any more. */
static bool tell(struct sync *sync, struct server *server, const struct calendar *calendars, size_t count,
		 uint64_t now_ms, struct report *report)
{
	const char *psychologist = calendars[0].psychologist;
	struct busy_interval *merged;
	struct told told = {0};
	struct error error = {0};
	char slots[REPORT_SLOTS_SIZE] = "";
	const uint32_t merged_count = merge(calendars, count, &merged);
	bool is_told = true;
	if (sync->options->show) {
		report_show(psychologist, merged, merged_count);
	} else {
		is_told =
		    push(server, psychologist, now_ms, &calendars[0].window, merged, merged_count, &told, &error) &&
		    (told.conflicts == 0 || server_conflicts(server, psychologist, slots, sizeof slots, &error));
	}
	free(merged);
	report_psychologist(report, psychologist, is_told ? NULL : error.text, merged_count, &told, slots);
	return is_told || server->connection->err == 0;
}

static bool tell_all(struct sync *sync, uint64_t now_ms, struct report *report, struct error *error)
{
	struct book *book = &sync->book;
	struct server server = {0};
	bool is_good = sync->options->show || server_open(&server, sync->options->server, error);
	for (size_t first = 0, behind; is_good && first < book->count; first = behind) {
		behind = book_behind(book, first);
		const struct calendar *calendars = &book->calendars[first];
		if (is_sendable(calendars, behind - first)) {
			is_good = tell(sync, &server, calendars, behind - first, now_ms, report) ||
				  error_set(error, ERROR_IO, "the connection to the server broke");
		} else {
			report->untold++;
		}
	}
	server_close(&server);
	return is_good;
}

static bool prepare(struct sync *sync, uint64_t now_ms, struct error *error)
{
	struct server server = {0};
	const char *state = sync->options->state;
	const bool is_good = (state == NULL || state_open(state, error)) &&
			     (sync->options->show || server_open(&server, sync->options->server, error)) &&
			     list_calendars(sync, &server, error) && set_zones(sync, &server, now_ms, error);
	server_close(&server);
	return is_good;
}

static void save(const struct sync *sync)
{
	for (size_t i = 0; sync->options->state != NULL && i < sync->book.count; i++) {
		if (sync->book.calendars[i].outcome != CALENDAR_PENDING) {
			state_save(sync->options->state, &sync->book.calendars[i]);
		}
	}
}

int sync_run(struct sync *sync, bool *stopped)
{
	const struct clock clock = clock_real();
	const uint64_t now_ms = clock_wall_ms(&clock);
	struct error error = {0};
	struct report report;
	*stopped = false;
	report_begin(&report);
	if (!prepare(sync, now_ms, &error)) {
		log_line(LOG_ERROR, "nothing was synced", "reason=\"%s\"", error.text);
		return STATUS_NOT_FRESH;
	}
	struct round round = {
	    .options = sync->options,
	    .calendars = sync->book.calendars,
	    .count = sync->book.count,
	    .stop_fd = sync->stop_fd,
	    .progress = report_progress,
	    .context = &report,
	};
	*stopped = !round_run(&round);
	save(sync);
	report_fetched(&report, sync->book.calendars, sync->book.count);
	if (*stopped) {
		log_line(LOG_WARNING, "stopped before the server was told", "");
		return STATUS_NOT_FRESH;
	}
	if (!tell_all(sync, now_ms, &report, &error)) {
		log_line(LOG_ERROR, "the server was not told of all", "reason=\"%s\"", error.text);
		report.untold++;
	}
	return report_end(&report) ? STATUS_FRESH : STATUS_NOT_FRESH;
}

void sync_fini(struct sync *sync)
{
	book_fini(&sync->book);
}
