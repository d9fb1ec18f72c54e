/*
 * table_dump: the table in words. See slot/image.h.
 */
#include "records.h"
#include <base/check.h>
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

static void dump_slot(const struct table *table, const struct slot_image *image, struct buffer *out)
{
	const uint64_t word = image->word;
	buffer_format(out, "slot ");
	add_place(table, image->key, out);
	buffer_format(out, " minutes=%u", claim_minutes(word));
	if (claim_kind(word) == CLAIM_SESSION) {
		const struct session *session = session_of(table, claim_session(word));
		/* Relaxed: nobody else is at work. */
		const uint32_t generation = atomic_load_explicit(&session->generation, memory_order_relaxed);
		buffer_format(out, " session=%" PRIu64 "\n", session_id(claim_session(word), generation));
	} else {
		buffer_format(out, " %s lsn=%" PRIu64 "\n", claim_kind(word) == CLAIM_OPEN ? "open" : "blocked",
			      claim_lsn(word));
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
		      " minutes=%" PRIu32 " client=%.*s %s version=%" PRIu32 " lsn=%" PRIu64 " created_at=%" PRIu64
		      " updated_at=%" PRIu64 "\n",
		      image->minutes, (int)client.size, (const char *)client.at,
		      session_status_name(session_status(image->state)), session_version(image->state),
		      session_lsn(image->state), image->created_ms, image->updated_ms);
}

void table_dump(const struct table *table, struct buffer *out)
{
	/* Relaxed: nobody else is at work. */
	buffer_format(out, "purged before day %" PRIu32 ", removed by lsn %" PRIu64 "\n",
		      atomic_load_explicit(&table->purged_before_day, memory_order_relaxed), table_removed_lsn(table));
	dump_slots(table, out);
	uint32_t cursor = 0;
	bool more = true;
	while (more) {
		struct session_image image;
		if (table_copy_sessions(table, &cursor, &image, 1, &more) != 0) {
			dump_session(table, &image, out);
		}
	}
}
