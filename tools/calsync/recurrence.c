/*
 * recurrence: see the header.
 */
#include <base/check.h>
#include <calsync/recurrence.h>
#include <calsync/zones.h>
#include <stdlib.h>

#define DAY INT64_C(86400)

void times_add(struct times *times, int64_t at)
{
	if (times->count == times->capacity) {
		times->capacity = times->capacity == 0 ? 64 : 2 * times->capacity;
		times->at = realloc(times->at, times->capacity * sizeof *times->at);
		CHECK(times->at != NULL);
	}
	times->at[times->count++] = at;
}

void times_fini(struct times *times)
{
	free(times->at);
	*times = (struct times){0};
}

/* Seconds of one step of the rules whose steps are all of one length; 0 for months and years. */
static int64_t step_of(const struct icalrecurrencetype *rule)
{
	switch (rule->freq) {
	case ICAL_SECONDLY_RECURRENCE:
		return 1;
	case ICAL_MINUTELY_RECURRENCE:
		return 60;
	case ICAL_HOURLY_RECURRENCE:
		return 3600;
	case ICAL_DAILY_RECURRENCE:
		return DAY;
	case ICAL_WEEKLY_RECURRENCE:
		return 7 * DAY;
	default:
		return 0;
	}
}

/* A start in step with the rule, not after `from`, for a rule whose steps are of one length. A whole step more is left, as the
 * first week of a rule with BYDAY may begin before its start. */
static int64_t skip_ahead(int64_t start, int64_t from, int64_t step)
{
	return from - start > 2 * step ? start + ((from - start) / step - 1) * step : start;
}

static bool has_filter(const struct icalrecurrencetype *rule)
{
	const short none = ICAL_RECURRENCE_ARRAY_MAX;
	return rule->by_second[0] != none || rule->by_minute[0] != none || rule->by_hour[0] != none ||
	       rule->by_day[0] != none || rule->by_month_day[0] != none || rule->by_year_day[0] != none ||
	       rule->by_week_no[0] != none || rule->by_month[0] != none || rule->by_set_pos[0] != none;
}

/* Has the rule end where it or the window does, or before, if the budget has not so many steps: then it is true. */
static bool bound(struct icalrecurrencetype *rule, int64_t start, int64_t *to, int64_t step,
		  const struct budget *budget)
{
	const uint64_t left = budget->event < budget->calendar ? budget->event : budget->calendar;
	bool is_cut = false;
	if (!icaltime_is_null_time(rule->until)) {
		const int64_t until = seconds_of(rule->until) + (rule->until.is_date ? DAY : 1);
		*to = until < *to ? until : *to;
	}
	if (rule->count > 0 && step > 0 && !has_filter(rule)) {
		const int64_t counted = start + (rule->count - 1) * step + 1;
		*to = counted < *to ? counted : *to;
	}
	if (step > 0 && *to > start && (uint64_t)((*to - start) / step) > left) {
		*to = start + (int64_t)left * step;
		is_cut = true;
	}
	rule->until = time_of(*to - 1, false);
	return is_cut;
}

static void pay(struct budget *budget, uint64_t steps)
{
	budget->event -= steps < budget->event ? steps : budget->event;
	budget->calendar -= steps < budget->calendar ? steps : budget->calendar;
}

static icalrecur_iterator *begin(struct icalrecurrencetype rule, int64_t start, bool is_date, int64_t from,
				 int64_t step)
{
	icalrecur_iterator *iterator = icalrecur_iterator_new(rule, time_of(start, is_date));
	/* Months and years: from the first of January of the year before, at the event's time of day. */
	if (iterator != NULL && step == 0 && rule.count == 0 && from - start > 2 * 366 * DAY) {
		struct icaltimetype near = time_of(from - 366 * DAY, is_date);
		const struct icaltimetype of_day = time_of(start, is_date);
		near.month = near.day = 1;
		near.hour = of_day.hour;
		near.minute = of_day.minute;
		near.second = of_day.second;
		(void)icalrecur_iterator_set_start(iterator, near);
	}
	return iterator;
}

/* Adds what the iterator names up to `to`. Each step that libical makes and does not show is paid for, too. */
static bool iterate(struct times *times, icalrecur_iterator *iterator, struct reach *reach, int64_t before, int64_t to,
		    int64_t step)
{
	for (uint32_t found = 0; reach->budget.event > 0 && reach->budget.calendar > 0;) {
		const struct icaltimetype at = icalrecur_iterator_next(iterator);
		const int64_t seconds = icaltime_is_null_time(at) ? to : seconds_of(at);
		pay(&reach->budget, step > 0 && seconds > before ? (uint64_t)((seconds - before) / step) + 1 : 1);
		before = seconds;
		if (seconds >= to) {
			return true;
		}
		if (seconds >= reach->counted_from && found++ == reach->most) {
			return false;
		}
		if (seconds >= reach->from) {
			times_add(times, seconds);
		}
	}
	return false;
}

/* libical 3.0 takes the wrong week of weeks that begin neither on Sunday nor on Monday. So such a rule is turned, with
 * its start, by so many days that its weeks begin on Monday, and what comes out is turned back. Returns those seconds. */
static int64_t turn_week(struct icalrecurrencetype *rule)
{
	if (rule->freq != ICAL_WEEKLY_RECURRENCE || rule->week_start == ICAL_NO_WEEKDAY ||
	    rule->week_start == ICAL_SUNDAY_WEEKDAY || rule->week_start == ICAL_MONDAY_WEEKDAY ||
	    rule->by_month[0] != ICAL_RECURRENCE_ARRAY_MAX) {
		return 0;
	}
	const int days = (int)rule->week_start - (int)ICAL_MONDAY_WEEKDAY;
	size_t count = 0;
	for (; rule->by_day[count] != ICAL_RECURRENCE_ARRAY_MAX; count++) {
		rule->by_day[count] = (short)((rule->by_day[count] - 1 - days + 14) % 7 + 1);
	}
	/* libical wants them in the order of the week, Sunday (1) last. */
	for (size_t i = 1; i < count; i++) {
		for (size_t j = i; j > 0 && (rule->by_day[j] + 5) % 7 < (rule->by_day[j - 1] + 5) % 7; j--) {
			const short day = rule->by_day[j];
			rule->by_day[j] = rule->by_day[j - 1];
			rule->by_day[j - 1] = day;
		}
	}
	rule->week_start = ICAL_MONDAY_WEEKDAY;
	if (!icaltime_is_null_time(rule->until)) {
		rule->until = time_of(seconds_of(rule->until) - days * DAY, rule->until.is_date);
	}
	return days * DAY;
}

static bool add_turned(struct times *times, struct icalrecurrencetype rule, int64_t start, bool is_date,
		       struct reach *reach)
{
	const int64_t step = step_of(&rule) * rule.interval;
	if (rule.count == 0 && step > 0) {
		start = skip_ahead(start, reach->from, step);
	}
	int64_t to = reach->to;
	const bool is_cut = bound(&rule, start, &to, step, &reach->budget);
	pay(&reach->budget, 16); /* an iterator that finds nothing costs something, too */
	icalrecur_iterator *iterator = begin(rule, start, is_date, reach->from, step);
	if (iterator == NULL) {
		return !is_cut;
	}
	const bool is_whole = iterate(times, iterator, reach, step > 0 ? start : reach->from, to, step);
	icalrecur_iterator_free(iterator);
	return is_whole && !is_cut;
}

bool recurrence_add(struct times *times, struct icalrecurrencetype rule, int64_t start, bool is_date,
		    struct reach *reach)
{
	rule.interval = rule.interval < 1 ? 1 : rule.interval;
	const int64_t turned = turn_week(&rule);
	struct reach there = *reach;
	there.from -= turned;
	there.counted_from -= turned;
	there.to -= turned;
	const size_t before = times->count;
	const bool is_whole = add_turned(times, rule, start - turned, is_date, &there);
	for (size_t i = before; i < times->count; i++) {
		times->at[i] += turned;
	}
	reach->budget = there.budget;
	return is_whole;
}
