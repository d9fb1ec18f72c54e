/*
 * url: where a calendar is, taken apart into what is asked, what is shown and what is secret.
 *
 *   https://host/path             one calendar as a file (ICS); also webcal:// and webcals://, which Apple writes for the same
 *   caldav+https://host/path/     a CalDAV collection
 *   https://host/path/#caldav     the same, where only https:// may be written (CALENDAR SET)
 *   http://, caldav+http://       the same without TLS, only with allow-http
 *
 * A path may be a secret, as Google's "secret address" is, and so may user:password@. Only the host is ever shown.
 *
 * Threads: any.
 */
#pragma once

#include <base/error.h>
#include <stdbool.h>

#define URL_SIZE_MAX  2048
#define HOST_SIZE_MAX 256

struct url {
	bool is_caldav;
	char *address;     /* what curl is given: no user, no password */
	char *credentials; /* user:password, or NULL */
	char host[HOST_SIZE_MAX];
};

/* The reason never has the url in it. */
bool url_parse(struct url *url, const char *text, bool allow_http, struct error *error);
void url_fini(struct url *url);
