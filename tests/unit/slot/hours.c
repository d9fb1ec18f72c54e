/*
 * Proves: hours that are written are read as the same, whatever they are; a day has the slots that its ranges have room for,
 * and an exception comes before the week; what the log remembers is read back, and nothing else is taken for it.
 *
 * Method: random hours, and random damage to what was written; the slots of a day compared with a count minute by minute. The
 * words of each refusal are in tests/talk/d04_hours.talk.
 */
#include <criterion/criterion.h>
#include <sim/prng.h>
#include <slot/hours.h>
#include <stdio.h>
#include <stdlib.h>

static struct span text_of(const struct buffer *buffer)
{
	return (struct span){buffer->at, buffer->size};
}

static void write_ranges(struct prng *prng, uint32_t minutes, struct buffer *text)
{
	uint32_t at = prng_below(prng, 600);
	uint32_t count = 0;
	while (count < 3 && at + minutes <= MINUTES_PER_DAY) {
		const uint32_t most = MINUTES_PER_DAY - at - minutes;
		const uint32_t end = at + minutes + prng_below(prng, most < 300 ? most + 1 : 300);
		buffer_format(text, "%s%02u:%02u-%02u:%02u", count++ == 0 ? "" : ",", at / 60, at % 60, end / 60,
			      end % 60);
		at = end + prng_below(prng, 200);
	}
	if (count == 0) {
		buffer_format(text, "closed");
	}
}

/* In the order they are written. */
static void make_up(struct prng *prng, struct buffer *text)
{
	static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
	const uint32_t minutes = 20 + prng_below(prng, 100);
	buffer_format(text, "Europe/Berlin %u %u", minutes, prng_below(prng, 60));
	for (uint32_t day = 0; day < 7; day++) {
		if (prng_below(prng, 2) == 0) {
			struct buffer ranges = {0};
			write_ranges(prng, minutes, &ranges);
			if (!span_is(text_of(&ranges), "closed")) {
				buffer_format(text, " %s %.*s", days[day], (int)ranges.size, (const char *)ranges.at);
			}
			buffer_fini(&ranges);
		}
	}
	uint16_t day = 22000;
	for (uint32_t exceptions = prng_below(prng, 5); exceptions > 0; exceptions--) {
		char from[CIVIL_DATE_SIZE];
		char to[CIVIL_DATE_SIZE];
		day = (uint16_t)(day + 1 + prng_below(prng, 20));
		civil_format_date(day, from);
		day = (uint16_t)(day + prng_below(prng, 20));
		civil_format_date(day, to);
		buffer_format(text, " EXCEPT %.10s %.10s ", from, to);
		write_ranges(prng, minutes, text);
	}
}

Test(hours, are_read_as_they_were_written)
{
	struct prng prng = {0x40a5};
	for (uint32_t i = 0; i < 3000; i++) {
		struct buffer text = {0};
		struct buffer again = {0};
		struct hours hours;
		make_up(&prng, &text);
		cr_assert(hours_read_text(text_of(&text), &hours), "%.*s", (int)text.size, (const char *)text.at);
		hours_write(&hours, &again);
		cr_assert(span_equal(text_of(&text), text_of(&again)), "%.*s", (int)text.size, (const char *)text.at);
		/* Damaged, they are refused, or read as what is then written. */
		text.at[prng_below(&prng, (uint32_t)text.size)] = (uint8_t)(' ' + prng_below(&prng, 95));
		if (hours_read_text(text_of(&text), &hours)) {
			again.size = 0;
			hours_write(&hours, &again);
			cr_assert(hours_read_text(text_of(&again), &hours));
		}
		buffer_fini(&text);
		buffer_fini(&again);
	}
}

static void read(const char *text, struct hours *hours)
{
	cr_assert(hours_read_text(span_of(text), hours), "%s", text);
}

static uint16_t day_number(const char *date)
{
	uint16_t day;
	cr_assert(civil_parse_date(span_of(date), &day));
	return day;
}

Test(hours, have_as_many_slots_as_fit)
{
	struct prng prng = {0x40a6};
	for (uint32_t i = 0; i < 3000; i++) {
		char text[64];
		struct hours hours;
		uint16_t starts[HOURS_DAY_SLOTS_MAX];
		const uint32_t minutes = 5 + prng_below(&prng, 80);
		const uint32_t gap = prng_below(&prng, 30);
		const uint32_t start = prng_below(&prng, 700);
		const uint32_t end = start + minutes + prng_below(&prng, MINUTES_PER_DAY - start - minutes + 1);
		snprintf(text, sizeof text, "UTC %u %u wed %02u:%02u-%02u:%02u", minutes, gap, start / 60, start % 60,
			 end / 60, end % 60);
		read(text, &hours);
		size_t count = 0;
		uint32_t at = start;
		const size_t found = hours_of_day(&hours, day_number("2031-01-08"), starts);
		for (; at + minutes <= end; at += minutes + gap) {
			cr_assert_lt(count, found);
			cr_assert_eq(starts[count++], at);
		}
		cr_assert_eq(found, count);
		cr_assert_eq(hours_of_day(&hours, day_number("2031-01-09"), starts), 0);
	}
}

Test(hours, of_an_exception_come_before_the_week)
{
	struct hours hours;
	uint16_t starts[HOURS_DAY_SLOTS_MAX];
	read("UTC 60 0 mon 09:00-12:00 tue 09:00-12:00 EXCEPT 2031-01-06 2031-01-06 10:00-11:00 EXCEPT 2031-01-13 "
	     "2031-01-14 "
	     "closed",
	     &hours);
	cr_assert_eq(hours_of_day(&hours, day_number("2031-01-06"), starts), 1);
	cr_assert_eq(starts[0], 600);
	cr_assert_eq(hours_of_day(&hours, day_number("2031-01-07"), starts), 3);
	cr_assert_eq(hours_of_day(&hours, day_number("2031-01-13"), starts), 0);
	cr_assert_eq(hours_of_day(&hours, day_number("2031-01-14"), starts), 0);
	cr_assert_eq(hours_of_day(&hours, day_number("2031-01-20"), starts), 3);
	cr_assert_eq(hours_of_day(&hours, day_number("2031-01-08"), starts), 0);
}

Test(hours, plans_are_read_as_they_were_written_and_nothing_else_is_one)
{
	static const char *const taken[] = {
	    "2031-01-06|UTC 50 10 mon 09:00-12:00",
	    "2031-01-06|UTC 50 10 mon 09:00-12:00|2031-03-07|Europe/Berlin 50 10",
	    "2031-01-06||2031-03-07|Europe/Berlin 50 10",
	};
	for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
		struct hours_plan plan;
		struct buffer text = {0};
		cr_assert(hours_plan_read(span_of(taken[i]), &plan), "%s", taken[i]);
		cr_assert(span_equal(hours_plan_zone(span_of(taken[i])), span_of(i < 2 ? "UTC" : "")), "%s", taken[i]);
		hours_plan_write(&plan, &text);
		cr_assert(span_equal(text_of(&text), span_of(taken[i])), "%s", taken[i]);
		buffer_fini(&text);
	}
	static const char *const refused[] = {
	    "",
	    "|",
	    "2031-01-06",
	    "2031-01-06|",
	    "2031-01-06|UTC",
	    "2031-13-06|UTC 50 10",
	    "2031-01-06|UTC  50 10",
	    "2031-01-06|UTC 50 10 ",
	    "2031-01-06|UTC 50 10|2031-03-07",
	    "2031-01-06|UTC 50 10|2031-03-07|",
	    "2031-01-06|UTC 50 10||UTC 50 10",
	    "2031-01-06|UTC 50 10|2031-03-07|UTC 50 10|",
	};
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		struct hours_plan plan;
		cr_assert_not(hours_plan_read(span_of(refused[i]), &plan), "took '%s'", refused[i]);
	}
	struct buffer none = {0};
	hours_plan_write(&(struct hours_plan){.opened = 5}, &none);
	cr_assert_eq(none.size, 0, "nothing is left to remember");
	cr_assert_eq(hours_plan_zone((struct span){NULL, 0}).size, 0);
}
