/*
 * zone_tail: the rule at the end of a zone file: POSIX's TZ, with the hours from -167 to 167 of RFC 8536.
 *
 * See: RFC 8536, section 3.3; POSIX, Base Definitions, section 8.3, TZ.
 */
#include "zone_file.h"

#include <base/limits.h>

#define DAY_SECONDS 86400

/* What is not read yet. */
struct text {
	const uint8_t *at;
	const uint8_t *end;
};

static bool take(struct text *text, char wanted)
{
	if (text->at == text->end || *text->at != (uint8_t)wanted) {
		return false;
	}
	text->at++;
	return true;
}

static bool is_letter(uint8_t byte)
{
	return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

static bool is_digit(uint8_t byte)
{
	return byte >= '0' && byte <= '9';
}

/* CET, or <+0530>. */
static bool skip_name(struct text *text)
{
	const bool quoted = take(text, '<');
	const uint8_t *start = text->at;
	while (text->at < text->end &&
	       (is_letter(*text->at) || (quoted && (is_digit(*text->at) || *text->at == '+' || *text->at == '-')))) {
		text->at++;
	}
	return text->at - start >= 3 && (!quoted || take(text, '>'));
}

static bool read_number(struct text *text, int32_t least, int32_t most, int32_t *number)
{
	const uint8_t *start = text->at;
	*number = 0;
	while (text->at < text->end && is_digit(*text->at) && text->at - start < 3) {
		*number = *number * 10 + (*text->at++ - '0');
	}
	return text->at > start && *number >= least && *number <= most;
}

/* [+-]hours[:minutes[:seconds]] */
static bool read_seconds(struct text *text, int32_t hours_most, int32_t *seconds)
{
	const bool negative = take(text, '-');
	int32_t hours;
	int32_t minutes = 0;
	int32_t rest = 0;
	if (!negative) {
		take(text, '+');
	}
	if (!read_number(text, 0, hours_most, &hours) || (take(text, ':') && !read_number(text, 0, 59, &minutes)) ||
	    (take(text, ':') && !read_number(text, 0, 59, &rest))) {
		return false;
	}
	*seconds = (hours * 60 + minutes) * 60 + rest;
	*seconds = negative ? -*seconds : *seconds;
	return true;
}

static bool read_rule(struct text *text, struct zone_rule *rule)
{
	*rule = (struct zone_rule){.seconds = 2 * 60 * 60};
	bool read;
	if (take(text, 'M')) {
		rule->kind = ZONE_RULE_MONTH;
		read = read_number(text, 1, 12, &rule->month) && take(text, '.') &&
		       read_number(text, 1, 5, &rule->week) && take(text, '.') && read_number(text, 0, 6, &rule->day);
	} else if (take(text, 'J')) {
		rule->kind = ZONE_RULE_JULIAN;
		read = read_number(text, 1, 365, &rule->day);
	} else {
		rule->kind = ZONE_RULE_ZERO_BASED;
		read = read_number(text, 0, 365, &rule->day);
	}
	return read && (!take(text, '/') || read_seconds(text, 167, &rule->seconds));
}

bool zone_tail_parse(struct span span, struct zone_tail *tail)
{
	struct text text = {span.at, span.at + span.size};
	int32_t west;
	*tail = (struct zone_tail){0};
	if (!skip_name(&text) || !read_seconds(&text, 24, &west)) {
		return false;
	}
	tail->standard = -west;
	if (text.at == text.end) {
		return true;
	}
	tail->has_summer = true;
	tail->summer = tail->standard + 60 * 60;
	if (!skip_name(&text)) {
		return false;
	}
	if (text.at < text.end && *text.at != ',') {
		if (!read_seconds(&text, 24, &west)) {
			return false;
		}
		tail->summer = -west;
	}
	return take(&text, ',') && read_rule(&text, &tail->start) && take(&text, ',') && read_rule(&text, &tail->end) &&
	       text.at == text.end;
}

/* The day of a rule that names a weekday. 1970-01-01 was a Thursday. */
static int64_t day_of_week(const struct zone_rule *rule, int64_t year)
{
	const int64_t first = civil_days(year, rule->month, 1);
	const int64_t weekday = ((first + 4) % 7 + 7) % 7;
	int64_t day = first + (rule->day - weekday + 7) % 7 + 7 * (rule->week - 1);
	const int64_t next = rule->month == 12 ? civil_days(year + 1, 1, 1) : civil_days(year, rule->month + 1, 1);
	while (day >= next) {
		day -= 7;
	}
	return day;
}

int64_t zone_rule_civil(const struct zone_rule *rule, int64_t year)
{
	const int64_t new_year = civil_days(year, 1, 1);
	const bool leap = civil_days(year, 3, 1) - new_year == 60;
	int64_t day = new_year + rule->day;
	if (rule->kind == ZONE_RULE_MONTH) {
		day = day_of_week(rule, year);
	} else if (rule->kind == ZONE_RULE_JULIAN) {
		day += leap && rule->day >= 60 ? 0 : -1;
	}
	return day * DAY_SECONDS + rule->seconds;
}
