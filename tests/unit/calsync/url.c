/*
 * Proves: of a url what is asked, what is secret and what may be shown are told apart, and one that is wrong is refused
 * without being repeated.
 */
#include <calsync/url.h>
#include <criterion/criterion.h>
#include <string.h>

static struct url url;
static struct error error;

static void check(const char *text, const char *address, const char *host, bool is_caldav, const char *credentials)
{
	cr_assert(url_parse(&url, text, true, &error), "%s: %s", text, error.text);
	cr_assert_str_eq(url.address, address);
	cr_assert_str_eq(url.host, host);
	cr_assert_eq(url.is_caldav, is_caldav, "%s", text);
	if (credentials == NULL) {
		cr_assert_null(url.credentials);
	} else {
		cr_assert_str_eq(url.credentials, credentials);
	}
	url_fini(&url);
}

Test(url, is_taken_apart)
{
	check("https://h.example/private-1/basic.ics?a=b", "https://h.example/private-1/basic.ics?a=b", "h.example",
	      false, NULL);
	check("webcal://h.example/x.ics", "https://h.example/x.ics", "h.example", false, NULL);
	check("WEBCALS://h.example/x.ics", "https://h.example/x.ics", "h.example", false, NULL);
	check("caldav+https://h.example:8443/ada/", "https://h.example:8443/ada/", "h.example", true, NULL);
	check("https://h.example/ada/#caldav", "https://h.example/ada/", "h.example", true, NULL);
	check("https://h.example/ada/#other", "https://h.example/ada/", "h.example", false, NULL);
	check("caldav+http://ada:p%40ss@[::1]:5232/ada/", "http://[::1]:5232/ada/", "[::1]", true, "ada:p@ss");
}

Test(url, what_is_wrong_is_refused)
{
	static const char *const others[] = {"",
					     "secret",
					     "file:///secret",
					     "ftp://h.example/secret",
					     "https://",
					     "https://h.example:port/secret",
					     "caldav://h.example/secret"};
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		cr_assert_not(url_parse(&url, others[i], true, &error), "%s", others[i]);
		cr_assert_null(strstr(error.text, "secret"), "%s", error.text);
		url_fini(&url);
	}
	cr_assert_not(url_parse(&url, "http://h.example/secret", false, &error));
	cr_assert_not_null(strstr(error.text, "allow-http"));
	cr_assert_not(url_parse(&url, "caldav+http://h.example/secret", false, &error));
	char large[URL_SIZE_MAX + 100];
	memset(large, 'a', sizeof large);
	memcpy(large, "https://h.example/", 18);
	large[sizeof large - 1] = '\0';
	cr_assert_not(url_parse(&url, large, true, &error));
}
