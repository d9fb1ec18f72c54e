/*
 * hours: read, written, and as slots of a day. See slot/hours.h.
 */
#include <base/check.h>
#include <slot/civil.h>
#include <slot/hours.h>

static const char *const day_words[7] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

/* ------------------------------------------------------------------------------------------------------------- reading */

static bool refuse(struct error *error, const char *text)
{
	return error_set(error, ERROR_INVALID, "%s", text);
}

/* HH:MM-HH:MM, the second up to 24:00. */
static bool read_range(struct span word, struct hours_range *range)
{
	const struct span start = {word.at, CIVIL_TIME_SIZE};
	const struct span end = {word.at + CIVIL_TIME_SIZE + 1, CIVIL_TIME_SIZE};
	if (word.size != 2 * CIVIL_TIME_SIZE + 1 || word.at[CIVIL_TIME_SIZE] != '-' ||
	    !civil_parse_time(start, &range->start)) {
		return false;
	}
	if (span_is(end, "24:00")) {
		range->end = MINUTES_PER_DAY;
		return true;
	}
	return civil_parse_time(end, &range->end);
}

/* How many slots fit into a range. */
static uint32_t slots_of(const struct hours *hours, const struct hours_range *range)
{
	return 1 + (uint32_t)(range->end - range->start - hours->minutes) / (hours->minutes + hours->gap);
}

/* Takes what stands before the first comma off the front of `rest`. */
static struct span next_part(struct span *rest)
{
	const uint8_t *comma = memchr(rest->at, ',', rest->size);
	const size_t size = comma != NULL ? (size_t)(comma - rest->at) : rest->size;
	const struct span part = {rest->at, size};
	const size_t used = comma != NULL ? size + 1 : size;
	*rest = (struct span){rest->at + used, rest->size - used};
	return part;
}

/* 09:00-12:00,13:00-17:00 or closed: the ranges of some days. */
static bool read_ranges(struct span word, struct hours *hours, struct hours_days *days, struct error *error)
{
	uint32_t slots = 0;
	uint16_t end = 0;
	days->first = (uint16_t)hours->range_count;
	for (struct span rest = span_is(word, "closed") ? (struct span){NULL, 0} : word; rest.size > 0;) {
		const bool comma_last = rest.at[rest.size - 1] == ',';
		struct hours_range range;
		if (!read_range(next_part(&rest), &range) || comma_last) {
			return refuse(error, "ranges must be HH:MM-HH:MM, several with commas between, up to 24:00; or "
					     "closed");
		}
		if (range.start < end) {
			return refuse(error, "ranges of a day must be in order and not overlap");
		}
		if (range.end < range.start + hours->minutes) {
			return refuse(error,
				      "a range must have room for a slot: it ends minutes after its start, or later");
		}
		if (hours->range_count == HOURS_RANGES_MAX) {
			return error_set(error, ERROR_NO_SPACE, "hours have at most %d ranges in all",
					 HOURS_RANGES_MAX);
		}
		slots += slots_of(hours, &range);
		hours->ranges[hours->range_count++] = range;
		end = range.end;
	}
	days->count = (uint16_t)(hours->range_count - days->first);
	return slots <= HOURS_DAY_SLOTS_MAX ||
	       error_set(error, ERROR_NO_SPACE, "a day has at most %d slots", HOURS_DAY_SLOTS_MAX);
}

static int weekday_of(struct span word)
{
	for (int day = 0; day < 7; day++) {
		if (span_is(word, day_words[day])) {
			return day;
		}
	}
	return -1;
}

/* Puts an exception among the others, by date. */
static bool add_exception(struct hours *hours, const struct hours_days *days, struct error *error)
{
	if (days->from > days->to) {
		return refuse(error, "an exception must not end before it starts");
	}
	if (hours->exception_count == HOURS_EXCEPTIONS_MAX) {
		return error_set(error, ERROR_NO_SPACE, "hours have at most %d exceptions", HOURS_EXCEPTIONS_MAX);
	}
	uint32_t at = hours->exception_count;
	while (at > 0 && hours->exceptions[at - 1].from > days->from) {
		at--;
	}
	if ((at > 0 && hours->exceptions[at - 1].to >= days->from) ||
	    (at < hours->exception_count && hours->exceptions[at].from <= days->to)) {
		return refuse(error, "a day must not be in two exceptions");
	}
	memmove(&hours->exceptions[at + 1], &hours->exceptions[at],
		(hours->exception_count - at) * sizeof hours->exceptions[0]);
	hours->exceptions[at] = *days;
	hours->exception_count++;
	return true;
}

/* Reads one day or exception from the words; *used says how many they were. */
static bool read_days(const struct span *words, size_t count, struct hours *hours, uint32_t *seen, size_t *used,
		      struct error *error)
{
	struct hours_days days = {.from = 0};
	const int weekday = weekday_of(words[0]);
	if (weekday >= 0 && count >= 2) {
		*used = 2;
		if ((*seen >> weekday & 1) != 0) {
			return refuse(error, "a weekday must be there once, with all its ranges");
		}
		*seen |= 1u << weekday;
		return read_ranges(words[1], hours, &hours->week[weekday], error);
	}
	if (span_is(words[0], "EXCEPT") && count >= 4) {
		*used = 4;
		if (!civil_parse_date(words[1], &days.from) || !civil_parse_date(words[2], &days.to)) {
			return refuse(error, "EXCEPT must be followed by two days of the calendar as YYYY-MM-DD");
		}
		return read_ranges(words[3], hours, &days, error) && add_exception(hours, &days, error);
	}
	return weekday >= 0 || span_is(words[0], "EXCEPT")
		   ? refuse(error, "a weekday needs ranges, and EXCEPT a first day, a last day and ranges")
		   : refuse(error, "day must be one of mon tue wed thu fri sat sun, or EXCEPT");
}

bool hours_read(const struct span *words, size_t count, struct hours *hours, struct error *error)
{
	uint64_t minutes;
	uint64_t gap;
	*hours = (struct hours){.zone = count > 0 ? words[0] : (struct span){NULL, 0}};
	if (count < 3) {
		return refuse(error, "hours need at least a zone, minutes and a gap");
	}
	if (!zone_name_valid(hours->zone)) {
		return refuse(error, "zone must be an IANA name such as Europe/Berlin");
	}
	if (!span_number(words[1], SLOT_MINUTES_MAX, &minutes) || minutes == 0) {
		return error_set(error, ERROR_INVALID, "minutes must be a whole number from 1 to %d", SLOT_MINUTES_MAX);
	}
	if (!span_number(words[2], MINUTES_PER_DAY, &gap)) {
		return error_set(error, ERROR_INVALID, "gap must be a whole number from 0 to %d", MINUTES_PER_DAY);
	}
	hours->minutes = (uint16_t)minutes;
	hours->gap = (uint16_t)gap;
	uint32_t seen = 0;
	size_t used = 0;
	for (size_t at = 3; at < count; at += used) {
		if (!read_days(words + at, count - at, hours, &seen, &used, error)) {
			return false;
		}
	}
	return true;
}

bool hours_read_text(struct span text, struct hours *hours)
{
	/* A word has a byte at least, and a blank behind it. */
	struct span words[HOURS_TEXT_MAX / 2 + 1];
	size_t count = 0;
	struct error error;
	if (text.size == 0 || text.size > HOURS_TEXT_MAX) {
		return false;
	}
	for (size_t start = 0, at = 0; at <= text.size; at++) {
		if (at == text.size || text.at[at] == ' ') {
			if (at == start) {
				return false;
			}
			words[count++] = (struct span){text.at + start, at - start};
			start = at + 1;
		}
	}
	return hours_read(words, count, hours, &error);
}

/* ------------------------------------------------------------------------------------------------------------- writing */

static void write_date(uint16_t day, struct buffer *text)
{
	char date[CIVIL_DATE_SIZE];
	civil_format_date(day, date);
	buffer_add(text, date, sizeof date);
}

static void write_ranges(const struct hours *hours, const struct hours_days *days, struct buffer *text)
{
	if (days->count == 0) {
		buffer_format(text, " closed");
	}
	for (uint32_t i = 0; i < days->count; i++) {
		const struct hours_range *range = &hours->ranges[days->first + i];
		buffer_format(text, "%c%02u:%02u-%02u:%02u", i == 0 ? ' ' : ',', range->start / 60u, range->start % 60u,
			      range->end / 60u, range->end % 60u);
	}
}

void hours_write(const struct hours *hours, struct buffer *text)
{
	buffer_format(text, "%.*s %u %u", (int)hours->zone.size, (const char *)hours->zone.at, hours->minutes,
		      hours->gap);
	for (int day = 0; day < 7; day++) {
		if (hours->week[day].count > 0) {
			buffer_format(text, " %s", day_words[day]);
			write_ranges(hours, &hours->week[day], text);
		}
	}
	for (uint32_t i = 0; i < hours->exception_count; i++) {
		buffer_format(text, " EXCEPT ");
		write_date(hours->exceptions[i].from, text);
		buffer_format(text, " ");
		write_date(hours->exceptions[i].to, text);
		write_ranges(hours, &hours->exceptions[i], text);
	}
}

/* ------------------------------------------------------------------------------------------------------------- a day */

static const struct hours_days *days_of(const struct hours *hours, uint16_t day)
{
	for (uint32_t i = 0; i < hours->exception_count; i++) {
		if (hours->exceptions[i].from <= day && day <= hours->exceptions[i].to) {
			return &hours->exceptions[i];
		}
	}
	return &hours->week[(day + 3u) % 7]; /* 1970-01-01 was a Thursday */
}

size_t hours_of_day(const struct hours *hours, uint16_t day, uint16_t starts[static HOURS_DAY_SLOTS_MAX])
{
	const struct hours_days *days = days_of(hours, day);
	size_t count = 0;
	for (uint32_t i = 0; i < days->count; i++) {
		const struct hours_range *range = &hours->ranges[days->first + i];
		for (uint32_t at = range->start; at + hours->minutes <= range->end; at += hours->minutes + hours->gap) {
			CHECK(count < HOURS_DAY_SLOTS_MAX);
			starts[count++] = (uint16_t)at;
		}
	}
	return count;
}

/* ------------------------------------------------------------------------------------------------------------- plans */

#define PLAN_PARTS 4

bool hours_plan_read(struct span text, struct hours_plan *plan)
{
	struct span parts[PLAN_PARTS];
	size_t count = 0;
	for (size_t start = 0, at = 0; at <= text.size; at++) {
		if (at == text.size || text.at[at] == '|') {
			if (count == PLAN_PARTS) {
				return false;
			}
			parts[count++] = (struct span){text.at + start, at - start};
			start = at + 1;
		}
	}
	struct hours hours;
	*plan = (struct hours_plan){.has_was = count == PLAN_PARTS};
	if (count < 2 || count == 3 || !civil_parse_date(parts[0], &plan->opened)) {
		return false;
	}
	plan->now = parts[1];
	if (plan->has_was) {
		plan->was = parts[3];
	}
	return (!plan->has_was || (civil_parse_date(parts[2], &plan->until) && hours_read_text(plan->was, &hours))) &&
	       (plan->now.size == 0 ? plan->has_was : hours_read_text(plan->now, &hours));
}

struct span hours_plan_zone(struct span text)
{
	const size_t start = CIVIL_DATE_SIZE + 1;
	size_t end = start;
	while (end < text.size && text.at[end] != ' ' && text.at[end] != '|') {
		end++;
	}
	return start < text.size ? (struct span){text.at + start, end - start} : (struct span){NULL, 0};
}

void hours_plan_write(const struct hours_plan *plan, struct buffer *text)
{
	if (plan->now.size == 0 && !plan->has_was) {
		return;
	}
	write_date(plan->opened, text);
	buffer_format(text, "|");
	buffer_add(text, plan->now.at, plan->now.size);
	if (plan->has_was) {
		buffer_format(text, "|");
		write_date(plan->until, text);
		buffer_format(text, "|");
		buffer_add(text, plan->was.at, plan->was.size);
	}
}
