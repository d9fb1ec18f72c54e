/*
 * caldav_ask: what caldav asks for, as XML.
 */
#include <calsync/caldav.h>
#include <time.h>

#define XML_HEAD "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
#define SPACES   " xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\""

static void add(struct buffer *body, const char *text)
{
	buffer_add(body, text, strlen(text));
}

static void add_escaped(struct buffer *body, const char *text)
{
	for (; *text != '\0'; text++) {
		const char *escaped = *text == '&' ? "&amp;" : *text == '<' ? "&lt;" : *text == '>' ? "&gt;" : NULL;
		if (escaped != NULL) {
			add(body, escaped);
		} else {
			buffer_add(body, text, 1);
		}
	}
}

static void write_sync(struct caldav *caldav)
{
	add(&caldav->body, XML_HEAD "<D:sync-collection" SPACES "><D:sync-token>");
	add_escaped(&caldav->body, caldav->token != NULL ? caldav->token : "");
	add(&caldav->body, "</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop>"
			   "</D:sync-collection>");
}

static void write_multiget(struct caldav *caldav)
{
	const struct items *items = &caldav->calendar->items;
	add(&caldav->body, XML_HEAD "<C:calendar-multiget" SPACES "><D:prop><D:getetag/><C:calendar-data/></D:prop>");
	for (size_t i = 0, count = 0; i < items->count && count < MULTIGET_MAX; i++) {
		struct item *item = items->at[i];
		item->is_asked = item->is_wanted;
		if (item->is_asked) {
			count++;
			add(&caldav->body, "<D:href>");
			add_escaped(&caldav->body, item->href);
			add(&caldav->body, "</D:href>");
		}
	}
	add(&caldav->body, "</C:calendar-multiget>");
}

/* A day on each side: the window is civil time, this is UTC. */
static void add_moment(struct buffer *body, uint32_t minute, int days)
{
	const time_t seconds = (time_t)minute * 60 + days * 86400;
	struct tm civil;
	char text[32];
	gmtime_r(&seconds, &civil);
	strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &civil);
	add(body, text);
}

static void write_query(struct caldav *caldav)
{
	add(&caldav->body, XML_HEAD "<C:calendar-query" SPACES "><D:prop><D:getetag/><C:calendar-data/></D:prop>"
				    "<C:filter><C:comp-filter name=\"VCALENDAR\"><C:comp-filter name=\"VEVENT\">"
				    "<C:time-range start=\"");
	add_moment(&caldav->body, caldav->calendar->window.start, -1);
	add(&caldav->body, "\" end=\"");
	add_moment(&caldav->body, caldav->calendar->window.end, 1);
	add(&caldav->body, "\"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>");
}

void caldav_ask(struct caldav *caldav, struct request *request)
{
	caldav->body.size = 0;
	caldav->requests++;
	switch (caldav->phase) {
	case CALDAV_SYNC:
		write_sync(caldav);
		break;
	case CALDAV_MULTIGET:
		write_multiget(caldav);
		break;
	case CALDAV_QUERY:
		write_query(caldav);
		break;
	}
	*request = (struct request){
	    .method = "REPORT",
	    .address = caldav->calendar->url.address,
	    .credentials = caldav->calendar->credentials,
	    .depth = caldav->phase == CALDAV_SYNC ? "0" : "1",
	    .body = {caldav->body.at, caldav->body.size},
	};
}
