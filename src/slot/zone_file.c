/*
 * zone_file: see the header. A file has its data twice, with times of 32 and of 64 bits, then the rule for what comes after:
 *
 *   header, changes (32 bits) | header, changes (64 bits) | LF rule LF
 *
 * Nothing in the file is trusted: every length is checked against what there is. Files with leap seconds ("right/") are
 * refused, for the clock of the system has none.
 *
 * See: RFC 8536.
 */
#include "zone_file.h"

#include <base/limits.h>
#include <stdlib.h>

#define HEADER_SIZE 44
#define CHANGES_MAX 4096
/* For which the rule at the end is carried out: one more than the last day of slot/civil.h. */
#define LAST_YEAR  2150
#define OFFSET_MAX (26 * 60 * 60)

static uint32_t big32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint64_t big64(const uint8_t *at)
{
	return (uint64_t)big32(at) << 32 | big32(at + 4);
}

struct header {
	uint8_t version;
	uint32_t ut_count;
	uint32_t standard_count;
	uint32_t leap_count;
	uint32_t time_count;
	uint32_t type_count;
	uint32_t name_size;
};

static bool read_header(struct span file, struct header *header)
{
	if (file.size < HEADER_SIZE || memcmp(file.at, "TZif", 4) != 0) {
		return false;
	}
	*header = (struct header){.version = file.at[4],
				  .ut_count = big32(file.at + 20),
				  .standard_count = big32(file.at + 24),
				  .leap_count = big32(file.at + 28),
				  .time_count = big32(file.at + 32),
				  .type_count = big32(file.at + 36),
				  .name_size = big32(file.at + 40)};
	/* So that what follows cannot overflow. */
	return header->ut_count <= CHANGES_MAX && header->standard_count <= CHANGES_MAX &&
	       header->leap_count <= CHANGES_MAX && header->time_count <= CHANGES_MAX && header->type_count >= 1 &&
	       header->type_count <= 256 && header->name_size <= CHANGES_MAX;
}

/* Bytes behind a header whose times have so many. */
static size_t data_size(const struct header *header, size_t time_size)
{
	return header->time_count * (time_size + 1) + header->type_count * 6 + header->name_size +
	       header->leap_count * (time_size + 4) + header->standard_count + header->ut_count;
}

/* Adds a change, unless the clock goes on as before. False: it does not come after the last. */
static bool add(struct zone *zone, int64_t at, int32_t offset)
{
	const struct zone_change *last = zone->count > 0 ? &zone->changes[zone->count - 1] : NULL;
	if (last != NULL && at <= last->at) {
		return false;
	}
	if (offset != (last != NULL ? last->offset : zone->first_offset)) {
		zone->changes[zone->count++] = (struct zone_change){at, offset};
	}
	return true;
}

/* The changes in the data of 64 bits. */
static bool add_changes(struct zone *zone, const struct header *header, const uint8_t *data)
{
	const uint8_t *indices = data + (size_t)header->time_count * 8;
	const uint8_t *types = indices + header->time_count;
	zone->first_offset = (int32_t)big32(types);
	int64_t before = INT64_MIN;
	for (uint32_t i = 0; i < header->time_count; i++) {
		const int64_t at = (int64_t)big64(data + (size_t)i * 8);
		if (indices[i] >= header->type_count || at <= before) {
			return false;
		}
		const int32_t offset = (int32_t)big32(types + (size_t)indices[i] * 6);
		if (offset < -OFFSET_MAX || offset > OFFSET_MAX || !add(zone, at, offset)) {
			return false;
		}
		before = at;
	}
	return zone->first_offset >= -OFFSET_MAX && zone->first_offset <= OFFSET_MAX;
}

/* Carries the rule out, from the last change on. */
static void add_tail(struct zone *zone, const struct zone_tail *tail, int64_t last_at)
{
	if (!tail->has_summer) {
		add(zone, last_at + 1, tail->standard);
		return;
	}
	for (int64_t year = 1970; year <= LAST_YEAR; year++) {
		const int64_t start = zone_rule_civil(&tail->start, year) - tail->standard;
		const int64_t end = zone_rule_civil(&tail->end, year) - tail->summer;
		const struct zone_change changes[2] = {
		    {start < end ? start : end, start < end ? tail->summer : tail->standard},
		    {start < end ? end : start, start < end ? tail->standard : tail->summer}};
		for (size_t i = 0; i < 2; i++) {
			if (changes[i].at > last_at) {
				add(zone, changes[i].at, changes[i].offset);
			}
		}
	}
}

struct zone *zone_read(struct span file)
{
	struct header header;
	if (!read_header(file, &header) || header.version < '2') {
		return NULL;
	}
	const size_t skipped = HEADER_SIZE + data_size(&header, 4);
	const struct span rest = {file.at + skipped, skipped < file.size ? file.size - skipped : 0};
	if (rest.size == 0 || !read_header(rest, &header) || header.leap_count != 0) {
		return NULL;
	}
	const size_t size = HEADER_SIZE + data_size(&header, 8);
	if (size + 2 > rest.size || rest.at[size] != '\n' || rest.at[rest.size - 1] != '\n') {
		return NULL;
	}
	const size_t room = header.time_count + 2 * (LAST_YEAR - 1970 + 1) + 1;
	struct zone *zone = calloc(1, sizeof *zone + room * sizeof zone->changes[0]);
	const uint8_t *data = rest.at + HEADER_SIZE;
	struct zone_tail tail;
	const struct span text = {rest.at + size + 1, rest.size - size - 2};
	if (zone == NULL || !add_changes(zone, &header, data) || (text.size > 0 && !zone_tail_parse(text, &tail))) {
		free(zone);
		return NULL;
	}
	if (text.size > 0) {
		const uint32_t count = header.time_count;
		add_tail(zone, &tail, count > 0 ? (int64_t)big64(data + ((size_t)count - 1) * 8) : INT64_MIN / 2);
	}
	return zone;
}
