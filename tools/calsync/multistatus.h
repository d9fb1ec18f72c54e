/*
 * multistatus: what a CalDAV server answers (207, RFC 4918), one response after the other.
 *
 * expat parses; a document type (where entities would be defined) and nesting beyond MULTISTATUS_DEPTH end it.
 *
 * Threads: any.
 */
#pragma once

#include <base/bytes.h>
#include <base/error.h>

#define MULTISTATUS_DEPTH 32

struct dav_response {
	const char *href;
	long status;      /* of the resource; 0: there are properties instead */
	const char *etag; /* "" if not said */
	struct span data; /* calendar-data; empty if not said */
};

/* Good during the call. */
typedef void dav_response_f(void *context, const struct dav_response *response);

/* *token is the sync-token, or NULL; the caller frees it. */
bool multistatus_parse(struct span xml, dav_response_f *take, void *context, char **token, struct error *error);
