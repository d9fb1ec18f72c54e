/*
 * availability: see the header. Keeps I8.
 */
#include <inttypes.h>
#include <serve/availability.h>
#include <serve/log_line.h>
#include <slot/zone.h>

#define SECOND_NS UINT64_C(1000000000)
#define DAY_MS    UINT64_C(86400000)
#define RETRY_MS  UINT64_C(60000)
/* Psychologists looked at in a turn who have nothing to do: some microseconds each. */
#define LOOKS 16
/* Steps in one commit: at most so many of the widest record. */
#define STEPS_PER_COMMIT 4
/* Of how many days the clock may be ahead of the log after a pause, before that is said. */
#define CLOCK_DAYS 31

void availability_init(struct availability *availability, struct service *service)
{
	*availability = (struct availability){.service = service};
}

/* ------------------------------------------------------------------------------------------------------------- purging */

/* What the clock shows, but no more than has passed since the newest record of the log, if it had any at the start. */
static uint64_t sure_ms(const struct availability *availability, uint64_t now_ns)
{
	const struct service *service = availability->service;
	const uint64_t wall_ms = clock_wall_ms(service->clock);
	const uint64_t newest_ms = service->desk->newest_ms;
	const uint64_t sure = newest_ms + (now_ns - service->started_ns) / 1000000;
	return newest_ms == 0 || wall_ms < sure ? wall_ms : sure;
}

/* The first day that is kept at that moment, wherever it is earliest: twelve hours behind UTC. */
static uint64_t first_kept(const struct availability *availability, uint64_t at_ms)
{
	const uint64_t days = (at_ms < DAY_MS / 2 ? 0 : at_ms - DAY_MS / 2) / DAY_MS;
	const uint64_t retain = availability->service->config->retain_days;
	return days > retain ? days - retain : 0;
}

static void begin_purge(struct availability *availability, uint64_t now_ns)
{
	struct desk *desk = availability->service->desk;
	const uint64_t wanted = first_kept(availability, clock_wall_ms(desk->clock));
	const uint64_t day = first_kept(availability, sure_ms(availability, now_ns));
	if (wanted > day + CLOCK_DAYS && !availability->warned_clock) {
		availability->warned_clock = true;
		log_line(LOG_WARNING, "the clock is far ahead of the log, nothing newer than that is purged",
			 "days=%" PRIu64, wanted - day);
	}
	/* Acquire; pairs with table_purge_horizon. */
	if (day >= DAY_COUNT || day <= atomic_load_explicit(&desk->table->purged_before_day, memory_order_acquire) ||
	    desk_purge(desk, (uint16_t)day).code != OUTCOME_DONE) {
		return;
	}
	availability->purging = true;
	availability->purge = (struct purge_cursor){.slot = 0};
	atomic_store_explicit(&availability->purged_days, day, memory_order_relaxed); /* a figure */
}

/* Reclaims a slice. */
static void go_on_purging(struct availability *availability)
{
	struct purge_cursor *purge = &availability->purge;
	availability->purging = desk_purge_slice(availability->service->desk, purge);
	if (availability->purging) {
		return;
	}
	const uint64_t slots =
	    purge->removed_open + purge->removed_booked + purge->removed_held + purge->removed_blocked;
	char date[CIVIL_DATE_SIZE];
	civil_format_date((uint16_t)atomic_load_explicit(&availability->purged_days, memory_order_relaxed), date);
	log_line(LOG_INFO, "purged what is older than retain-days", "before=%.*s slots=%" PRIu64, CIVIL_DATE_SIZE, date,
		 slots);
}

/* ------------------------------------------------------------------------------------------------------------- the walk */

static void end_walk(struct availability *availability)
{
	struct service *service = availability->service;
	const struct hours_progress *progress = &availability->progress;
	const uint64_t now_ms = clock_wall_ms(service->clock);
	availability->walking = false;
	/* Relaxed, both: figures. */
	atomic_store_explicit(&availability->last_run_ms, now_ms, memory_order_relaxed);
	const bool any =
	    atomic_load_explicit(&service->desk->table->settings.counts[SETTING_HOURS], memory_order_relaxed) > 0;
	if (progress->opened + progress->closed > 0) {
		log_line(LOG_INFO, "hours were carried out",
			 "opened=%" PRIu64 " closed=%" PRIu64 " occupied=%" PRIu64 " overlaps=%" PRIu64,
			 progress->opened, progress->closed, progress->occupied, progress->overlaps);
	}
	availability->purge_due = any && service->config->retain_days > 0;
}

/* Once for each walk that meets it. */
static void warn(bool *warned, const char *message, struct span psychologist)
{
	if (!*warned) {
		*warned = true;
		log_line(LOG_WARNING, message, "psychologist=%.*s", (int)psychologist.size,
			 (const char *)psychologist.at);
	}
}

static void try_later(struct availability *availability)
{
	struct desk *desk = availability->service->desk;
	desk_hours_look_by(desk, clock_wall_ms(desk->clock) + RETRY_MS);
}

/* One step of one psychologist's hours. False: not now. */
static bool step_one(struct availability *availability, uint32_t psychologist)
{
	struct desk *desk = availability->service->desk;
	const struct span token = intern_token(&desk->table->psychologists, psychologist);
	const uint64_t before = wal_appended_lsn(desk_wal(desk));
	const enum hours_step step = desk_hours_step(desk, psychologist, &availability->progress);
	availability->steps += wal_appended_lsn(desk_wal(desk)) != before;
	switch (step) {
	case HOURS_STEP_MORE:
		return true;
	case HOURS_STEP_DONE:
		desk_hours_look_by(desk, availability->progress.next_ms);
		break;
	case HOURS_STEP_NO_ROOM:
		return false;
	case HOURS_STEP_MEMORY:
		warn(&availability->warned_memory, "no memory to open slots from hours, trying again every minute",
		     token);
		try_later(availability);
		break;
	case HOURS_STEP_NO_ZONE:
		warn(&availability->warned_zone, "the zone of hours is not known here, they are not carried out",
		     token);
		break;
	}
	availability->cursor = psychologist;
	return true;
}

/* Looks at some who have nothing to do, or does one step. */
static void go_on_walking(struct availability *availability)
{
	struct desk *desk = availability->service->desk;
	struct buffer text = {0};
	const uint32_t steps = availability->steps;
	bool more = true;
	for (uint32_t looks = 0; more && looks < LOOKS && availability->steps == steps; looks++) {
		uint64_t lsn;
		text.size = 0;
		const uint32_t next =
		    settings_next(&desk->table->settings, SETTING_HOURS, availability->cursor, &text, &lsn);
		if (next == 0) {
			end_walk(availability);
			break;
		}
		more = step_one(availability, next);
	}
	buffer_fini(&text);
}

/* Once a second: is there anything to do? */
static bool begin_walk(struct availability *availability, uint64_t now_ns)
{
	struct desk *desk = availability->service->desk;
	if (now_ns - availability->looked_ns < SECOND_NS && availability->looked_ns != 0) {
		return false;
	}
	availability->looked_ns = now_ns;
	/* Relaxed, both: only a moment; hours that are set now lower it again. */
	if (clock_wall_ms(desk->clock) < atomic_load_explicit(&desk->hours_due_ms, memory_order_relaxed)) {
		return false;
	}
	atomic_store_explicit(&desk->hours_due_ms, UINT64_MAX, memory_order_relaxed);
	availability->walking = true;
	availability->cursor = 0;
	availability->progress = (struct hours_progress){.lsn = 0};
	availability->warned_memory = availability->warned_zone = false;
	return true;
}

/* May it append, in this commit and at all? */
static bool has_room(struct availability *availability)
{
	const struct wal *wal = desk_wal(availability->service->desk);
	const uint64_t durable_lsn = wal_durable_lsn(wal);
	if (durable_lsn != availability->commit_lsn) {
		availability->commit_lsn = durable_lsn;
		availability->steps = 0;
	}
	return availability->steps < STEPS_PER_COMMIT && wal_has_room(wal);
}

bool availability_has_work(struct availability *availability, uint64_t now_ns)
{
	if (availability->purging) {
		return true;
	}
	return (availability->purge_due || availability->walking || begin_walk(availability, now_ns)) &&
	       has_room(availability);
}

bool availability_step(struct availability *availability, uint64_t now_ns)
{
	if (availability->purging) {
		go_on_purging(availability);
	} else if (availability->purge_due) {
		availability->purge_due = false;
		availability->steps++;
		begin_purge(availability, now_ns);
	} else if (availability->walking) {
		go_on_walking(availability);
	}
	return availability_has_work(availability, now_ns);
}
