/*
 * table_dump: the table in words. See slot/image.h.
 */
#include "records.h"
#include <base/check.h>
#include <base/hash.h>
#include <inttypes.h>
#include <slot/civil.h>
#include <slot/image.h>
#include <stdlib.h>

static void add_place(const struct table *table, uint64_t key, struct buffer *out)
{
	const struct span token = intern_token(&table->psychologists, key_psychologist(key));
	char date[CIVIL_DATE_SIZE];
	char time[CIVIL_TIME_SIZE];
	civil_format_date(key_day(key), date);
	civil_format_time(key_minute(key), time);
	buffer_format(out, "%.*s %.*s %.*s", (int)token.size, (const char *)token.at, CIVIL_DATE_SIZE, date,
		      CIVIL_TIME_SIZE, time);
}

static int compare_places(const void *a, const void *b, void *context)
{
	const struct table *table = context;
	const uint64_t first = ((const struct slot_image *)a)->key;
	const uint64_t second = ((const struct slot_image *)b)->key;
	const struct span one = intern_token(&table->psychologists, key_psychologist(first));
	const struct span other = intern_token(&table->psychologists, key_psychologist(second));
	const size_t common = one.size < other.size ? one.size : other.size;
	const int order = memcmp(one.at, other.at, common);
	if (order != 0 || one.size != other.size) {
		return order != 0 ? order : one.size < other.size ? -1 : 1;
	}
	return (first > second) - (first < second);
}

/* A copy does not say it. */
static bool is_blocked(const struct table *table, uint64_t key)
{
	return claim_kind(slot_word(slot_of(table, slot_find(table, key)))) == CLAIM_BLOCKED;
}

static void dump_slot(const struct table *table, const struct slot_image *image, struct buffer *out)
{
	const uint64_t word = image->word;
	buffer_format(out, "slot ");
	add_place(table, image->key, out);
	buffer_format(out, " minutes=%u", claim_minutes(word));
	/* Relaxed, both: nobody else is at work. */
	const struct session *session =
	    claim_kind(word) == CLAIM_SESSION ? session_of(table, claim_session(word)) : NULL;
	if (session != NULL &&
	    session_occupies(session_status(atomic_load_explicit(&session->state, memory_order_relaxed)))) {
		const uint32_t generation = atomic_load_explicit(&session->generation, memory_order_relaxed);
		buffer_format(out, " session=%" PRIu64 "\n", session_id(claim_session(word), generation));
	} else {
		buffer_format(out, "%s\n", is_blocked(table, image->key) ? " blocked" : " open");
	}
}

static void dump_slots(const struct table *table, struct buffer *out)
{
	/* Relaxed: nobody else is at work. */
	const uint32_t used = atomic_load_explicit(&table->slots.used, memory_order_relaxed);
	struct slot_image *images = calloc((size_t)used + 1, sizeof *images);
	CHECK(images != NULL);
	uint32_t cursor = 0;
	bool more;
	const uint32_t count = table_copy_slots(table, &cursor, images, used, &more);
	CHECK(!more);
	qsort_r(images, count, sizeof *images, compare_places, (void *)(uintptr_t)table);
	for (uint32_t i = 0; i < count; i++) {
		dump_slot(table, &images[i], out);
	}
	free(images);
}

static void dump_session(const struct table *table, const struct session_image *image, struct buffer *out)
{
	const bool is_free = session_status(image->state) == SESSION_FREE;
	if (is_free || key_purged(table, image->key)) {
		buffer_format(out, "used up %" PRIu32 " generations below %" PRIu32 "\n", image->number,
			      image->generation + !is_free);
		return;
	}
	const struct span client = intern_token(&table->clients, image->client);
	buffer_format(out, "session %" PRIu64 " ", session_id(image->number, image->generation));
	add_place(table, image->key, out);
	buffer_format(out,
		      " minutes=%u client=%.*s %s version=%" PRIu32 " lsn=%" PRIu64 " created_at=%" PRIu64
		      " updated_at=%" PRIu64 "\n",
		      image->minutes, (int)client.size, (const char *)client.at,
		      session_status_name(session_status(image->state)), session_version(image->state),
		      session_lsn(image->state), image->created_ms, image->updated_ms);
	if (image->hold_seconds != 0) {
		out->size--; /* its line end */
		buffer_format(out, " hold_seconds=%u\n", image->hold_seconds);
	}
}

/* Lines that are put in order before they are shown. */
struct lines {
	char **at;
	size_t count;
};

/* Takes the line over. */
static void add_line(struct lines *lines, struct buffer *line)
{
	buffer_add(line, "", 1);
	lines->at = realloc(lines->at, (lines->count + 1) * sizeof *lines->at);
	CHECK(lines->at != NULL);
	lines->at[lines->count++] = (char *)line->at;
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void dump_lines(struct lines *lines, struct buffer *out)
{
	if (lines->count > 0) {
		qsort(lines->at, lines->count, sizeof *lines->at, compare_lines);
	}
	for (size_t i = 0; i < lines->count; i++) {
		buffer_add(out, lines->at[i], strlen(lines->at[i]));
		free(lines->at[i]);
	}
	free(lines->at);
}

struct sources {
	const struct table *table;
	struct lines lines;
};

static bool dump_source(void *context, uint32_t psychologist, const struct busy_source *source)
{
	struct sources *sources = context;
	struct buffer line = {0};
	const struct span token = intern_token(&sources->table->psychologists, psychologist);
	buffer_format(&line, "busy %.*s %.*s generation=%" PRIu64 " synced_at=%" PRIu64, (int)token.size,
		      (const char *)token.at, source->name_size, (const char *)source->name, source->generation,
		      source->synced_ms);
	for (uint32_t i = 0; i < source->count; i++) {
		buffer_format(&line, " %" PRIu32 "-%" PRIu32, source->intervals[i].start, source->intervals[i].end);
	}
	buffer_format(&line, "\n");
	add_line(&sources->lines, &line);
	return true;
}

/* A calendar's url may be a secret, and is not shown: its hash tells two apart. */
static void dump_setting(const struct table *table, enum setting_kind kind, uint32_t psychologist, struct span text,
			 struct buffer *out)
{
	const struct span token = intern_token(&table->psychologists, psychologist);
	const int size = (int)token.size;
	const char *name = (const char *)token.at;
	if (kind == SETTING_HOURS) {
		buffer_format(out, "hours %.*s %.*s\n", size, name, (int)text.size, (const char *)text.at);
	} else {
		buffer_format(out, "calendar %.*s hash=%016" PRIx64 "\n", size, name,
			      hash_bytes(text.at, text.size, 0));
	}
}

static void dump_settings(const struct table *table, enum setting_kind kind, struct buffer *out)
{
	/* The lock is not const; nobody else is at work. */
	struct settings *settings = (struct settings *)(uintptr_t)&table->settings;
	struct buffer text = {0};
	struct lines lines = {0};
	uint64_t lsn;
	for (uint32_t at = 0; (at = settings_next(settings, kind, at, &text, &lsn)) != 0; text.size = 0) {
		struct buffer line = {0};
		dump_setting(table, kind, at, (struct span){text.at, text.size}, &line);
		add_line(&lines, &line);
	}
	dump_lines(&lines, out);
	buffer_fini(&text);
}

static void dump_sources(const struct table *table, struct buffer *out)
{
	struct sources sources = {.table = table};
	/* The lock is not const; nobody else is at work. */
	busy_walk((struct busy *)(uintptr_t)&table->busy, &(struct busy_cursor){0}, dump_source, &sources);
	dump_lines(&sources.lines, out);
}

void table_dump(const struct table *table, struct buffer *out)
{
	/* Relaxed: nobody else is at work. */
	buffer_format(out, "purged before day %" PRIu32 ", removed by lsn %" PRIu64 "\n",
		      atomic_load_explicit(&table->purged_before_day, memory_order_relaxed), table_removed_lsn(table));
	dump_slots(table, out);
	dump_sources(table, out);
	dump_settings(table, SETTING_HOURS, out);
	dump_settings(table, SETTING_CALENDAR, out);
	uint32_t cursor = 0;
	bool more = true;
	while (more) {
		struct session_image image;
		if (table_copy_sessions(table, &cursor, &image, 1, &more) != 0) {
			dump_session(table, &image, out);
		}
	}
}
