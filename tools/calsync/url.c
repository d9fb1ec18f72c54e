/*
 * url: see the header.
 */
#include <base/check.h>
#include <calsync/url.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *prefix;
	const char *scheme; /* what it stands for */
	bool is_caldav;
} schemes[] = {
    {"https://", "https://", false},   {"http://", "http://", false},         {"webcal://", "https://", false},
    {"webcals://", "https://", false}, {"caldav+https://", "https://", true}, {"caldav+http://", "http://", true},
};

static void take_credentials(struct url *url, CURLU *parts)
{
	char *user = NULL;
	char *password = NULL;
	(void)curl_url_get(parts, CURLUPART_USER, &user, CURLU_URLDECODE);
	(void)curl_url_get(parts, CURLUPART_PASSWORD, &password, CURLU_URLDECODE);
	if (user != NULL) {
		CHECK(asprintf(&url->credentials, "%s:%s", user, password != NULL ? password : "") >= 0);
	}
	curl_free(user);
	curl_free(password);
	(void)curl_url_set(parts, CURLUPART_USER, NULL, 0);
	(void)curl_url_set(parts, CURLUPART_PASSWORD, NULL, 0);
}

/* A fragment is never sent: it is for us. */
static void take_fragment(struct url *url, CURLU *parts)
{
	char *fragment = NULL;
	(void)curl_url_get(parts, CURLUPART_FRAGMENT, &fragment, 0);
	url->is_caldav = url->is_caldav || (fragment != NULL && strcmp(fragment, "caldav") == 0);
	curl_free(fragment);
	(void)curl_url_set(parts, CURLUPART_FRAGMENT, NULL, 0);
}

static bool take_apart(struct url *url, CURLU *parts)
{
	char *host = NULL;
	char *address = NULL;
	take_credentials(url, parts);
	take_fragment(url, parts);
	bool is_good = curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
		       curl_url_get(parts, CURLUPART_URL, &address, 0) == CURLUE_OK && strlen(host) < HOST_SIZE_MAX;
	if (is_good) {
		memcpy(url->host, host, strlen(host) + 1);
		url->address = strdup(address);
		CHECK(url->address != NULL);
	}
	curl_free(host);
	curl_free(address);
	return is_good;
}

bool url_parse(struct url *url, const char *text, bool allow_http, struct error *error)
{
	*url = (struct url){0};
	size_t i = 0;
	while (i < sizeof schemes / sizeof schemes[0] &&
	       strncasecmp(text, schemes[i].prefix, strlen(schemes[i].prefix)) != 0) {
		i++;
	}
	if (i == sizeof schemes / sizeof schemes[0]) {
		return error_set(error, ERROR_INVALID, "a url begins with https://, webcal:// or caldav+https://");
	}
	if (schemes[i].scheme[4] != 's' && !allow_http) {
		return error_set(error, ERROR_INVALID, "a url without TLS needs allow-http");
	}
	char whole[URL_SIZE_MAX];
	const int size = snprintf(whole, sizeof whole, "%s%s", schemes[i].scheme, text + strlen(schemes[i].prefix));
	url->is_caldav = schemes[i].is_caldav;
	CURLU *parts = curl_url();
	CHECK(parts != NULL);
	const bool is_good = size < (int)sizeof whole && curl_url_set(parts, CURLUPART_URL, whole, 0) == CURLUE_OK &&
			     take_apart(url, parts);
	curl_url_cleanup(parts);
	if (!is_good) {
		url_fini(url);
		return error_set(error, ERROR_INVALID, "not a url, or longer than %d bytes", URL_SIZE_MAX - 1);
	}
	return true;
}

void url_fini(struct url *url)
{
	free(url->address);
	free(url->credentials);
	*url = (struct url){0};
}
