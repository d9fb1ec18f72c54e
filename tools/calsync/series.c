/*
 * series: see the header.
 *
 * An instance is gone when an EXDATE, an EXRULE or an override names its start; which of them does not matter. They name
 * moments, or, where one of the two sides is a date, days.
 */
#include <base/check.h>
#include <calsync/limits.h>
#include <calsync/recurrence.h>
#include <calsync/series.h>
#include <calsync/zones.h>
#include <stdlib.h>

#define DAY INT64_C(86400)

struct instance {
	int64_t civil; /* in the zone of its event */
	int64_t utc;
	int64_t end; /* of its own, from a PERIOD; or NO_END */
};

#define NO_END INT64_MIN

struct instances {
	struct instance *at;
	size_t count;
	size_t capacity;
};

/* Overrides of this and all later instances that one series may have; more count as overrides of one. */
#define FUTURES_MAX 64

struct overrides {
	const struct event *at;
	size_t count;
	const struct event *futures[FUTURES_MAX]; /* those with and_future */
	size_t futures_count;
};

/* What is gone of a master: moments, and days. */
struct gone {
	struct times moments;
	struct times days;
};

static int64_t floor_day(int64_t civil)
{
	return (civil >= 0 ? civil : civil - (DAY - 1)) / DAY;
}

static void instances_add(struct instances *instances, int64_t civil, int64_t utc, int64_t end)
{
	if (instances->count == instances->capacity) {
		instances->capacity = instances->capacity == 0 ? 64 : 2 * instances->capacity;
		instances->at = realloc(instances->at, instances->capacity * sizeof *instances->at);
		CHECK(instances->at != NULL);
	}
	instances->at[instances->count++] = (struct instance){civil, utc, end};
}

static int compare_instances(const void *a, const void *b)
{
	const struct instance *first = a;
	const struct instance *second = b;
	const int order = (first->utc > second->utc) - (first->utc < second->utc);
	return order != 0 ? order : (first->end < second->end) - (first->end > second->end);
}

static int compare_times(const void *a, const void *b)
{
	const int64_t first = *(const int64_t *)a;
	const int64_t second = *(const int64_t *)b;
	return (first > second) - (first < second);
}

static bool times_have(const struct times *times, int64_t at)
{
	return times->count > 0 && bsearch(&at, times->at, times->count, sizeof at, compare_times) != NULL;
}

/* ---- which are gone ---- */

static void gone_add(struct gone *gone, const struct event *master, const struct moment *named,
		     const struct unrolling *unrolling)
{
	if (!named->is_date && !master->start.is_date) {
		times_add(&gone->moments, named->utc);
	} else if (named->zone == icaltimezone_get_utc_timezone()) {
		times_add(&gone->days, floor_day(zone_to_civil(unrolling->home, named->utc)));
	} else {
		times_add(&gone->days, floor_day(named->civil));
	}
}

static void gone_sort(struct gone *gone)
{
	if (gone->moments.count > 0) {
		qsort(gone->moments.at, gone->moments.count, sizeof *gone->moments.at, compare_times);
	}
	if (gone->days.count > 0) {
		qsort(gone->days.at, gone->days.count, sizeof *gone->days.at, compare_times);
	}
}

static bool is_gone(const struct gone *gone, const struct instance *instance)
{
	return times_have(&gone->moments, instance->utc) || times_have(&gone->days, floor_day(instance->civil));
}

/* ---- which there are: `reach` is civil, in the zone of the event ---- */

/* UNTIL on the clock that the event's start is on. */
static struct icalrecurrencetype rule_of(icalproperty *property, const struct event *master)
{
	struct icalrecurrencetype rule = icalproperty_isa(property) == ICAL_RRULE_PROPERTY
					     ? icalproperty_get_rrule(property)
					     : icalproperty_get_exrule(property);
	if (!icaltime_is_null_time(rule.until) && !rule.until.is_date) {
		const int64_t until = seconds_of(rule.until);
		const bool is_utc = icaltime_is_utc(rule.until) && !master->start.is_date;
		rule.until = time_of(is_utc ? zone_to_civil(master->start.zone, until) : until, false);
	}
	return rule;
}

/* Adds to `times` what the rules of this kind name. False when that is not all. */
static bool add_rules(struct times *times, const struct event *master, icalproperty_kind kind, struct reach *reach)
{
	bool is_whole = true;
	for (icalproperty *p = icalcomponent_get_first_property(master->component, kind); p != NULL;
	     p = icalcomponent_get_next_property(master->component, kind)) {
		is_whole =
		    recurrence_add(times, rule_of(p, master), master->start.civil, master->start.is_date, reach) &&
		    is_whole;
	}
	return is_whole;
}

/* The time of an RDATE, and its end if it is a period. */
static bool read_rdate(icalproperty *property, struct moment *moment, int64_t *end, struct reading *reading)
{
	*end = NO_END;
	icalvalue *value = icalproperty_get_value(property);
	const icalvalue_kind kind = value != NULL ? icalvalue_isa(value) : ICAL_NO_VALUE;
	if (kind != ICAL_PERIOD_VALUE && kind != ICAL_DATETIMEPERIOD_VALUE) {
		return moment_read(moment, property, reading);
	}
	const struct icaldatetimeperiodtype given = icalvalue_get_datetimeperiod(value);
	if (time_is_sane(given.time)) {
		moment_of(moment, given.time, property, reading);
		return true;
	}
	if (!time_is_sane(given.period.start)) {
		return false;
	}
	struct moment until;
	moment_of(moment, given.period.start, property, reading);
	if (time_is_sane(given.period.end)) {
		moment_of(&until, given.period.end, property, reading);
		*end = until.utc;
	} else {
		*end = moment->utc + icaldurationtype_as_int(given.period.duration);
	}
	return true;
}

static void add_dates(struct instances *instances, const struct event *master, struct unrolling *unrolling)
{
	for (icalproperty *p = icalcomponent_get_first_property(master->component, ICAL_RDATE_PROPERTY); p != NULL;
	     p = icalcomponent_get_next_property(master->component, ICAL_RDATE_PROPERTY)) {
		struct moment moment;
		int64_t end;
		if (read_rdate(p, &moment, &end, unrolling->reading)) {
			const int64_t civil = zone_to_civil(master->start.zone, moment.utc);
			instances_add(instances, civil, moment.utc, end);
		}
	}
}

/* All instances that may touch the window, in order, none twice. */
static bool list_instances(struct instances *instances, const struct event *master, struct reach *reach,
			   struct unrolling *unrolling)
{
	struct times times = {0};
	instances_add(instances, master->start.civil, master->start.utc, NO_END);
	const bool is_whole = add_rules(&times, master, ICAL_RRULE_PROPERTY, reach);
	for (size_t i = 0; i < times.count; i++) {
		instances_add(instances, times.at[i], event_utc(master, times.at[i]), NO_END);
	}
	times_fini(&times);
	add_dates(instances, master, unrolling);
	qsort(instances->at, instances->count, sizeof *instances->at, compare_instances);
	return is_whole;
}

/* ---- what becomes of them ---- */

static void add_busy(struct unrolling *unrolling, int64_t start, int64_t end)
{
	if (start < unrolling->to && end > unrolling->from && start < end) {
		spells_add(&unrolling->busy, start, end);
		unrolling->occurrences++;
	}
}

/* The override of this and all later instances that an instance falls under, or NULL. */
static const struct event *future_of(const struct overrides *overrides, int64_t utc)
{
	const struct event *found = NULL;
	for (size_t i = 0; i < overrides->futures_count && overrides->futures[i]->replaces.utc <= utc; i++) {
		found = overrides->futures[i];
	}
	return found;
}

static void instance_unroll(const struct event *master, const struct instance *instance, const struct event *future,
			    struct unrolling *unrolling)
{
	if (instance->end != NO_END) {
		add_busy(unrolling, instance->utc, master->makes_busy ? instance->end : instance->utc);
		return;
	}
	if (future == NULL) {
		add_busy(unrolling, instance->utc,
			 master->makes_busy ? event_end(master, instance->civil, instance->utc) : instance->utc);
		return;
	}
	/* As far from its own start as the override is from what it replaces, on the override's clock. */
	icaltimezone *zone = future->start.zone;
	const int64_t moved_by = future->start.civil - zone_to_civil(zone, future->replaces.utc);
	const int64_t civil = zone_to_civil(zone, instance->utc) + moved_by;
	const int64_t utc = event_utc(future, civil);
	add_busy(unrolling, utc, future->makes_busy ? event_end(future, civil, utc) : utc);
}

static int64_t length_of(const struct event *event)
{
	const int64_t length = event->duration.days * DAY + event->duration.seconds;
	return length > 0 ? length : 0;
}

/* How far before and behind the window a start may be that matters: by its length, and by how far overrides move it. A day on
 * each side for the clocks. */
static struct reach reach_of(const struct event *master, const struct overrides *overrides,
			     const struct unrolling *unrolling)
{
	int64_t lead = length_of(master);
	int64_t lag = 0;
	for (size_t i = 0; i < overrides->futures_count; i++) {
		const struct event *future = overrides->futures[i];
		const int64_t moved_by = future->start.utc - future->replaces.utc;
		const int64_t needed = moved_by + length_of(future);
		lead = needed > lead ? needed : lead;
		lag = -moved_by > lag ? -moved_by : lag;
	}
	const int64_t from = zone_to_civil(master->start.zone, unrolling->from - lead);
	return (struct reach){
	    .from = from - DAY,
	    .counted_from = from,
	    .to = zone_to_civil(master->start.zone, unrolling->to + lag) + DAY,
	    .most = unrolling->occurrences_max,
	    .budget = {STEPS_EVENT_MAX, unrolling->budget},
	};
}

static bool list_gone(struct gone *gone, const struct event *master, const struct overrides *overrides,
		      struct reach *reach, struct unrolling *unrolling)
{
	for (icalproperty *p = icalcomponent_get_first_property(master->component, ICAL_EXDATE_PROPERTY); p != NULL;
	     p = icalcomponent_get_next_property(master->component, ICAL_EXDATE_PROPERTY)) {
		struct moment moment;
		if (moment_read(&moment, p, unrolling->reading)) {
			gone_add(gone, master, &moment, unrolling);
		}
	}
	for (size_t i = 0; i < overrides->count; i++) {
		gone_add(gone, master, &overrides->at[i].replaces, unrolling);
	}
	struct times times = {0};
	const bool is_whole = add_rules(&times, master, ICAL_EXRULE_PROPERTY, reach);
	for (size_t i = 0; i < times.count; i++) {
		times_add(&gone->moments, event_utc(master, times.at[i]));
	}
	times_fini(&times);
	gone_sort(gone);
	return is_whole;
}

static void master_unroll(const struct event *master, const struct overrides *overrides, struct unrolling *unrolling)
{
	struct gone gone = {0};
	struct instances instances = {0};
	struct reach reach = reach_of(master, overrides, unrolling);
	bool is_whole = list_gone(&gone, master, overrides, &reach, unrolling);
	is_whole = list_instances(&instances, master, &reach, unrolling) && is_whole;
	for (size_t i = 0; i < instances.count; i++) {
		const struct instance *instance = &instances.at[i];
		if ((i > 0 && instance->utc == instances.at[i - 1].utc) || is_gone(&gone, instance)) {
			continue;
		}
		instance_unroll(master, instance, future_of(overrides, instance->utc), unrolling);
	}
	/* What many masters of one UID, each with all its overrides, cost. */
	const uint64_t paid = unrolling->budget - reach.budget.calendar + overrides->count;
	unrolling->budget -= paid < unrolling->budget ? paid : unrolling->budget;
	unrolling->cut += !is_whole;
	times_fini(&gone.moments);
	times_fini(&gone.days);
	free(instances.at);
}

void series_unroll(struct event *events, size_t count, struct unrolling *unrolling)
{
	size_t masters = 0;
	while (masters < count && !events[masters].is_override) {
		masters++;
	}
	/* Of several overrides of one instance the first counts, which is the newest. */
	size_t kept = masters;
	for (size_t i = masters; i < count; i++) {
		if (kept == masters || events[kept - 1].replaces.utc != events[i].replaces.utc) {
			events[kept++] = events[i];
		}
	}
	struct overrides overrides = {.at = &events[masters], .count = kept - masters};
	for (size_t i = masters; i < kept && overrides.futures_count < FUTURES_MAX; i++) {
		if (events[i].and_future) {
			overrides.futures[overrides.futures_count++] = &events[i];
		}
	}
	for (size_t i = 0; i < masters; i++) {
		if (i == 0 || unrolling->budget > 0) {
			master_unroll(&events[i], &overrides, unrolling);
		} else {
			unrolling->cut++;
		}
	}
	for (size_t i = masters; i < kept; i++) {
		const struct event *event = &events[i];
		const int64_t end = event_end(event, event->start.civil, event->start.utc);
		add_busy(unrolling, event->start.utc, event->makes_busy ? end : event->start.utc);
	}
}
