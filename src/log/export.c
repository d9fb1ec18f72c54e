/*
 * export: see the header. Keeps I4: the records are applied by the same functions as those of any log, which refuse what
 * contradicts itself.
 */
#include <base/check.h>
#include <log/export.h>
#include <slot/image.h>
#include <stdlib.h>

struct exporting {
	const struct table *table;
	uint64_t at_ms;
	export_f *take;
	void *context;
	bool over; /* whoever takes the records wants no more */
};

static void give(struct exporting *exporting, const struct record *record)
{
	exporting->over = exporting->over || !exporting->take(exporting->context, record);
}

static uint32_t horizon(const struct table *table)
{
	/* Relaxed: nobody else is at work. */
	return atomic_load_explicit(&table->purged_before_day, memory_order_relaxed);
}

static void export_horizon(struct exporting *exporting)
{
	const uint32_t day = horizon(exporting->table);
	if (day != 0) {
		const struct record record = {.type = RECORD_PURGE, .at_ms = exporting->at_ms, .day = (uint16_t)day};
		give(exporting, &record);
	}
}

/* ---- slots ---- */

static int compare_keys(const void *a, const void *b)
{
	const uint64_t first = ((const struct slot_image *)a)->key;
	const uint64_t second = ((const struct slot_image *)b)->key;
	return (first > second) - (first < second);
}

/* The listed slots, by psychologist and time; malloc'd. */
static struct slot_image *listed_slots(const struct table *table, uint32_t *count)
{
	/* Relaxed: nobody else is at work. */
	const uint32_t used = atomic_load_explicit(&table->slots.used, memory_order_relaxed);
	struct slot_image *images = calloc((size_t)used + 1, sizeof *images);
	CHECK(images != NULL);
	uint32_t cursor = 0;
	bool more;
	const uint32_t found = table_copy_slots(table, &cursor, images, used, &more);
	*count = 0;
	for (uint32_t i = 0; i < found; i++) {
		/* A purge may not have come to all of its slots yet. */
		if (claim_listed(images[i].word) && key_day(images[i].key) >= horizon(table)) {
			images[(*count)++] = images[i];
		}
	}
	qsort(images, *count, sizeof *images, compare_keys);
	return images;
}

/* How many of the slots one OPEN can name: those of one psychologist and one duration. */
static uint16_t alike(const struct slot_image *images, uint32_t count)
{
	uint16_t same = 1;
	while (same < count && same < OPEN_COUNT_MAX &&
	       key_psychologist(images[same].key) == key_psychologist(images[0].key) &&
	       claim_minutes(images[same].word) == claim_minutes(images[0].word)) {
		same++;
	}
	return same;
}

static void export_opening(struct exporting *exporting, const struct slot_image *images, uint16_t count)
{
	uint8_t slots[4 * OPEN_COUNT_MAX];
	for (uint16_t i = 0; i < count; i++) {
		store16(slots + 4 * i, key_day(images[i].key));
		store16(slots + 4 * i + 2, key_minute(images[i].key));
	}
	const struct record record = {
	    .type = RECORD_OPEN,
	    .at_ms = exporting->at_ms,
	    .psychologist = intern_token(&exporting->table->psychologists, key_psychologist(images[0].key)),
	    .minutes = claim_minutes(images[0].word),
	    .slot_count = count,
	    .slots = slots,
	};
	give(exporting, &record);
}

static void export_slots(struct exporting *exporting)
{
	uint32_t count;
	struct slot_image *images = listed_slots(exporting->table, &count);
	for (uint32_t i = 0; i < count && !exporting->over;) {
		const uint16_t together = alike(images + i, count - i);
		export_opening(exporting, images + i, together);
		i += together;
	}
	free(images);
}

/* ---- sessions ---- */

/* Does the slot that the session had as an unlisted one still mean it? */
static bool is_meant(const struct table *table, const struct session_image *image)
{
	const uint32_t slot = image->minutes == 0 ? table_find(table, image->key) : 0;
	struct slot_view view;
	return slot != 0 && table_view(table, slot, image->key, &view) && view.minutes == 0 &&
	       view.kind == CLAIM_SESSION && view.session == session_id(image->number, image->generation);
}

static struct record session_record(const struct table *table, const struct session_image *image)
{
	return (struct record){
	    .type = RECORD_IMPORT,
	    .at_ms = image->updated_ms,
	    .session = session_id(image->number, image->generation),
	    .psychologist = intern_token(&table->psychologists, key_psychologist(image->key)),
	    .client = intern_token(&table->clients, image->client),
	    .day = key_day(image->key),
	    .minute = key_minute(image->key),
	    .minutes = image->minutes,
	    .unlisted = is_meant(table, image),
	    .status = session_status(image->state),
	    .version = (uint16_t)session_version(image->state),
	    .created_ms = image->created_ms,
	    .hold_seconds = image->hold_seconds,
	};
}

static void export_sessions(struct exporting *exporting)
{
	const struct table *table = exporting->table;
	uint32_t cursor = 0;
	bool more = true;
	while (more && !exporting->over) {
		struct session_image image;
		if (table_copy_sessions(table, &cursor, &image, 1, &more) == 0) {
			continue;
		}
		const bool is_free = session_status(image.state) == SESSION_FREE;
		if (is_free || key_day(image.key) < horizon(table)) {
			/* One that a purge has not come to yet gives up its id as the others did. */
			const struct record record = {
			    .type = RECORD_IMPORT,
			    .at_ms = exporting->at_ms,
			    .session = session_id(image.number, image.generation + !is_free),
			    .status = SESSION_FREE,
			};
			give(exporting, &record);
		} else {
			const struct record record = session_record(table, &image);
			give(exporting, &record);
		}
	}
}

/* ---- what calendars say ---- */

/* The intervals of a source from the first on, as many as one record takes. */
static void export_window(struct exporting *exporting, uint32_t psychologist, const struct busy_source *source,
			  const struct busy_interval *first, uint16_t count)
{
	uint8_t busy[8 * (BUSY_COUNT_MAX + 1)];
	/* A source that is never busy is known all the same, with its generation. */
	store32(busy, count > 0 ? first[0].start : 0);
	store32(busy + 4, count > 0 ? first[count - 1].end : 1);
	for (uint16_t i = 0; i < count; i++) {
		store32(busy + 8 * (i + 1), first[i].start);
		store32(busy + 8 * (i + 1) + 4, first[i].end);
	}
	const struct record record = {
	    .type = RECORD_BUSY,
	    .at_ms = source->synced_ms,
	    .psychologist = intern_token(&exporting->table->psychologists, psychologist),
	    .source = {source->name, source->name_size},
	    .generation = source->generation,
	    .busy_count = (uint16_t)(count + 1),
	    .busy = busy,
	};
	give(exporting, &record);
}

static bool export_source(void *context, uint32_t psychologist, const struct busy_source *source)
{
	struct exporting *exporting = context;
	uint32_t done = 0;
	do {
		const uint32_t left = source->count - done;
		const uint16_t count = (uint16_t)(left < BUSY_COUNT_MAX ? left : BUSY_COUNT_MAX);
		export_window(exporting, psychologist, source, source->intervals + done, count);
		done += count;
	} while (done < source->count && !exporting->over);
	return !exporting->over;
}

/* ---- what is set ---- */

static void export_settings(struct exporting *exporting, enum setting_kind kind, enum record_type type)
{
	/* The lock is not const; nobody else is at work. */
	struct settings *settings = (struct settings *)(uintptr_t)&exporting->table->settings;
	struct buffer text = {0};
	uint32_t psychologist = 0;
	uint64_t lsn;
	while (!exporting->over && (psychologist = settings_next(settings, kind, psychologist, &text, &lsn)) != 0) {
		const struct record record = {
		    .type = type,
		    .at_ms = exporting->at_ms,
		    .psychologist = intern_token(&exporting->table->psychologists, psychologist),
		    .text = {text.at, text.size},
		};
		give(exporting, &record);
		text.size = 0;
	}
	buffer_fini(&text);
}

void table_export(const struct table *table, uint64_t at_ms, export_f *take, void *context)
{
	struct exporting exporting = {.table = table, .at_ms = at_ms, .take = take, .context = context};
	export_horizon(&exporting);
	export_slots(&exporting);
	export_sessions(&exporting);
	if (!exporting.over) {
		/* The lock is not const; nobody else is at work. */
		busy_walk((struct busy *)(uintptr_t)&table->busy, &(struct busy_cursor){0}, export_source, &exporting);
	}
	export_settings(&exporting, SETTING_HOURS, RECORD_HOURS);
	export_settings(&exporting, SETTING_CALENDAR, RECORD_CALENDAR);
}
