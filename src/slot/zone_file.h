/*
 * zone_file: the zone files of the system (TZif, RFC 8536).
 *
 * Threads: any.
 */
#pragma once

#include <slot/zone.h>

/* From `at` (seconds since 1970 UTC) on, the civil clock is `offset` seconds ahead of UTC. */
struct zone_change {
	int64_t at;
	int32_t offset;
};

struct zone {
	char name[ZONE_NAME_MAX + 1];
	uint32_t number;
	int32_t first_offset; /* before the first change */
	uint32_t count;
	struct zone_change changes[]; /* in order, each to another offset */
};

/* Reads a zone file; malloc'd for the caller. NULL if it is none. */
struct zone *zone_read(struct span file);

/* What comes behind the last change of a zone file: standard time, or two times that take turns every year. */
struct zone_rule {
	enum {
		ZONE_RULE_MONTH,     /* weekday `day` (0 is Sunday) of week `week` (5: the last) of `month` */
		ZONE_RULE_JULIAN,    /* day `day` of the year from 1 on, no leap day counted */
		ZONE_RULE_ZERO_BASED /* day `day` of the year from 0 on */
	} kind;
	int32_t month;
	int32_t week;
	int32_t day;
	int32_t seconds; /* from 00:00 of that day on, of the time that ends */
};
struct zone_tail {
	int32_t standard; /* offsets; seconds east of Greenwich */
	int32_t summer;
	bool has_summer;
	struct zone_rule start; /* of summer */
	struct zone_rule end;
};
/* Reads "CET-1CEST,M3.5.0,M10.5.0/3". False if it is no such text. */
bool zone_tail_parse(struct span text, struct zone_tail *tail);
/* When the rule holds in this year: seconds since 1970 on the civil clock. */
int64_t zone_rule_civil(const struct zone_rule *rule, int64_t year);
