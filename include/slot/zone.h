/*
 * zone: time zones: what the civil clock of a place shows at a moment, and when it shows something.
 *
 * A zone is a list of changes of its offset, read once from the system's zone file (RFC 8536), the rule at its end carried out
 * up to the last day there is; it never changes, and is kept until the process ends. So looking something up takes no lock,
 * and two zones can be asked side by side, which the C library, with its one zone of the process, cannot do.
 *
 *   clock set forward:  01:58 01:59 03:00 03:01     02:30 is not shown that day
 *   clock set back:     02:58 02:59 02:00 02:01     02:30 is shown twice: the first counts
 *
 * Threads: any. zone_find takes a lock, and reads a file for a name it did not know.
 */
#pragma once

#include <base/bytes.h>
#include <slot/civil.h>
#include <stdbool.h>
#include <stdint.h>

struct zone;

/* Longest name. Bytes. */
#define ZONE_NAME_MAX 63
/* Most zones in use at a time; the system has about 600 names, some of them of the same zone. */
#define ZONES_MAX 2048

/* Could this be the name of a zone? Letters, digits, _ - +, in parts with a / between. */
bool zone_name_valid(struct span name);
/* The zone with this IANA name, UTC at any rate; NULL if the system knows none, or its file cannot be read. */
const struct zone *zone_find(struct span name);
struct span zone_name(const struct zone *zone);

/* A number for the zone, from 1 on, for as long as the process lives; and the zone of a number. */
#define ZONE_UTC 1
uint32_t zone_number(const struct zone *zone);
const struct zone *zone_at(uint32_t number);

/* What the civil clock shows at `wall_ms`; the nearest moment there is outside of the days of slot/civil.h. */
struct civil_now zone_civil(const struct zone *zone, uint64_t wall_ms);
/* The latest it has shown so far: what starts then or before has started. The two differ for as long as a clock that was set
 * back shows again what it has shown. */
struct civil_now zone_reached(const struct zone *zone, uint64_t wall_ms);
/* The moment (wall clock, ms) when it shows this: the first of two; if it never does, as if it had not been set forward. */
uint64_t zone_instant(const struct zone *zone, uint16_t day, uint16_t minute);
/* Does it show all of the `minutes` from there on? Not if it is set forward over one of them. */
bool zone_shows(const struct zone *zone, uint16_t day, uint16_t minute, uint16_t minutes);
