/*
 * rebuilt: see the header.
 *
 * A log cannot be sent again command by command: its CANCELs name sessions by ids, and which id the other server gives
 * cannot be known here. What stands in the end needs no CANCEL.
 */
#include "rebuilt.h"

#include <base/check.h>
#include <base/hash.h>
#include <slot/hours.h>
#include <stdio.h>

/* Address space, of which the table uses what the log needs. Bytes. */
#define TABLE_LIMIT (UINT64_C(64) << 30)
/* For a few threads. Each costs a page. */
#define TABLE_STRIPES 64

/* The newest sound snapshot, if it is of `end_lsn` or before, and otherwise none. */
static bool begin(struct rebuilt *rebuilt, struct disk *disk, uint32_t crew, uint64_t end_lsn, struct log_start *start,
		  struct error *error)
{
	if (end_lsn != UINT64_MAX) {
		struct snapshot_found found;
		if (!snapshot_load(disk, NULL, &found, error)) {
			return false;
		}
		if (found.info.end_lsn > end_lsn) {
			rebuilt->rebuild = (struct rebuild){.table = &rebuilt->table, .crew = 1};
			*start = (struct log_start){0};
			return true;
		}
	}
	const struct snapshot_target into = {.table = &rebuilt->table, .crew = crew};
	return rebuild_begin(&rebuilt->rebuild, &into, disk, start, error);
}

bool rebuilt_open(struct rebuilt *rebuilt, struct disk *disk, uint32_t crew, uint64_t end_lsn, struct log_start *start,
		  struct error *error)
{
	const struct table_options options = {.stripe_count = TABLE_STRIPES, .seed = hash_seed_random()};
	memory_init(&rebuilt->memory, TABLE_LIMIT);
	rebuilt->is_open = table_init(&rebuilt->table, &rebuilt->memory, &options, error);
	if (rebuilt->is_open) {
		table_hurry(&rebuilt->table, true); /* it is gone before long */
	}
	return rebuilt->is_open && begin(rebuilt, disk, crew, end_lsn, start, error);
}

void rebuilt_close(struct rebuilt *rebuilt)
{
	if (rebuilt->is_open) {
		table_fini(&rebuilt->table);
	}
}

static void print_word(struct output *output, struct span word)
{
	buffer_format(&output->buffer, "$%zu\r\n", word.size);
	buffer_add(&output->buffer, word.at, word.size);
	buffer_add(&output->buffer, "\r\n", 2);
}

static void print_command(struct output *output, const char *name, int words)
{
	output_pace(output);
	buffer_format(&output->buffer, "*%d\r\n", words);
	print_word(output, span_of(name));
}

static void print_date(struct output *output, uint16_t day)
{
	char date[CIVIL_DATE_SIZE];
	civil_format_date(day, date);
	print_word(output, (struct span){(const uint8_t *)date, sizeof date});
}

/* psychologist date time */
static void print_place(struct output *output, const struct table *table, uint64_t key)
{
	char minute[CIVIL_TIME_SIZE];
	civil_format_time(key_minute(key), minute);
	print_word(output, intern_token(&table->psychologists, key_psychologist(key)));
	print_date(output, key_day(key));
	print_word(output, (struct span){(const uint8_t *)minute, sizeof minute});
}

static void print_horizon(const struct table *table, struct output *output)
{
	/* Relaxed, here and below: replay is one thread. */
	const uint32_t day = atomic_load_explicit(&table->purged_before_day, memory_order_relaxed);
	if (day != 0) {
		print_command(output, "PURGE", 3);
		print_word(output, span_of("BEFORE"));
		print_date(output, (uint16_t)day);
	}
}

static void print_opening(const struct table *table, uint32_t number, struct output *output)
{
	const struct slot *slot = pool_at(&table->slots, number);
	const uint64_t key = atomic_load_explicit(&slot->key, memory_order_relaxed);
	struct slot_view view;
	if (key == 0 || key_minute(key) == KEY_MINUTE_CARD || !table_view(table, number, key, &view) ||
	    view.minutes == 0) {
		return;
	}
	char minutes[8];
	snprintf(minutes, sizeof minutes, "%u", (unsigned)view.minutes);
	print_command(output, "OPEN", 5);
	print_place(output, table, key);
	print_word(output, span_of(minutes));
}

static void print_booking(const struct table *table, uint32_t number, struct output *output)
{
	const struct session *session = pool_at(&table->sessions, number);
	const uint32_t generation = atomic_load_explicit(&session->generation, memory_order_relaxed);
	struct session_view view;
	if (!table_session_view(table, session_id(number, generation), &view) || !session_occupies(view.status) ||
	    view.status == SESSION_HELD) {
		return; /* a hold lasts minutes: it would be another one there */
	}
	print_command(output, "BOOK", 5);
	print_place(output, table, view.key);
	print_word(output, intern_token(&table->clients, view.client));
}

/* The words of the hours, a blank between them. */
static void print_hours_of(struct output *output, struct span psychologist, struct span hours)
{
	int words = 4;
	for (size_t i = 0; i < hours.size; i++) {
		words += hours.at[i] == ' ';
	}
	print_command(output, "HOURS", words);
	print_word(output, span_of("SET"));
	print_word(output, psychologist);
	for (size_t start = 0, at = 0; at <= hours.size; at++) {
		if (at == hours.size || hours.at[at] == ' ') {
			print_word(output, (struct span){hours.at + start, at - start});
			start = at + 1;
		}
	}
}

/* Setting them opens all of their slots anew: those that are not there any more are closed again. Of days before the end of the
 * log none are opened. */
static void print_closed(const struct rebuilt *rebuilt, struct output *output, uint32_t psychologist,
			 const struct hours *hours, uint16_t opened)
{
	const struct table *table = &rebuilt->table;
	const uint64_t first = rebuilt->rebuild.newest_ms / UINT64_C(86400000);
	for (uint32_t day = first > 0 ? (uint32_t)first - 1 : 0; day < opened; day++) {
		uint16_t starts[HOURS_DAY_SLOTS_MAX];
		const size_t count = hours_of_day(hours, (uint16_t)day, starts);
		for (size_t i = 0; i < count; i++) {
			const uint64_t key = key_make(psychologist, (uint16_t)day, starts[i]);
			if (table_find(table, key) == 0) {
				print_command(output, "CLOSE", 4);
				print_place(output, table, key);
			}
		}
	}
}

static void print_hours(struct rebuilt *rebuilt, struct output *output)
{
	struct table *table = &rebuilt->table;
	struct buffer text = {0};
	uint64_t lsn;
	for (uint32_t at = 0; (at = settings_next(&table->settings, SETTING_HOURS, at, &text, &lsn)) != 0;
	     text.size = 0) {
		struct hours_plan plan;
		struct hours hours;
		const bool read = hours_plan_read((struct span){text.at, text.size}, &plan);
		CHECK(read); /* when it was replayed */
		if (hours_read_text(plan.now, &hours)) {
			print_hours_of(output, intern_token(&table->psychologists, at), plan.now);
			print_closed(rebuilt, output, at, &hours, plan.opened);
		}
	}
	buffer_fini(&text);
}

static void print_calendars(struct table *table, struct output *output)
{
	struct buffer url = {0};
	uint64_t lsn;
	for (uint32_t at = 0; (at = settings_next(&table->settings, SETTING_CALENDAR, at, &url, &lsn)) != 0;
	     url.size = 0) {
		print_command(output, "CALENDAR", 4);
		print_word(output, span_of("SET"));
		print_word(output, intern_token(&table->psychologists, at));
		print_word(output, (struct span){url.at, url.size});
	}
	buffer_fini(&url);
}

void rebuilt_print(struct rebuilt *rebuilt, struct output *output)
{
	struct table *table = &rebuilt->table;
	print_horizon(table, output);
	for (uint32_t number = 1; pool_has(&table->slots, number); number++) {
		print_opening(table, number, output);
	}
	for (uint32_t number = 1; pool_has(&table->sessions, number); number++) {
		print_booking(table, number, output);
	}
	print_hours(rebuilt, output);
	print_calendars(table, output);
}
