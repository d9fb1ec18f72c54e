/*
 * caldav: a calendar that is a collection (RFC 4791, RFC 6578), asked only for what has changed.
 *
 *   sync-collection, from the token we have, or from none
 *     -> what is gone, what has another ETag, the next token
 *     -> calendar-multiget of the latter, so many at once          -> known
 *   refused with a token (403, 409, 410, 412, 507)                 -> again, without one
 *   refused without                                                -> calendar-query of the window: all of it, every time
 *
 * A token counts once everything up to it is known: what failed half-way is asked for again.
 *
 * Threads: one.
 */
#pragma once

#include <calsync/calendar.h>

enum caldav_phase {
	CALDAV_SYNC,
	CALDAV_MULTIGET,
	CALDAV_QUERY,
};

/* Of one run. */
struct caldav {
	enum caldav_phase phase;
	bool lists_all; /* there was no token to begin with */
	char *token;    /* as of which the next sync-collection asks; NULL: none */
	uint32_t requests;
	bool is_cut_off;    /* the server says that there is more (507) */
	struct buffer body; /* of the request */
	struct calendar *calendar;
	const struct limits *limits;
	bool is_too_many; /* items */
};

/* Texts that one request asks for; and requests for one calendar in one run. */
#define MULTIGET_MAX    50
#define CALDAV_REQUESTS 1000

void caldav_begin(struct caldav *caldav, struct calendar *calendar);
/* The next request; its body is the caldav's. */
void caldav_ask(struct caldav *caldav, struct request *request);
enum step caldav_answered(struct caldav *caldav, const struct answer *answer, const struct limits *limits,
			  struct error *error);
void caldav_fini(struct caldav *caldav);
