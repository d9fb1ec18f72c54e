/*
 * model_busy: what calendars say, to the model. Intervals are kept as they came, cut where a later window begins or ends, and
 * never joined.
 */
#include <base/check.h>
#include <base/limits.h>
#include <model/model_busy.h>
#include <stdlib.h>

/* Has the source this minute? */
static bool has_minute(const struct model *model, const struct model_interval *of, uint32_t minute)
{
	for (size_t i = 0; i < model->interval_count; i++) {
		const struct model_interval *interval = &model->intervals[i];
		if (interval->psychologist == of->psychologist && interval->source == of->source &&
		    interval->start <= minute && minute < interval->end) {
			return true;
		}
	}
	return false;
}

bool model_busy(const struct model *model, uint64_t key, uint16_t minutes)
{
	const uint32_t start = (uint32_t)key_day(key) * MINUTES_PER_DAY + key_minute(key);
	for (size_t i = 0; i < model->interval_count; i++) {
		const struct model_interval *interval = &model->intervals[i];
		if (interval->psychologist == key_psychologist(key) && interval->start < start + minutes &&
		    start < interval->end) {
			return true;
		}
	}
	return false;
}

static void add_interval(struct model *model, const struct model_interval *interval, uint32_t start, uint32_t end)
{
	if (start >= end) {
		return;
	}
	model->intervals = realloc(model->intervals, (model->interval_count + 1) * sizeof *model->intervals);
	CHECK(model->intervals != NULL);
	model->intervals[model->interval_count] = *interval;
	model->intervals[model->interval_count].start = start;
	model->intervals[model->interval_count++].end = end;
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t most(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static struct model_source *find_source(struct model *model, const struct model_interval *of)
{
	for (size_t i = 0; i < model->source_count; i++) {
		if (model->sources[i].psychologist == of->psychologist && model->sources[i].source == of->source) {
			return &model->sources[i];
		}
	}
	return NULL;
}

/* Do both say the same of every minute of the window? What they say can only change where an interval begins or ends. */
static bool same_in(const struct model *model, const struct model *other, const struct model_interval *window)
{
	const struct model *both[] = {model, other};
	bool same = has_minute(model, window, window->start) == has_minute(other, window, window->start);
	for (size_t side = 0; side < 2; side++) {
		for (size_t i = 0; i < both[side]->interval_count; i++) {
			const uint32_t ends[] = {both[side]->intervals[i].start, both[side]->intervals[i].end};
			for (size_t end = 0; end < 2; end++) {
				const bool inside = ends[end] >= window->start && ends[end] < window->end;
				same = same && (!inside || has_minute(model, window, ends[end]) ==
							       has_minute(other, window, ends[end]));
			}
		}
	}
	return same;
}

/* The window says this from now on. */
static void replace(struct model *model, const struct model_interval *window, const struct model_interval *intervals,
		    size_t count)
{
	const size_t before = model->interval_count;
	struct model_interval *old = model->intervals;
	model->intervals = NULL;
	model->interval_count = 0;
	for (size_t i = 0; i < before; i++) {
		if (old[i].psychologist != window->psychologist || old[i].source != window->source) {
			add_interval(model, &old[i], old[i].start, old[i].end);
			continue;
		}
		add_interval(model, &old[i], old[i].start, least(old[i].end, window->start));
		add_interval(model, &old[i], most(old[i].start, window->end), old[i].end);
	}
	free(old);
	for (size_t i = 0; i < count; i++) {
		add_interval(model, &intervals[i], intervals[i].start, intervals[i].end);
	}
}

static bool update(struct model *model, const struct model_interval *window, uint64_t generation,
		   const struct model_interval *intervals, size_t count, bool *changed)
{
	struct model_source *source = find_source(model, window);
	*changed = false;
	if (source != NULL && source->generation > generation) {
		return false;
	}
	if (source == NULL) {
		model->sources = realloc(model->sources, (model->source_count + 1) * sizeof *model->sources);
		CHECK(model->sources != NULL);
		source = &model->sources[model->source_count++];
		*source = (struct model_source){window->psychologist, window->source, generation + 1};
	}
	/* Of the rest of the model, which may be big, nothing is compared. */
	struct model before = {.interval_count = model->interval_count};
	before.intervals = calloc(before.interval_count + 1, sizeof *before.intervals);
	CHECK(before.intervals != NULL);
	for (size_t i = 0; i < before.interval_count; i++) {
		before.intervals[i] = model->intervals[i];
	}
	replace(model, window, intervals, count);
	*changed = source->generation != generation || !same_in(&before, model, window);
	source->generation = generation;
	free(before.intervals);
	return true;
}

bool model_update_busy(struct model *model, const struct model_interval *window, uint64_t generation,
		       const struct model_interval *intervals, size_t count, bool *changed)
{
	lock_take(&model->lock);
	const bool in_time = update(model, window, generation, intervals, count, changed);
	lock_give(&model->lock);
	return in_time;
}

bool model_is_blocked(struct model *model, uint64_t key)
{
	struct model_slot slot;
	if (!model_slot(model, key, &slot) || (slot.client != 0 && !model_is_over(model, slot.session))) {
		return false;
	}
	lock_take(&model->lock);
	const bool busy = slot.minutes != 0 && model_busy(model, key, slot.minutes);
	lock_give(&model->lock);
	return busy;
}
