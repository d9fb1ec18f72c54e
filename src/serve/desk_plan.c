/*
 * desk_plan: weekly hours: set, and carried out a few days at a time. See slot/hours.h for what the log remembers of them.
 *
 * A step of carrying them out is a CLOSE, an OPEN and a HOURS, in this order, the last of which says that the days are done. If
 * the log ends between them the days are gone through once more, which does no harm: what is open is open, and no CLOSE by
 * hand comes in between, for the hours are locked. So it never opens again what somebody has closed since [I4].
 *
 * Keeps I5 (a step appends no more than one record may have), I8 (days and slots of a step are bounded), I9 (what would overlap
 * is left out).
 */
#include "desk_hours.h"

#include <base/check.h>
#include <slot/hours.h>

/* Days of a step; with slots of 50 minutes all day some tens of microseconds. */
#define STEP_DAYS 4
/* Holds that are over, but not swept yet, of which a step ends so many to close their slots. */
#define STEP_EXPIRES 4
static_assert(3 * (TOKEN_SIZE_MAX + 40) + 2 * 4 * HOURS_DAY_SLOTS_MAX + SETTING_TEXT_MAX +
		      STEP_EXPIRES * DESK_EXPIRE_SIZE <=
		  RECORD_PLAIN_SIZE_MAX,
	      "a step appends no more than the widest record");

/* What is known of a psychologist's hours while they are locked. */
struct look {
	struct buffer text; /* which the plan borrows from */
	struct hours_plan plan;
	uint64_t lsn;
};

/* False: there are none. */
static bool look_at(struct desk *desk, uint32_t psychologist, struct look *look)
{
	*look = (struct look){.lsn = 0};
	if (!settings_get(&desk->table->settings, SETTING_HOURS, psychologist, &look->text, &look->lsn)) {
		return false;
	}
	const bool read = hours_plan_read((struct span){look->text.at, look->text.size}, &look->plan);
	CHECK(read); /* it was when it was written, or replayed */
	return true;
}

/* Remembers the plan, as settings_set. */
static struct outcome remember(struct desk *desk, uint32_t psychologist, const struct hours_plan *plan, bool promised)
{
	struct buffer text = {0};
	hours_plan_write(plan, &text);
	const struct outcome outcome =
	    desk_set(desk, SETTING_HOURS, psychologist, (struct span){text.at, text.size}, promised);
	buffer_fini(&text);
	return outcome;
}

/* ------------------------------------------------------------------------------------------------------------- setting */

void desk_hours_look_by(struct desk *desk, uint64_t wall_ms)
{
	/* Relaxed: only a moment, looked at about once a second. */
	uint64_t due_ms = atomic_load_explicit(&desk->hours_due_ms, memory_order_relaxed);
	while (wall_ms < due_ms && !atomic_compare_exchange_weak_explicit(&desk->hours_due_ms, &due_ms, wall_ms,
									  memory_order_relaxed, memory_order_relaxed)) {
	}
}

/* Which day it is where these hours are; of a zone the system does not know, where the server is. */
static const struct zone *zone_of(struct span text)
{
	struct hours hours;
	const struct zone *zone = text.size > 0 && hours_read_text(text, &hours) ? zone_find(hours.zone) : NULL;
	return zone != NULL ? zone : civil_zone();
}

static uint16_t today_in(const struct desk *desk, const struct zone *zone)
{
	return zone_civil(zone, clock_wall_ms(desk->clock)).day;
}

/* Hours are opened for no later day, whatever the option says; a plan beyond was made while the clock was wrong. */
static bool is_beyond(uint16_t day, uint16_t today)
{
	return day > today + HORIZON_DAYS_MAX + 1;
}

struct outcome desk_hours(struct desk *desk, uint32_t psychologist, struct span hours)
{
	struct look look;
	table_hours_lock(desk->table, psychologist);
	const bool there = look_at(desk, psychologist, &look);
	const struct zone *zone = zone_of(hours.size > 0 || !there ? hours : look.plan.now);
	const uint16_t today = today_in(desk, zone);
	struct hours_plan plan = {.opened = today, .now = hours};
	struct outcome outcome = {.code = OUTCOME_DONE, .lsn = look.lsn};
	const bool stands = there ? span_equal(look.plan.now, hours) : hours.size == 0;
	if (there && look.plan.has_was && !stands) {
		outcome.code = OUTCOME_UNFINISHED;
	} else if (!stands) {
		plan.has_was = there && look.plan.opened > today && !is_beyond(look.plan.opened, today);
		plan.until = plan.has_was ? look.plan.opened : 0;
		plan.was = plan.has_was ? look.plan.now : (struct span){NULL, 0};
		outcome = remember(desk, psychologist, &plan, false);
		desk_hours_look_by(desk, zone_instant(zone, today < DAY_COUNT - 1 ? today + 1 : today, 0));
	}
	buffer_fini(&look.text);
	table_hours_unlock(desk->table, psychologist);
	return outcome;
}

/* ------------------------------------------------------------------------------------------------------ carrying out */

struct step {
	struct desk *desk;
	uint32_t psychologist;
	const struct zone *zone;
	struct civil_now reached; /* what has started by now is left alone */
	const struct hours_plan *plan;
	struct hours now; /* no ranges if there are none */
	struct hours was;
	struct hours_progress *progress;
};

/* When slots of a day start: those that the clock shows all of, and that have not started. */
struct starts {
	uint16_t at[HOURS_DAY_SLOTS_MAX];
	size_t count;
};

static void find_starts(const struct step *step, const struct hours *hours, uint16_t day, struct starts *starts)
{
	const size_t count = hours->minutes != 0 ? hours_of_day(hours, day, starts->at) : 0;
	starts->count = 0;
	for (size_t i = 0; i < count; i++) {
		const uint16_t at = starts->at[i];
		const bool started =
		    day < step->reached.day || (day == step->reached.day && at <= step->reached.minute);
		if (!started && zone_shows(step->zone, day, at, hours->minutes)) {
			starts->at[starts->count++] = at;
		}
	}
}

static bool has_start(const struct starts *starts, uint16_t at)
{
	size_t i = 0;
	while (i < starts->count && starts->at[i] < at) {
		i++;
	}
	return i < starts->count && starts->at[i] == at;
}

/* The slots of a day that `of` has, as *starts, but for those that are the same in `but`. */
static void find_new(const struct step *step, const struct hours *of, const struct hours *but, uint16_t day,
		     struct starts *starts)
{
	struct starts others = {.count = 0};
	find_starts(step, of, day, starts);
	if (but->minutes == of->minutes) {
		find_starts(step, but, day, &others);
	}
	size_t kept = 0;
	for (size_t i = 0; i < starts->count; i++) {
		if (!has_start(&others, starts->at[i])) {
			starts->at[kept++] = starts->at[i];
		}
	}
	starts->count = kept;
}

/* Did the hours before open slots on that day? */
static bool was_opened(const struct step *step, uint16_t day)
{
	return step->plan->has_was && day < step->plan->until;
}

static void find_opening(const struct step *step, uint16_t day, struct starts *starts)
{
	static const struct hours none;
	find_new(step, &step->now, was_opened(step, day) ? &step->was : &none, day, starts);
}

static void find_closing(const struct step *step, uint16_t day, struct starts *starts)
{
	starts->count = 0;
	if (was_opened(step, day)) {
		find_new(step, &step->was, &step->now, day, starts);
	}
}

/* The day behind those that make a step: few, with no more slots than one record may have. */
static uint16_t end_of_step(const struct step *step, uint16_t day, uint16_t end)
{
	size_t opening = 0;
	size_t closing = 0;
	for (uint32_t days = 0; days < STEP_DAYS && day < end; days++, day++) {
		struct starts starts;
		find_opening(step, day, &starts);
		opening += starts.count;
		find_closing(step, day, &starts);
		closing += starts.count;
		if (opening > HOURS_DAY_SLOTS_MAX || closing > HOURS_DAY_SLOTS_MAX) {
			break;
		}
	}
	return day;
}

static void close_days(struct step *step, struct span token, uint16_t from, uint16_t to)
{
	struct desk *desk = step->desk;
	struct closing closing = {.expires_left = STEP_EXPIRES};
	for (uint16_t day = from; day < to; day++) {
		struct starts starts;
		find_closing(step, day, &starts);
		for (size_t i = 0; i < starts.count; i++) {
			struct slot_view view;
			const uint64_t key = key_make(step->psychologist, day, starts.at[i]);
			const uint32_t slot = table_find(desk->table, key);
			if (slot != 0 && table_view(desk->table, slot, key, &view) &&
			    view.minutes == step->was.minutes) {
				desk_close_slot(desk, slot, key, &closing);
			}
		}
	}
	step->progress->lsn = lsn_later(step->progress->lsn, desk_close_started(desk, token, &closing));
	step->progress->closed += closing.count;
	step->progress->occupied += closing.occupied;
}

/* False when memory is spent. */
static bool open_days(struct step *step, struct span token, uint16_t from, uint16_t to)
{
	struct desk *desk = step->desk;
	struct opening opening = {.count = 0};
	bool memory_spent;
	for (uint16_t day = from; day < to; day++) {
		struct starts starts;
		find_opening(step, day, &starts);
		for (size_t i = 0; i < starts.count; i++) {
			uint64_t other;
			const uint64_t key = key_make(step->psychologist, day, starts.at[i]);
			const enum outcome_code code = desk_plan_slot(desk, key, step->now.minutes, &opening, &other);
			step->progress->overlaps += code == OUTCOME_OVERLAP;
			if (code == OUTCOME_NOSLOT) {
				opening.keys[opening.count++] = key;
			}
		}
	}
	const uint64_t lsn = desk_open_planned(desk, token, step->now.minutes, &opening, &memory_spent);
	step->progress->lsn = lsn_later(step->progress->lsn, lsn);
	step->progress->opened += memory_spent ? 0 : opening.count;
	return !memory_spent;
}

/* The first day to do, and the one behind the last. */
static void find_days(const struct step *step, uint16_t today, uint16_t *from, uint16_t *end)
{
	const struct hours_plan *plan = step->plan;
	/* Acquire; pairs with table_purge_horizon. */
	const uint32_t kept = atomic_load_explicit(&step->desk->table->purged_before_day, memory_order_acquire);
	uint32_t first = is_beyond(plan->opened, today) ? today : plan->opened;
	uint32_t last = plan->now.size > 0 ? today + step->desk->service->config->horizon_days + 1 : 0;
	first = first > today ? first : today;
	first = first > kept ? first : kept;
	last = plan->has_was && plan->until > last ? plan->until : last;
	*from = (uint16_t)(first < DAY_COUNT ? first : DAY_COUNT - 1);
	*end = (uint16_t)(last < DAY_COUNT ? last : DAY_COUNT - 1);
}

/* The days are done: remembers that. */
static enum hours_step done_up_to(struct step *step, uint16_t day, uint16_t end)
{
	struct hours_plan plan = *step->plan;
	plan.opened = day;
	if (plan.has_was && day >= plan.until) {
		plan.has_was = false;
		plan.until = 0;
		plan.was = (struct span){NULL, 0};
	}
	const struct outcome outcome = remember(step->desk, step->psychologist, &plan, true);
	step->progress->lsn = lsn_later(step->progress->lsn, outcome.lsn);
	if (outcome.code != OUTCOME_DONE) {
		return HOURS_STEP_MEMORY;
	}
	return day < end ? HOURS_STEP_MORE : HOURS_STEP_DONE;
}

static enum hours_step carry_out(struct step *step)
{
	const uint64_t now_ms = clock_wall_ms(step->desk->clock);
	const uint16_t today = zone_civil(step->zone, now_ms).day;
	uint16_t from;
	uint16_t end;
	step->reached = zone_reached(step->zone, now_ms);
	step->progress->next_ms = zone_instant(step->zone, today < DAY_COUNT - 1 ? today + 1 : today, 0);
	find_days(step, today, &from, &end);
	if (from >= end && !step->plan->has_was) {
		return HOURS_STEP_DONE;
	}
	if (!wal_has_room(desk_wal(step->desk))) {
		return HOURS_STEP_NO_ROOM;
	}
	const struct span token = intern_token(&step->desk->table->psychologists, step->psychologist);
	const uint16_t to = from < end ? end_of_step(step, from, end) : from;
	close_days(step, token, from, to);
	return open_days(step, token, from, to) ? done_up_to(step, to, end) : HOURS_STEP_MEMORY;
}

enum hours_step desk_hours_step(struct desk *desk, uint32_t psychologist, struct hours_progress *progress)
{
	struct look look;
	enum hours_step done = HOURS_STEP_DONE;
	const struct hours_progress before = *progress;
	progress->next_ms = UINT64_MAX;
	table_hours_lock(desk->table, psychologist);
	if (look_at(desk, psychologist, &look)) {
		struct step step = {
		    .desk = desk, .psychologist = psychologist, .plan = &look.plan, .progress = progress};
		/* If there are none any more, the days are those of the hours before. */
		const bool has_now = look.plan.now.size > 0 && hours_read_text(look.plan.now, &step.now);
		const bool has_was = look.plan.has_was && hours_read_text(look.plan.was, &step.was);
		CHECK(has_now || has_was);
		step.zone = zone_find(has_now ? step.now.zone : step.was.zone);
		done = step.zone != NULL ? carry_out(&step) : HOURS_STEP_NO_ZONE;
	}
	struct counters *counters = service_counters(desk->service);
	count(&counters->hours_opened, (int64_t)(progress->opened - before.opened));
	count(&counters->hours_closed, (int64_t)(progress->closed - before.closed));
	progress->lsn = lsn_later(progress->lsn, look.lsn);
	buffer_fini(&look.text);
	table_hours_unlock(desk->table, psychologist);
	return done;
}
