/*
 * calendar: see the header.
 */
#include <calsync/calendar.h>
#include <stdio.h>
#include <stdlib.h>

void calendar_fail(struct calendar *calendar, const char *reason)
{
	calendar->outcome = CALENDAR_FAILED;
	snprintf(calendar->reason, sizeof calendar->reason, "%s", reason);
}

void calendar_fini(struct calendar *calendar)
{
	url_fini(&calendar->url);
	items_fini(&calendar->items);
	buffer_fini(&calendar->kept);
	free(calendar->text);
	free(calendar->credentials);
	free(calendar->token);
	free(calendar->expansion.intervals);
}
