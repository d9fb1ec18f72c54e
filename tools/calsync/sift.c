/*
 * sift: see the header. One pass; a logical line is found first, then copied without its folds if its name is one of ours.
 */
#include <base/hash.h>
#include <calsync/limits.h>
#include <calsync/sift.h>
#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

enum inside {
	INSIDE_NOTHING,
	INSIDE_CALENDAR,
	INSIDE_EVENT,
	INSIDE_ZONE,
	INSIDE_OBSERVANCE,
	INSIDE_OTHER, /* nothing is kept */
};

#define NAME_SIZE_MAX 32

struct sieve {
	struct span rest; /* of the bytes */
	uint32_t depth;
	struct level {
		enum inside inside;
		char name[NAME_SIZE_MAX + 8];
	} levels[NESTING_MAX + 1]; /* [0] is outside of everything */
	uint32_t events_max;
	struct buffer *kept;
	struct sifted sifted;
};

static const char *const event_names[] = {
    "UID",    "DTSTART", "DTEND",  "DURATION", "RRULE",    "RDATE",         "EXDATE",
    "EXRULE", "STATUS",  "TRANSP", "DTSTAMP",  "SEQUENCE", "RECURRENCE-ID", "X-MICROSOFT-CDO-BUSYSTATUS",
    NULL};
static const char *const zone_names[] = {"TZID", NULL};
static const char *const observance_names[] = {"DTSTART", "TZOFFSETFROM", "TZOFFSETTO", "RRULE", "RDATE", NULL};
static const char *const nothing[] = {NULL};

static const char *const *const names_inside[] = {
    [INSIDE_NOTHING] = nothing,
    [INSIDE_CALENDAR] = nothing,
    [INSIDE_EVENT] = event_names,
    [INSIDE_ZONE] = zone_names,
    [INSIDE_OBSERVANCE] = observance_names,
    [INSIDE_OTHER] = nothing,
};

/* Cuts the next logical line, folds and all, without its last line end. */
static bool take_line(struct span *rest, struct span *line)
{
	if (rest->size == 0) {
		return false;
	}
	size_t size = 0;
	size_t next = 0;
	do {
		const uint8_t *end = memchr(rest->at + next, '\n', rest->size - next);
		size = end != NULL ? (size_t)(end - rest->at) : rest->size;
		next = end != NULL ? size + 1 : size;
	} while (next < rest->size && (rest->at[next] == ' ' || rest->at[next] == '\t'));
	if (size > 0 && rest->at[size - 1] == '\r') {
		size--;
	}
	*line = (struct span){rest->at, size};
	*rest = (struct span){rest->at + next, rest->size - next};
	return true;
}

/* Copies a line without its folds; control bytes, which no line of ours has, become a question mark. False when it is longer
 * than `most`. */
static bool unfold(struct span line, char *text, size_t most, size_t *size)
{
	*size = 0;
	for (size_t i = 0; i < line.size; i++) {
		const uint8_t byte = line.at[i];
		const bool cr = byte == '\r' && i + 1 < line.size && line.at[i + 1] == '\n';
		if (byte == '\n' || cr) {
			i += cr ? 2 : 1; /* and the blank behind it, which take_line has seen */
			continue;
		}
		if (*size == most) {
			return false;
		}
		text[(*size)++] = byte >= ' ' && byte != 0x7f ? (char)byte : '?';
	}
	return true;
}

static enum inside inside_of(enum inside outer, const char *name)
{
	if (outer == INSIDE_NOTHING && strcasecmp(name, "VCALENDAR") == 0) {
		return INSIDE_CALENDAR;
	}
	if (outer == INSIDE_CALENDAR && strcasecmp(name, "VEVENT") == 0) {
		return INSIDE_EVENT;
	}
	if (outer == INSIDE_CALENDAR && strcasecmp(name, "VTIMEZONE") == 0) {
		return INSIDE_ZONE;
	}
	if (outer == INSIDE_ZONE && (strcasecmp(name, "STANDARD") == 0 || strcasecmp(name, "DAYLIGHT") == 0)) {
		return INSIDE_OBSERVANCE;
	}
	return INSIDE_OTHER;
}

static void keep(struct sieve *sieve, const char *text, size_t size)
{
	buffer_add(sieve->kept, text, size);
	buffer_add(sieve->kept, "\n", 1);
}

static bool begin(struct sieve *sieve, const char *text, const char *name, struct error *error)
{
	if (sieve->depth == NESTING_MAX) {
		return error_set(error, ERROR_INVALID, "components are nested deeper than %d", NESTING_MAX);
	}
	const enum inside inside = inside_of(sieve->levels[sieve->depth].inside, name);
	struct level *level = &sieve->levels[++sieve->depth];
	level->inside = inside;
	snprintf(level->name, sizeof level->name, "%s", name);
	sieve->sifted.calendars += inside == INSIDE_CALENDAR;
	sieve->sifted.events += inside == INSIDE_EVENT;
	sieve->sifted.zones += inside == INSIDE_ZONE;
	if (sieve->sifted.events > sieve->events_max) {
		return error_set(error, ERROR_INVALID, "more than %" PRIu32 " events (max-events)", sieve->events_max);
	}
	if (sieve->sifted.zones > ZONES_MAX) {
		return error_set(error, ERROR_INVALID, "defines more than %d time zones", ZONES_MAX);
	}
	if (inside != INSIDE_OTHER) {
		keep(sieve, text, strlen(text));
	}
	return true;
}

static bool end(struct sieve *sieve, const char *text, const char *name, struct error *error)
{
	const struct level *level = &sieve->levels[sieve->depth];
	if (sieve->depth == 0 || strcasecmp(level->name, name) != 0) {
		return error_set(error, ERROR_INVALID, "is broken: an END does not close what is open");
	}
	if (level->inside != INSIDE_OTHER) {
		keep(sieve, text, strlen(text));
	}
	sieve->depth--;
	return true;
}

/* A BEGIN or END: 1; anything else: 0; one that must not be: -1. `head` is how the line begins. */
static int structure(struct sieve *sieve, char *head, struct error *error)
{
	size_t size = strlen(head);
	while (size > 0 && head[size - 1] == ' ') {
		head[--size] = '\0';
	}
	if (strncasecmp(head, "END:", 4) == 0) {
		return end(sieve, head, head + 4, error) ? 1 : -1;
	}
	if (strncasecmp(head, "BEGIN:", 6) == 0) {
		return begin(sieve, head, head + 6, error) ? 1 : -1;
	}
	return 0;
}

static bool is_one_of(const char *head, const char *const *names)
{
	const size_t size = strcspn(head, ":;");
	for (; *names != NULL; names++) {
		if (strlen(*names) == size && strncasecmp(*names, head, size) == 0) {
			return true;
		}
	}
	return false;
}

static bool property(struct sieve *sieve, struct span line, const char *head, struct error *error)
{
	static _Thread_local char text[KEPT_LINE_MAX];
	size_t size;
	if (!is_one_of(head, names_inside[sieve->levels[sieve->depth].inside])) {
		return true;
	}
	if (!unfold(line, text, sizeof text, &size)) {
		return error_set(error, ERROR_INVALID, "a line of dates is longer than %d bytes", KEPT_LINE_MAX);
	}
	if (strncasecmp(text, "UID", 3) == 0) {
		char uid[32];
		const char *value = memchr(text, ':', size);
		const size_t skipped = value != NULL ? (size_t)(value - text) : size;
		snprintf(uid, sizeof uid, "UID:%016" PRIx64, hash_bytes(text + skipped, size - skipped, 0));
		keep(sieve, uid, strlen(uid));
	} else {
		keep(sieve, text, size);
	}
	return true;
}

static bool is_blank(struct span line)
{
	for (size_t i = 0; i < line.size; i++) {
		if (line.at[i] != ' ' && line.at[i] != '\t' && line.at[i] != '\r' && line.at[i] != '\n') {
			return false;
		}
	}
	return true;
}

static bool sieve_run(struct sieve *sieve, struct error *error)
{
	struct span line;
	while (take_line(&sieve->rest, &line)) {
		/* As much of it as names need: of what is longer, none is ours. */
		char head[NAME_SIZE_MAX + 8];
		size_t size;
		(void)unfold(line, head, sizeof head - 1, &size);
		head[size] = '\0';
		const int kind = structure(sieve, head, error);
		if (kind < 0) {
			return false;
		}
		if (kind == 0 && sieve->depth == 0 && !is_blank(line)) {
			return error_set(error, ERROR_INVALID,
					 "is no calendar: what came does not begin with BEGIN:VCALENDAR");
		}
		if (kind == 0 && !property(sieve, line, head, error)) {
			return false;
		}
		if (sieve->depth == 1 && sieve->levels[1].inside != INSIDE_CALENDAR) {
			return error_set(error, ERROR_INVALID,
					 "is no calendar: what came does not begin with BEGIN:VCALENDAR");
		}
	}
	if (sieve->depth > 0) {
		return error_set(error, ERROR_INVALID, "is half a calendar: it ends inside a component");
	}
	if (sieve->sifted.calendars == 0) {
		return error_set(error, ERROR_INVALID, "is no calendar: it is empty");
	}
	return true;
}

bool sift(struct span bytes, uint32_t events_max, struct buffer *kept, struct sifted *sifted, struct error *error)
{
	struct sieve sieve = {.rest = bytes, .events_max = events_max, .kept = kept, .sifted = *sifted};
	const size_t before = kept->size;
	if (bytes.size >= 3 && memcmp(bytes.at, "\xef\xbb\xbf", 3) == 0) {
		sieve.rest = (struct span){bytes.at + 3, bytes.size - 3};
	}
	sieve.sifted.calendars = sieve.sifted.zones = 0;
	if (!sieve_run(&sieve, error)) {
		kept->size = before;
		return false;
	}
	sieve.sifted.calendars += sifted->calendars;
	*sifted = sieve.sifted;
	return true;
}
