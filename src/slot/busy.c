/*
 * busy: see the header.
 */
#include <base/check.h>
#include <slot/busy.h>
#include <stdlib.h>

void busy_init(struct busy *busy, struct memory *memory)
{
	*busy = (struct busy){.memory = memory};
	for (uint32_t i = 0; i < BUSY_STRIPES; i++) {
		lock_init(&busy->stripes[i].lock);
	}
}

void busy_fini(struct busy *busy)
{
	for (uint32_t i = 0; i < BUSY_STRIPES; i++) {
		struct busy_stripe *stripe = &busy->stripes[i];
		for (uint32_t n = 0; n < stripe->count; n++) {
			struct busy_set *set = stripe->sets[n];
			for (uint32_t source = 0; source < set->count; source++) {
				free(set->sources[source].intervals);
			}
			free(set->sources);
			free(set);
		}
		free(stripe->sets);
		lock_fini(&stripe->lock);
	}
}

/* What a set, a source, its intervals take from the budget. malloc's own share is in the round figures. */
static size_t bytes_of_set(void)
{
	return sizeof(struct busy_set) + sizeof(struct busy_set *) + 32;
}

static size_t bytes_of(uint32_t intervals)
{
	return intervals * sizeof(struct busy_interval) + 16;
}

static struct busy_stripe *stripe_of(struct busy *busy, uint32_t psychologist)
{
	return &busy->stripes[psychologist % BUSY_STRIPES];
}

/* ---- the sets of a stripe; its lock is held ---- */

/* How many sets of the stripe are of lower numbers. */
static uint32_t place_of(const struct busy_stripe *stripe, uint32_t psychologist)
{
	uint32_t low = 0;
	uint32_t high = stripe->count;
	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;
		if (stripe->sets[middle]->psychologist < psychologist) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

static struct busy_set *find_set(const struct busy_stripe *stripe, uint32_t psychologist)
{
	const uint32_t at = place_of(stripe, psychologist);
	return at < stripe->count && stripe->sets[at]->psychologist == psychologist ? stripe->sets[at] : NULL;
}

static struct busy_source *find_source(const struct busy_set *set, struct span name)
{
	for (uint32_t i = 0; set != NULL && i < set->count; i++) {
		struct busy_source *source = &set->sources[i];
		if (span_equal((struct span){source->name, source->name_size}, name)) {
			return source;
		}
	}
	return NULL;
}

/* Takes from the budget; `promised` regardless of the limit. */
static bool pay(struct busy *busy, size_t bytes, bool promised)
{
	if (promised) {
		memory_force(busy->memory, bytes);
		return true;
	}
	return memory_take(busy->memory, bytes);
}

/* The psychologist's set, an empty one if there was none; NULL when memory is spent. */
static struct busy_set *make_set(struct busy *busy, struct busy_stripe *stripe, uint32_t psychologist, bool promised)
{
	struct busy_set *found = find_set(stripe, psychologist);
	if (found != NULL || !pay(busy, bytes_of_set(), promised)) {
		return found;
	}
	struct busy_set *set = calloc(1, sizeof *set);
	struct busy_set **sets = realloc(stripe->sets, (stripe->count + 1) * sizeof(struct busy_set *));
	stripe->sets = sets != NULL ? sets : stripe->sets;
	if (set == NULL || sets == NULL) {
		free(set);
		memory_give(busy->memory, bytes_of_set());
		return NULL;
	}
	const uint32_t at = place_of(stripe, psychologist);
	memmove(&sets[at + 1], &sets[at], (stripe->count - at) * sizeof(struct busy_set *));
	sets[at] = set;
	stripe->count++;
	set->psychologist = psychologist;
	return set;
}

/* A source without intervals, of generation 0; NULL when memory is spent. */
static struct busy_source *add_source(struct busy *busy, struct busy_set *set, struct span name, bool promised)
{
	if (!pay(busy, sizeof(struct busy_source), promised)) {
		return NULL;
	}
	struct busy_source *sources = realloc(set->sources, (set->count + 1) * sizeof *sources);
	if (sources == NULL) {
		memory_give(busy->memory, sizeof(struct busy_source));
		return NULL;
	}
	set->sources = sources;
	struct busy_source *source = &sources[set->count++];
	*source = (struct busy_source){.name_size = (uint8_t)name.size};
	memcpy(source->name, name.at, name.size);
	/* Before the set has anything: who frees a slot from here on looks. Pairs with busy_find. */
	atomic_fetch_add_explicit(&busy->sources, 1, memory_order_seq_cst);
	return source;
}

/* Gives the source other intervals, which it then owns. */
static void set_intervals(struct busy *busy, struct busy_source *source, struct busy_interval *intervals,
			  uint32_t count)
{
	if (source->intervals != NULL) {
		memory_give(busy->memory, bytes_of(source->count));
	}
	/* Relaxed: a figure. */
	atomic_fetch_add_explicit(&busy->intervals, (uint64_t)count - source->count, memory_order_relaxed);
	free(source->intervals);
	void *exact = realloc(intervals, bytes_of(count));
	source->intervals = exact != NULL ? exact : intervals;
	source->count = count;
}

/* ---- an update ---- */

/* Intervals in order, as they are put together. */
struct joining {
	struct busy_interval *intervals;
	uint32_t count;
	uint32_t forgotten;
};

/* Adds what of the interval is within the bounds; what touches the last one becomes one with it. */
static void join(struct joining *joining, struct busy_interval interval, uint32_t from, uint32_t to)
{
	const uint32_t start = interval.start > from ? interval.start : from;
	const uint32_t end = interval.end < to ? interval.end : to;
	if (start >= end || end <= joining->forgotten) {
		return;
	}
	struct busy_interval *last = joining->count > 0 ? &joining->intervals[joining->count - 1] : NULL;
	if (last != NULL && last->end >= start) {
		last->end = end > last->end ? end : last->end;
	} else {
		joining->intervals[joining->count++] = (struct busy_interval){start, end};
	}
}

/* What the source has afterwards: there is room for what it has, what it gets, and one that is cut in two. */
static void join_all(struct joining *joining, const struct busy_source *source, const struct busy_update *update)
{
	for (uint32_t i = 0; source != NULL && i < source->count; i++) {
		join(joining, source->intervals[i], 0, update->window.start);
	}
	for (uint32_t i = 0; i < update->count; i++) {
		join(joining, update->intervals[i], update->window.start, update->window.end);
	}
	for (uint32_t i = 0; source != NULL && i < source->count; i++) {
		join(joining, source->intervals[i], update->window.end, UINT32_MAX);
	}
}

static bool same_intervals(const struct busy_source *source, const struct joining *joining)
{
	return source->count == joining->count &&
	       (source->count == 0 ||
		memcmp(source->intervals, joining->intervals, source->count * sizeof *source->intervals) == 0);
}

/* The update of a source (NULL: not there yet) that is not too late, *joining being what it gets. Takes over its intervals if
 * it is CHANGED. */
static enum busy_outcome change(struct busy *busy, struct busy_stripe *stripe, struct busy_source *source,
				const struct busy_update *update, const struct busy_limits *limits,
				const struct joining *joining, busy_append_f *append, void *context, uint64_t *lsn)
{
	const bool promised = limits == NULL;
	if (source != NULL && source->generation == update->generation && same_intervals(source, joining)) {
		*lsn = source->lsn;
		return BUSY_STANDS;
	}
	struct busy_set *set = find_set(stripe, update->psychologist);
	if (source == NULL && !promised && set != NULL && set->count >= limits->sources) {
		return BUSY_SOURCES;
	}
	if (!promised && joining->count > limits->intervals) {
		return BUSY_INTERVALS;
	}
	if (!pay(busy, bytes_of(joining->count), promised)) {
		return BUSY_NO_MEMORY;
	}
	if (source == NULL) {
		set = make_set(busy, stripe, update->psychologist, promised);
		source = set != NULL ? add_source(busy, set, update->source, promised) : NULL;
	}
	if (source == NULL) {
		memory_give(busy->memory, bytes_of(joining->count));
		return BUSY_NO_MEMORY;
	}
	*lsn = append(context);
	source->generation = update->generation;
	source->synced_ms = update->at_ms;
	source->lsn = *lsn;
	set_intervals(busy, source, joining->intervals, joining->count);
	return BUSY_CHANGED;
}

enum busy_outcome busy_update(struct busy *busy, const struct busy_update *update, const struct busy_limits *limits,
			      busy_append_f *append, void *context, uint64_t *lsn)
{
	struct busy_stripe *stripe = stripe_of(busy, update->psychologist);
	enum busy_outcome outcome = BUSY_NO_MEMORY;
	*lsn = 0;
	lock_take(&stripe->lock);
	struct busy_source *source = find_source(find_set(stripe, update->psychologist), update->source);
	if (source != NULL && source->generation > update->generation) {
		*lsn = source->lsn;
		lock_give(&stripe->lock);
		return BUSY_OLD;
	}
	const size_t room = (source != NULL ? source->count : 0) + (size_t)update->count + 1;
	/* Relaxed: who raises it takes this lock afterwards, and drops what was added meanwhile. */
	struct joining joining = {.intervals = malloc(room * sizeof *joining.intervals),
				  .forgotten = atomic_load_explicit(&busy->forgotten, memory_order_relaxed)};
	if (joining.intervals != NULL) {
		join_all(&joining, source, update);
		outcome = change(busy, stripe, source, update, limits, &joining, append, context, lsn);
	}
	lock_give(&stripe->lock);
	if (outcome != BUSY_CHANGED) {
		free(joining.intervals);
	}
	return outcome;
}

/* ---- looking ---- */

static bool is_busy(const struct busy_source *source, uint32_t start, uint32_t end)
{
	/* The first that ends behind the start. */
	uint32_t low = 0;
	uint32_t high = source->count;
	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;
		if (source->intervals[middle].end <= start) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low < source->count && source->intervals[low].start < end;
}

bool busy_find(struct busy *busy, uint32_t psychologist, uint32_t start, uint32_t end, uint64_t *lsn)
{
	/* Between what the caller did to the slot and this look; the other half is add_source, and then the lock: who
	 * updates has added the source, and looks at the slots afterwards. */
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&busy->sources, memory_order_seq_cst) == 0) {
		return false;
	}
	struct busy_stripe *stripe = stripe_of(busy, psychologist);
	bool found = false;
	lock_take(&stripe->lock);
	const struct busy_set *set = find_set(stripe, psychologist);
	for (uint32_t i = 0; set != NULL && i < set->count; i++) {
		const struct busy_source *source = &set->sources[i];
		if (is_busy(source, start, end)) {
			found = true;
			*lsn = source->lsn > *lsn ? source->lsn : *lsn;
		}
	}
	lock_give(&stripe->lock);
	return found;
}

static void forget(struct busy *busy, struct busy_source *source, uint32_t before)
{
	uint32_t gone = 0;
	while (gone < source->count && source->intervals[gone].end <= before) {
		gone++;
	}
	if (gone > 0) {
		source->count -= gone;
		memmove(source->intervals, source->intervals + gone, source->count * sizeof *source->intervals);
		memory_give(busy->memory, gone * sizeof *source->intervals);
		atomic_fetch_sub_explicit(&busy->intervals, gone, memory_order_relaxed); /* a figure */
	}
}

void busy_forget(struct busy *busy, uint32_t before)
{
	/* Relaxed: only a larger one is stored, whoever is first; ordered by the locks. */
	uint32_t forgotten = atomic_load_explicit(&busy->forgotten, memory_order_relaxed);
	while (forgotten < before &&
	       !atomic_compare_exchange_weak_explicit(&busy->forgotten, &forgotten, before, memory_order_relaxed,
						      memory_order_relaxed)) {
	}
	for (uint32_t i = 0; i < BUSY_STRIPES; i++) {
		struct busy_stripe *stripe = &busy->stripes[i];
		lock_take(&stripe->lock);
		for (uint32_t n = 0; n < stripe->count; n++) {
			const struct busy_set *set = stripe->sets[n];
			for (uint32_t at = 0; at < set->count; at++) {
				forget(busy, &set->sources[at], before);
			}
		}
		lock_give(&stripe->lock);
	}
}

/* The sources of a set from the cursor on. False: the walk ends before one. */
static bool walk_set(const struct busy_set *set, struct busy_cursor *cursor, busy_visit_f *visit, void *context)
{
	if (set->psychologist != cursor->psychologist) {
		cursor->psychologist = set->psychologist;
		cursor->source = 0;
	}
	for (; cursor->source < set->count; cursor->source++) {
		if (!visit(context, set->psychologist, &set->sources[cursor->source])) {
			return false;
		}
	}
	return true;
}

bool busy_walk(struct busy *busy, struct busy_cursor *cursor, busy_visit_f *visit, void *context)
{
	for (; cursor->stripe < BUSY_STRIPES; cursor->stripe++, cursor->psychologist = 0, cursor->source = 0) {
		struct busy_stripe *stripe = &busy->stripes[cursor->stripe];
		bool all = true;
		lock_take(&stripe->lock);
		for (uint32_t at = place_of(stripe, cursor->psychologist); all && at < stripe->count; at++) {
			all = walk_set(stripe->sets[at], cursor, visit, context);
		}
		lock_give(&stripe->lock);
		if (!all) {
			return false;
		}
	}
	return true;
}

void busy_look(struct busy *busy, uint32_t psychologist, busy_visit_f *visit, void *context)
{
	struct busy_stripe *stripe = stripe_of(busy, psychologist);
	lock_take(&stripe->lock);
	const struct busy_set *set = find_set(stripe, psychologist);
	if (set != NULL) {
		walk_set(set, &(struct busy_cursor){.psychologist = psychologist}, visit, context);
	}
	lock_give(&stripe->lock);
}

/* ---- restoring ---- */

static bool put(struct busy *busy, struct busy_stripe *stripe, uint32_t psychologist, const struct busy_source *copy)
{
	const struct span name = {copy->name, copy->name_size};
	struct busy_set *set = make_set(busy, stripe, psychologist, true);
	struct busy_source *source = set != NULL ? find_source(set, name) : NULL;
	if (source == NULL && set != NULL) {
		source = add_source(busy, set, name, true);
	}
	struct busy_interval *intervals = malloc(bytes_of(copy->count));
	if (source == NULL || intervals == NULL) {
		free(intervals);
		return false;
	}
	if (copy->count > 0) {
		memcpy(intervals, copy->intervals, copy->count * sizeof *intervals);
	}
	memory_force(busy->memory, bytes_of(copy->count));
	set_intervals(busy, source, intervals, copy->count);
	source->generation = copy->generation;
	source->synced_ms = copy->synced_ms;
	source->lsn = copy->lsn;
	return true;
}

bool busy_put(struct busy *busy, uint32_t psychologist, const struct busy_source *copy)
{
	struct busy_stripe *stripe = stripe_of(busy, psychologist);
	lock_take(&stripe->lock);
	const bool done = put(busy, stripe, psychologist, copy);
	lock_give(&stripe->lock);
	return done;
}
