/*
 * zone: see the header.
 */
#include "zone_file.h"

#include <base/check.h>
#include <base/limits.h>
#include <base/lock.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DAY_SECONDS (24 * 60 * 60)
/* The largest zone file of the system has 4 KiB. */
#define FILE_SIZE_MAX 65536

/* UTC needs no file, and a small system may have none. */
static struct zone utc = {.name = "UTC", .number = ZONE_UTC};

/* Guards adding; a zone is there before its number and count are (release; pairs with zone_at). */
static struct lock zones_lock = {.mutex = PTHREAD_MUTEX_INITIALIZER};
static const struct zone *_Atomic zones[ZONES_MAX] = {&utc};
static _Atomic uint32_t zone_count = 1;

/* ------------------------------------------------------------------------------------------------------------- finding */

bool zone_name_valid(struct span name)
{
	bool in_part = false;
	for (size_t i = 0; i < name.size; i++) {
		const uint8_t byte = name.at[i];
		const bool inside = (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
				    (byte >= '0' && byte <= '9') || byte == '_' || byte == '-' || byte == '+';
		if (!inside && (byte != '/' || !in_part)) {
			return false;
		}
		in_part = inside;
	}
	return in_part && name.size <= ZONE_NAME_MAX;
}

/* The file's bytes; its size, 0 if it cannot be read or is too large. */
static size_t read_file(struct span name, uint8_t *bytes)
{
	const char *directory = getenv("TZDIR");
	char path[512];
	const int size = snprintf(path, sizeof path, "%s/%.*s", directory != NULL ? directory : "/usr/share/zoneinfo",
				  (int)name.size, (const char *)name.at);
	if (size < 0 || (size_t)size >= sizeof path) {
		return 0;
	}
	const int file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0) {
		return 0;
	}
	size_t got = 0;
	ssize_t more = 1;
	while (more > 0 && got < FILE_SIZE_MAX) {
		more = read(file, bytes + got, FILE_SIZE_MAX - got);
		got += more > 0 ? (size_t)more : 0;
	}
	close(file);
	return more == 0 ? got : 0;
}

static struct zone *load(struct span name)
{
	uint8_t *bytes = malloc(FILE_SIZE_MAX);
	const size_t size = bytes != NULL ? read_file(name, bytes) : 0;
	struct zone *zone = size > 0 ? zone_read((struct span){bytes, size}) : NULL;
	free(bytes);
	if (zone != NULL) {
		memcpy(zone->name, name.at, name.size);
	}
	return zone;
}

static const struct zone *find_known(struct span name, uint32_t count)
{
	for (uint32_t number = 1; number <= count; number++) {
		if (span_equal(zone_name(zone_at(number)), name)) {
			return zone_at(number);
		}
	}
	return NULL;
}

const struct zone *zone_find(struct span name)
{
	if (!zone_name_valid(name)) {
		return NULL;
	}
	lock_take(&zones_lock);
	/* Relaxed: under the lock. */
	const uint32_t count = atomic_load_explicit(&zone_count, memory_order_relaxed);
	const struct zone *found = find_known(name, count);
	if (found == NULL && count < ZONES_MAX) {
		struct zone *zone = load(name);
		if (zone != NULL) {
			zone->number = count + 1;
			atomic_store_explicit(&zones[count], zone, memory_order_release); /* pairs with zone_at */
			atomic_store_explicit(&zone_count, count + 1, memory_order_relaxed);
			found = zone;
		}
	}
	lock_give(&zones_lock);
	return found;
}

struct span zone_name(const struct zone *zone)
{
	return span_of(zone->name);
}

uint32_t zone_number(const struct zone *zone)
{
	return zone->number;
}

const struct zone *zone_at(uint32_t number)
{
	CHECK(number >= 1 && number <= ZONES_MAX);
	return atomic_load_explicit(&zones[number - 1], memory_order_acquire); /* pairs with zone_find */
}

/* ------------------------------------------------------------------------------------------------------------- asking */

/* How many changes there have been at this second. */
static uint32_t changes_by(const struct zone *zone, int64_t second)
{
	uint32_t low = 0;
	uint32_t high = zone->count;
	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;
		if (zone->changes[middle].at <= second) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

/* The offset behind so many changes. */
static int32_t offset_behind(const struct zone *zone, uint32_t changes)
{
	return changes > 0 ? zone->changes[changes - 1].offset : zone->first_offset;
}

/* Seconds of the civil clock since 1970 as a day and minute. */
static struct civil_now civil_of(int64_t seconds)
{
	if (seconds < 0) {
		return (struct civil_now){0, 0};
	}
	if (seconds >= (int64_t)DAY_COUNT * DAY_SECONDS) {
		return (struct civil_now){DAY_COUNT - 1, MINUTES_PER_DAY - 1};
	}
	return (struct civil_now){(uint16_t)(seconds / DAY_SECONDS), (uint16_t)(seconds % DAY_SECONDS / 60)};
}

/* What this thread was told last, and the seconds for which it stays true: this is asked on every BOOK. */
struct shown {
	const struct zone *zone;
	int64_t from;
	int64_t until;
	struct civil_now now;
	struct civil_now reached;
};

static const struct shown *show(const struct zone *zone, uint64_t wall_ms)
{
	static _Thread_local struct shown last;
	const int64_t second = (int64_t)(wall_ms / 1000);
	if (last.zone == zone && second >= last.from && second < last.until) {
		return &last;
	}
	const uint32_t changes = changes_by(zone, second);
	const int64_t civil = second + offset_behind(zone, changes);
	const int64_t minute_end = second + 60 - (civil % 60 + 60) % 60;
	const int64_t change_at = changes < zone->count ? zone->changes[changes].at : INT64_MAX;
	int64_t reached = civil;
	if (changes > 0) {
		const int64_t before = zone->changes[changes - 1].at - 1 + offset_behind(zone, changes - 1);
		reached = before > civil ? before : civil;
	}
	last = (struct shown){.zone = zone,
			      .from = second,
			      .until = minute_end < change_at ? minute_end : change_at,
			      .now = civil_of(civil),
			      .reached = civil_of(reached)};
	return &last;
}

struct civil_now zone_civil(const struct zone *zone, uint64_t wall_ms)
{
	return show(zone, wall_ms)->now;
}

struct civil_now zone_reached(const struct zone *zone, uint64_t wall_ms)
{
	return show(zone, wall_ms)->reached;
}

/* Changes that may matter to this second of the civil clock: those within two days of it as if it were UTC. */
static uint32_t first_near(const struct zone *zone, int64_t civil)
{
	return changes_by(zone, civil - 2 * DAY_SECONDS);
}
static bool is_near(const struct zone *zone, uint32_t change, int64_t civil)
{
	return change < zone->count && zone->changes[change].at <= civil + 2 * DAY_SECONDS;
}

uint64_t zone_instant(const struct zone *zone, uint16_t day, uint16_t minute)
{
	const int64_t civil = (int64_t)day * DAY_SECONDS + minute * 60;
	uint32_t change = first_near(zone, civil);
	int64_t second = civil - offset_behind(zone, change);
	/* Where it is not shown before the next change, it may be behind that; if not, it is between the two. */
	while (is_near(zone, change, civil) && second >= zone->changes[change].at) {
		const int64_t behind = civil - zone->changes[change].offset;
		if (behind < zone->changes[change].at) {
			break;
		}
		second = behind;
		change++;
	}
	return second < 0 ? 0 : (uint64_t)second * 1000;
}

bool zone_shows(const struct zone *zone, uint16_t day, uint16_t minute, uint16_t minutes)
{
	const int64_t start = (int64_t)day * DAY_SECONDS + minute * 60;
	const int64_t end = start + minutes * 60;
	for (uint32_t change = first_near(zone, start); is_near(zone, change, start); change++) {
		/* Left out are [from, to); set back, it is the other way round. */
		const int64_t from = zone->changes[change].at + offset_behind(zone, change);
		const int64_t to = zone->changes[change].at + zone->changes[change].offset;
		if (from < to && from < end && to > start) {
			return false;
		}
	}
	return true;
}
