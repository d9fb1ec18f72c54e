/*
 * Proves: what a CalDAV server answers leads to what its collection holds: changes, deletions, pages, a token that is
 * refused, and failures half-way, after which nothing is forgotten and nothing counts twice.
 *
 * How: caldav is a machine of requests and answers; the answers are written here.
 */
#include <calsync/caldav.h>
#include <criterion/criterion.h>
#include <stdlib.h>

#define HEAD "<?xml version='1.0'?><multistatus xmlns='DAV:' xmlns:C='urn:ietf:params:xml:ns:caldav'>"
#define TAIL "</multistatus>"
#define LISTED(href, etag)                                                                                             \
	"<response><href>" href "</href><propstat><prop><getetag>" etag                                                \
	"</getetag></prop><status>HTTP/1.1 200 OK</status></propstat></response>"
#define GONE(href) "<response><href>" href "</href><status>HTTP/1.1 404 Not Found</status></response>"
#define TEXT(href, etag, start)                                                                                        \
	"<response><href>" href "</href><propstat><prop><getetag>" etag "</getetag><C:calendar-data>"                  \
	"BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:" start "\nEND:VEVENT\nEND:VCALENDAR\n"                                \
	"</C:calendar-data></prop><status>HTTP/1.1 200 OK</status></propstat></response>"
#define TOKEN(token) "<sync-token>" token "</sync-token>"

static struct calendar calendar;
static struct caldav caldav;
static struct request request;
static struct limits limits;
static struct error error;

static void start(void)
{
	calendar = (struct calendar){0};
	limits = LIMITS_DEFAULT;
	calendar.url.address = strdup("https://h.example/c/");
}

static void finish(void)
{
	caldav_fini(&caldav);
	calendar_fini(&calendar);
}

TestSuite(caldav, .init = start, .fini = finish);

static void begin(void)
{
	caldav_fini(&caldav);
	caldav_begin(&caldav, &calendar);
	caldav_ask(&caldav, &request);
}

static bool asks(const char *text)
{
	return memmem(request.body.at, request.body.size, text, strlen(text)) != NULL;
}

/* The step that an answer leads to; what is asked next is in `request`. */
static enum step answer(long status, const char *body)
{
	struct answer answer = {.status = status};
	buffer_add(&answer.body, body, strlen(body));
	const enum step step = caldav_answered(&caldav, &answer, &limits, &error);
	buffer_fini(&answer.body);
	if (step == STEP_ASK) {
		caldav_ask(&caldav, &request);
	}
	return step;
}

static bool keeps(const char *text)
{
	return memmem(calendar.kept.at, calendar.kept.size, text, strlen(text)) != NULL;
}

/* Two items, as of token 1. */
static void know_two(void)
{
	begin();
	cr_assert(asks("<D:sync-token></D:sync-token>"));
	cr_assert_eq(
	    answer(207, HEAD LISTED("/c/", "c") LISTED("/c/a&amp;b", "1") LISTED("/c/b", "1") TOKEN("t&amp;1") TAIL),
	    STEP_ASK);
	cr_assert(asks("<D:href>/c/a&amp;b</D:href>") && asks("<D:href>/c/b</D:href>") &&
		  !asks("<D:href>/c/</D:href>"));
	cr_assert_eq(
	    answer(207, HEAD TEXT("/c/a&amp;b", "1", "20310101T090000Z") TEXT("/c/b", "1", "20310102T090000Z") TAIL),
	    STEP_DONE);
	cr_assert_eq(calendar.outcome, CALENDAR_FRESH);
	cr_assert_str_eq(calendar.token, "t&1");
	cr_assert(keeps("20310101") && keeps("20310102"));
}

Test(caldav, asks_only_for_what_has_changed)
{
	know_two();
	begin();
	cr_assert(asks("<D:sync-token>t&amp;1</D:sync-token>"));
	cr_assert_eq(answer(207, HEAD TOKEN("t2") TAIL), STEP_DONE);
	cr_assert_eq(calendar.outcome, CALENDAR_UNCHANGED);
	begin();
	cr_assert_eq(answer(207, HEAD GONE("/c/b") LISTED("/c/a&amp;b", "2") TOKEN("t3") TAIL), STEP_ASK);
	cr_assert(!asks("/c/b<"));
	cr_assert_eq(answer(207, HEAD TEXT("/c/a&amp;b", "2", "20310103T090000Z") TAIL), STEP_DONE);
	cr_assert_eq(calendar.outcome, CALENDAR_FRESH);
	cr_assert(keeps("20310103") && !keeps("20310101") && !keeps("20310102"));
}

Test(caldav, a_listing_in_pages_is_one)
{
	know_two();
	free(calendar.token);
	calendar.token = NULL;
	begin();
	cr_assert_eq(
	    answer(207,
		   HEAD LISTED("/c/b",
			       "1") "<response><href>/c/</href><status>HTTP/1.1 507 x</status></response>" TOKEN("p1")
		       TAIL),
	    STEP_ASK);
	cr_assert(asks("<D:sync-token>p1</D:sync-token>"));
	cr_assert_eq(answer(207, HEAD LISTED("/c/d", "1") TOKEN("t4") TAIL), STEP_ASK);
	cr_assert_eq(answer(207, HEAD TEXT("/c/d", "1", "20310104T090000Z") TAIL), STEP_DONE);
	cr_assert(keeps("20310102") && keeps("20310104") && !keeps("20310101"), "what no page has named is gone");
}

Test(caldav, a_token_that_is_refused_starts_anew)
{
	static const long refusals[] = {403, 409, 410, 412, 507, 500};
	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
		finish();
		start();
		know_two();
		begin();
		cr_assert_eq(answer(refusals[i], ""), STEP_ASK, "%ld", refusals[i]);
		cr_assert(asks("<D:sync-token></D:sync-token>"));
		cr_assert_eq(answer(207, HEAD LISTED("/c/b", "1") TOKEN("t9") TAIL), STEP_DONE,
			     "what is known is not asked for");
		cr_assert(keeps("20310102") && !keeps("20310101"));
		cr_assert_str_eq(calendar.token, "t9");
	}
}

Test(caldav, without_such_a_report_it_asks_for_the_window)
{
	know_two();
	calendar.window = (struct busy_interval){60 * 24 * 22280, 60 * 24 * 22340}; /* 2031-01-01 on */
	begin();
	cr_assert_eq(answer(403, ""), STEP_ASK);
	cr_assert_eq(answer(403, ""), STEP_ASK);
	cr_assert(asks("calendar-query") && asks("start=\"20301231T000000Z\" end=\"20310303T000000Z\""), "%.*s",
		  (int)request.body.size, (const char *)request.body.at);
	cr_assert_eq(answer(207, HEAD TEXT("/c/b", "1", "20310102T090000Z") TAIL), STEP_DONE);
	cr_assert(keeps("20310102") && !keeps("20310101"));
	cr_assert_null(calendar.token);
	begin();
	cr_assert_eq(answer(403, ""), STEP_ASK);
	cr_assert_eq(answer(207, HEAD TEXT("/c/b", "1", "20310102T090000Z") TAIL), STEP_DONE);
	cr_assert_eq(calendar.outcome, CALENDAR_UNCHANGED);
}

Test(caldav, a_failure_half_way_is_made_up_for)
{
	know_two();
	begin();
	cr_assert_eq(answer(207, HEAD GONE("/c/b") LISTED("/c/a&amp;b", "2") TOKEN("t2") TAIL), STEP_ASK);
	cr_assert_eq(answer(207, HEAD TEXT("/c/a&amp;b", "2", "20310103T090000Z") LISTED("/c/e", "1")), STEP_FAILED);
	cr_assert(keeps("20310101") && keeps("20310102"), "the last good copy");
	cr_assert_str_eq(calendar.token, "t&1", "and its token");
	begin();
	const enum step step = answer(207, HEAD GONE("/c/b") LISTED("/c/a&amp;b", "2") TOKEN("t2") TAIL);
	cr_assert(step == STEP_DONE || answer(207, HEAD TEXT("/c/a&amp;b", "2", "20310103T090000Z") TAIL) == STEP_DONE);
	cr_assert_eq(calendar.outcome, CALENDAR_FRESH, "what had come before the failure is new");
	cr_assert(keeps("20310103") && !keeps("20310102"));
}

Test(caldav, failures_are_failures)
{
	begin();
	cr_assert_eq(answer(401, ""), STEP_FAILED);
	begin();
	cr_assert_eq(answer(200, "<html/>"), STEP_FAILED);
	begin();
	cr_assert_eq(answer(500, ""), STEP_LATER);
	begin();
	cr_assert_eq(answer(207, "no xml"), STEP_FAILED);
	limits.events = 1;
	begin();
	cr_assert_eq(answer(207, HEAD LISTED("/c/a", "1") LISTED("/c/b", "1") TOKEN("t") TAIL), STEP_FAILED);
	cr_assert_not_null(strstr(error.text, "max-events"));
	cr_assert_not(calendar.is_known);
}

Test(caldav, what_is_not_answered_is_not_asked_for_ever)
{
	begin();
	cr_assert_eq(answer(207, HEAD LISTED("/c/a", "1") LISTED("/c/b", "1") TOKEN("t1") TAIL), STEP_ASK);
	cr_assert_eq(answer(207, HEAD TEXT("/c/a", "1", "20310101T090000Z") TAIL), STEP_DONE);
	cr_assert_eq(calendar.items.count, 1);
}

Test(caldav, an_item_that_cannot_be_read_is_counted_and_left)
{
	begin();
	cr_assert_eq(answer(207, HEAD LISTED("/c/a", "1") TOKEN("t1") TAIL), STEP_ASK);
	cr_assert_eq(answer(207,
			    HEAD "<response><href>/c/a</href><propstat><prop><getetag>1</getetag><C:calendar-data>half"
				 "</C:calendar-data></prop></propstat></response>" TAIL),
		     STEP_DONE);
	cr_assert_eq(calendar.unreadable_items, 1);
	begin();
	cr_assert_eq(answer(207, HEAD LISTED("/c/a", "1") TOKEN("t2") TAIL), STEP_DONE);
}
