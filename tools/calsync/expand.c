/*
 * expand: see the header. What makes up one series is in series.c.
 */
#include <base/check.h>
#include <calsync/expand.h>
#include <calsync/limits.h>
#include <calsync/series.h>
#include <calsync/zones.h>
#include <stdlib.h>

struct events {
	struct event *at;
	size_t count;
	size_t capacity;
};

static void events_add(struct events *events, const struct event *event)
{
	if (events->count == events->capacity) {
		events->capacity = events->capacity == 0 ? 256 : 2 * events->capacity;
		events->at = realloc(events->at, events->capacity * sizeof *events->at);
		CHECK(events->at != NULL);
	}
	events->at[events->count] = *event;
	events->at[events->count].order = (uint32_t)events->count;
	events->count++;
}

/* libical leaves a note where it could not read something. */
static bool has_error(icalcomponent *component)
{
	return icalcomponent_get_first_property(component, ICAL_XLICERROR_PROPERTY) != NULL;
}

static void read_calendar(struct events *events, icalcomponent *calendar, struct reading *reading,
			  struct expansion *expansion)
{
	reading->calendar = calendar;
	/* An iterator of our own: looking for a zone moves the component's. */
	icalcompiter at = icalcomponent_begin_component(calendar, ICAL_VEVENT_COMPONENT);
	for (icalcomponent *c; (c = icalcompiter_deref(&at)) != NULL; icalcompiter_next(&at)) {
		struct event event;
		const bool is_read = event_read(&event, c, reading);
		expansion->unreadable += !is_read || has_error(c);
		if (is_read) {
			events_add(events, &event);
		}
	}
}

static void read_root(struct events *events, icalcomponent *root, struct reading *reading, struct expansion *expansion)
{
	if (icalcomponent_isa(root) == ICAL_VCALENDAR_COMPONENT) {
		read_calendar(events, root, reading, expansion);
		return;
	}
	icalcompiter at = icalcomponent_begin_component(root, ICAL_VCALENDAR_COMPONENT);
	for (icalcomponent *c; (c = icalcompiter_deref(&at)) != NULL; icalcompiter_next(&at)) {
		read_calendar(events, c, reading, expansion);
	}
}

static int order_of(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

/* By UID; masters first; overrides by what they replace, the newest first. */
static int compare(const void *a, const void *b)
{
	const struct event *first = a;
	const struct event *second = b;
	int order = strcmp(first->uid, second->uid);
	order = order != 0 ? order : order_of(first->is_override, second->is_override);
	order = order != 0 ? order : order_of(first->replaces.utc, second->replaces.utc);
	order = order != 0 ? order : order_of(second->sequence, first->sequence);
	order = order != 0 ? order : order_of(second->stamp, first->stamp);
	return order != 0 ? order : order_of(first->order, second->order);
}

/* One after the other, each group of one UID; those without one are alone. */
static void expand_all(struct events *events, struct unrolling *unrolling)
{
	if (events->count > 0) {
		qsort(events->at, events->count, sizeof *events->at, compare);
	}
	for (size_t first = 0; first < events->count;) {
		size_t behind = first + 1;
		while (behind < events->count && events->at[first].uid[0] != '\0' &&
		       strcmp(events->at[first].uid, events->at[behind].uid) == 0) {
			behind++;
		}
		series_unroll(&events->at[first], behind - first, unrolling);
		first = behind;
	}
}

bool expand(const struct expansion_asked *asked, struct expansion *expansion, struct error *error)
{
	*expansion = (struct expansion){0};
	struct reading reading = {.home = zone_of_iana(asked->zone)};
	if (reading.home == NULL) {
		return error_set(error, ERROR_INVALID, "no time zone %.64s", asked->zone);
	}
	char *text = malloc(asked->kept.size + 1);
	CHECK(text != NULL);
	memcpy(text, asked->kept.at, asked->kept.size);
	text[asked->kept.size] = '\0';
	icalcomponent *root = icalparser_parse_string(text);
	free(text);
	if (root == NULL) {
		return error_set(error, ERROR_INVALID, "is no calendar");
	}
	struct events events = {0};
	struct unrolling unrolling = {
	    .home = reading.home,
	    .from = zone_to_utc(reading.home, (int64_t)asked->window.start * 60),
	    .to = zone_to_utc(reading.home, (int64_t)asked->window.end * 60),
	    .occurrences_max = asked->occurrences_max,
	    .budget = STEPS_CALENDAR_MAX,
	    .reading = &reading,
	};
	read_root(&events, root, &reading, expansion);
	expand_all(&events, &unrolling);
	expansion->count = spells_civil(&unrolling.busy, reading.home, &asked->window, &expansion->intervals);
	expansion->occurrences = unrolling.occurrences;
	expansion->cut = unrolling.cut;
	expansion->unknown_zones = reading.unknown_zones;
	spells_fini(&unrolling.busy);
	free(events.at);
	icalcomponent_free(root);
	return true;
}
