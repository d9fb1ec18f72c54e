/*
 * Proves: of a calendar only the lines are kept that say when somebody is busy, whatever else came and however it was
 * folded; and what is no whole calendar is refused with nothing kept.
 */
#include <calsync/limits.h>
#include <calsync/sift.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static struct buffer kept;
static struct sifted sifted;
static struct error error;

/* From a copy of just these bytes, so that a sanitizer sees a look beyond them. */
static bool sift_bytes(const void *bytes, size_t size)
{
	uint8_t *copy = malloc(size + 1);
	memcpy(copy, bytes, size);
	buffer_empty(&kept);
	sifted = (struct sifted){0};
	const bool is_good = sift((struct span){copy, size}, 10, &kept, &sifted, &error);
	free(copy);
	return is_good;
}

static bool sift_text(const char *text)
{
	return sift_bytes(text, strlen(text));
}

static void assert_kept(const char *expected)
{
	cr_assert(kept.size == strlen(expected) && memcmp(kept.at, expected, kept.size) == 0, "kept:\n%.*s",
		  (int)kept.size, (const char *)kept.at);
}

Test(sift, keeps_when_and_nothing_of_whom)
{
	cr_assert(sift_text("BEGIN:VCALENDAR\r\nX-WR-CALNAME:Dr Lee\r\nBEGIN:VEVENT\r\nSUMMARY:Ms Example\r\n"
			    "DTSTART;TZID=Europe/Ber\r\n lin:20310106T0900\r\n\t00\r\nATTENDEE;CN=Ms\r\n"
			    "  Example:mailto:ms@mail.example\r\nRRU\r\n LE:FREQ=DAILY\r\nBEGIN:VALARM\r\n"
			    "DTSTART:20310106T080000Z\r\nEND:VALARM\r\nEND:VEVENT\r\nBEGIN:VTODO\r\nDTSTART:1\r\n"
			    "END:VTODO\r\nEND:VCALENDAR\r\n"),
		  "%s", error.text);
	assert_kept("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;TZID=Europe/Berlin:20310106T090000\nRRULE:FREQ=DAILY\n"
		    "END:VEVENT\nEND:VCALENDAR\n");
	cr_assert_eq(sifted.calendars, 1);
	cr_assert_eq(sifted.events, 1);
}

Test(sift, hides_what_a_uid_says)
{
	static const char *const texts[] = {"UID:ms@mail.example", "UID;X-A=b:ms@mail.example", "UID:dr@mail.example"};
	char uids[3][64];
	for (size_t i = 0; i < 3; i++) {
		char text[256];
		snprintf(text, sizeof text, "BEGIN:VCALENDAR\nBEGIN:VEVENT\n%s\nEND:VEVENT\nEND:VCALENDAR", texts[i]);
		cr_assert(sift_text(text), "%s", error.text);
		cr_assert_eq(sscanf((const char *)kept.at, "BEGIN:VCALENDAR BEGIN:VEVENT %63s", uids[i]), 1);
	}
	cr_assert_str_eq(uids[0], uids[1], "the same is the same");
	cr_assert_str_neq(uids[0], uids[2], "and another another");
	cr_assert_null(strstr(uids[0], "ms"));
}

Test(sift, lines_end_in_any_way_and_letters_are_of_any_case)
{
	cr_assert(
	    sift_text("\xef\xbb\xbf"
		      "begin:vcalendar\nBegin:vEvent \ndtstart:1\nstatus:a\001b\nend:vevent\r\nEND:VCALENDAR\n\n"));
	assert_kept("begin:vcalendar\nBegin:vEvent\ndtstart:1\nstatus:a?b\nend:vevent\nEND:VCALENDAR\n");
}

Test(sift, every_prefix_of_a_calendar_is_refused)
{
	static const char whole[] =
	    "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:20310106T090000Z\r\nEND:VEVENT\r\nEND:VCALENDAR";
	for (size_t size = 0; size < sizeof whole - 1; size++) {
		cr_assert_not(sift_bytes(whole, size), "%zu bytes", size);
		cr_assert_eq(kept.size, 0);
	}
	cr_assert(sift_bytes(whole, sizeof whole - 1));
}

Test(sift, what_is_no_calendar_is_refused)
{
	static const char *const others[] = {
	    "<!DOCTYPE html>\n<html></html>",
	    "BEGIN:VCARD\nEND:VCARD",
	    "BEGIN:VCALENDAR\nEND:VCALENDAR\n<html>",
	    "BEGIN:VCALENDAR\nEND:VEVENT\nEND:VCALENDAR",
	    "BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR\nEND:VEVENT",
	    "END:VCALENDAR",
	    "\n\n",
	};
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		cr_assert_not(sift_text(others[i]), "%s", others[i]);
		cr_assert_eq(kept.size, 0);
	}
}

static void add_times(struct buffer *text, const char *line, size_t times)
{
	for (size_t i = 0; i < times; i++) {
		buffer_add(text, line, strlen(line));
	}
}

Test(sift, limits_hold)
{
	struct buffer text = {0};
	add_times(&text, "BEGIN:VCALENDAR\n", 1);
	add_times(&text, "BEGIN:VEVENT\nEND:VEVENT\n", 11);
	cr_assert_not(sift_bytes(text.at, text.size));
	cr_assert_not_null(strstr(error.text, "more than 10 events"), "%s", error.text);

	buffer_empty(&text);
	add_times(&text, "BEGIN:VCALENDAR\n", 1);
	add_times(&text, "BEGIN:X\n", 1000000);
	cr_assert_not(sift_bytes(text.at, text.size));
	cr_assert_not_null(strstr(error.text, "nested deeper than 16"), "%s", error.text);

	buffer_empty(&text);
	add_times(&text, "BEGIN:VCALENDAR\n", 1);
	add_times(&text, "BEGIN:VTIMEZONE\nEND:VTIMEZONE\n", ZONES_MAX + 1);
	cr_assert_not(sift_bytes(text.at, text.size));
	cr_assert_not_null(strstr(error.text, "time zones"), "%s", error.text);
	buffer_fini(&text);
}

Test(sift, a_line_of_ten_megabytes_is_nothing_unless_it_would_be_kept)
{
	static const char *const names[] = {"ATTACH:", "EXDATE:"};
	for (int i = 0; i < 2; i++) {
		struct buffer text = {0};
		add_times(&text, "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20310106T090000Z\n", 1);
		add_times(&text, names[i], 1);
		add_times(&text, "20310106T090000Z,\n ", 10000000 / 18);
		add_times(&text, "\nEND:VEVENT\nEND:VCALENDAR\n", 1);
		cr_assert_eq(sift_bytes(text.at, text.size), i == 0, "%s", names[i]);
		cr_assert_eq(kept.size > 0, i == 0);
		buffer_fini(&text);
	}
	cr_assert_not_null(strstr(error.text, "longer than 65536 bytes"), "%s", error.text);
}
