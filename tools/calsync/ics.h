/*
 * ics: a calendar that is one file: a conditional GET, with both ETag and Last-Modified. A 200 with the same body as before
 * is no change either.
 *
 * Threads: one.
 */
#pragma once

#include <calsync/calendar.h>

void ics_ask(const struct calendar *calendar, struct request *request);
enum step ics_answered(struct calendar *calendar, const struct answer *answer, const struct limits *limits,
		       struct error *error);
