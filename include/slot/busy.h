/*
 * busy: when psychologists are busy elsewhere, as their calendars say.
 *
 * A psychologist has some sources, each a calendar with a name; a source has a set of intervals that do not overlap, and a
 * generation. An update replaces what a source has inside a window, and leaves what is outside: so a long horizon may come in
 * several updates. One that comes late, of an older generation, is ignored.
 *
 *   update of [from, to)     |..from..................to..|
 *   had                   |---------|   |---|    |-----|   |---|
 *   gets                  |----|     |------|        |-----|---|      what is cut, or touches, is one interval again
 *
 * Which slots are blocked follows from the sets, at every moment, and is remembered nowhere: see slot/table.h.
 *
 * Civil minutes are counted from 1970-01-01T00:00 on the psychologist's clocks. An interval is [start, end).
 *
 * Threads: any. A lock, a leaf but for the log's staging lock, guards the sets of some psychologists; it is taken by who
 * updates, and by who frees or opens a slot while there is any source at all, never by a claim.
 */
#pragma once

#include <base/bytes.h>
#include <base/limits.h>
#include <base/lock.h>
#include <base/memory.h>
#include <slot/key.h>

struct busy_interval {
	uint32_t start;
	uint32_t end;
};

struct busy_source {
	uint8_t name[TOKEN_SIZE_MAX];
	uint8_t name_size;
	uint64_t generation;
	uint64_t synced_ms; /* of the last update; as the record has it */
	uint64_t lsn;       /* of that record */
	struct busy_interval *intervals;
	uint32_t count;
};

/* The sources of a psychologist, in the order they came. */
struct busy_set {
	uint32_t psychologist;
	uint32_t count;
	struct busy_source *sources;
};

#define BUSY_STRIPES 64

struct busy {
	/* const after busy_init */
	struct memory *memory;
	/* shared: how many sources there are; sequentially consistent, see busy_find */
	_Atomic uint32_t sources;
	_Atomic uint64_t intervals; /* how many in all; relaxed, for INFO */
	_Atomic uint32_t forgotten; /* what ends by this civil minute is dropped; only grows */
	struct busy_stripe {
		struct lock lock;
		struct busy_set **sets; /* by psychologist */
		uint32_t count;
	} stripes[BUSY_STRIPES];
};

void busy_init(struct busy *busy, struct memory *memory);
void busy_fini(struct busy *busy);

/* Limits; options busy-sources-max and busy-intervals-max. */
struct busy_limits {
	uint32_t sources;   /* of a psychologist */
	uint32_t intervals; /* of a source */
};

struct busy_update {
	uint32_t psychologist;
	struct span source; /* a token */
	uint64_t generation;
	uint64_t at_ms;
	struct busy_interval window;
	const struct busy_interval *intervals; /* in order, none overlaps or is empty, all within the window */
	uint32_t count;
};

enum busy_outcome {
	BUSY_CHANGED,
	BUSY_STANDS,    /* the source has this generation already, and these intervals in the window */
	BUSY_OLD,       /* the source has a later generation */
	BUSY_SOURCES,   /* no room for another source, */
	BUSY_INTERVALS, /* or for so many intervals */
	BUSY_NO_MEMORY,
};

/* Appends the record of an update to the log and returns its lsn; everything that can fail is behind it [I5]. */
typedef uint64_t busy_append_f(void *context);

/* Updates: asks for everything that can fail, appends the record, and has it so from then on. *lsn is what the outcome depends
 * on. `limits` NULL is replay: nothing is refused but for want of address space. One update of a
 * psychologist at a time. */
enum busy_outcome busy_update(struct busy *busy, const struct busy_update *update, const struct busy_limits *limits,
			      busy_append_f *append, void *context, uint64_t *lsn);

/* Is anybody of the psychologist's sources busy in [start, end)? *lsn is raised to what that depends on. For who frees a slot
 * or adds one: after that, which orders it before this look, so that either this sees an update or the one who updates sees
 * the slot. */
bool busy_find(struct busy *busy, uint32_t psychologist, uint32_t start, uint32_t end, uint64_t *lsn);

/* Drops what ends by this civil minute, and leaves it out from now on. */
void busy_forget(struct busy *busy, uint32_t before);

/* Where a walk over all sources is: zeros at the start. */
struct busy_cursor {
	uint32_t stripe;
	uint32_t psychologist;
	uint32_t source; /* of that one, so many are done with */
};

/* Calls `visit` for each source from the cursor on, one after the other as they are at that moment, with the lock held. A visit
 * that returns false ends the walk before that source: then this is false, and the next walk begins with it. */
typedef bool busy_visit_f(void *context, uint32_t psychologist, const struct busy_source *source);
bool busy_walk(struct busy *busy, struct busy_cursor *cursor, busy_visit_f *visit, void *context);
/* The same for one psychologist's sources, all at one moment. */
void busy_look(struct busy *busy, uint32_t psychologist, busy_visit_f *visit, void *context);

/* Puts a copy of a source into a table that is being restored, in place of one of its name. False when memory is spent. */
bool busy_put(struct busy *busy, uint32_t psychologist, const struct busy_source *copy);

static inline uint32_t busy_minute(uint64_t key)
{
	return (uint32_t)key_day(key) * MINUTES_PER_DAY + key_minute(key);
}
