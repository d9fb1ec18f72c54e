/*
 * desk_holds: the hold clock, and holds that are over. How a hold begins is in desk.c, what its holder does in desk_life.c.
 *
 * Keeps I2 and I4 for what nobody commands: that time is up becomes true by a record, made by whoever comes across it first.
 */
#include "desk_parts.h"

#include <base/check.h>

/* Holds a slice of the sweep looks at: some tens of microseconds, and less than one record may take in the log. */
#define SWEEP_SLICE 64

/* Raises what the hold clock is ahead of the monotonic clock; returns what it is. */
static int64_t raise_clock(struct desk *desk, int64_t ahead)
{
	/* Relaxed: only a larger one is stored, whoever is first; it orders nothing. */
	int64_t before = atomic_load_explicit(&desk->hold_clock, memory_order_relaxed);
	while (before < ahead && !atomic_compare_exchange_weak_explicit(&desk->hold_clock, &before, ahead,
									memory_order_relaxed, memory_order_relaxed)) {
	}
	return before < ahead ? ahead : before;
}

static int64_t monotonic_ms(const struct desk *desk)
{
	return (int64_t)(clock_monotonic_ns(desk->clock) / 1000000);
}

uint64_t desk_now_ms(struct desk *desk)
{
	/* The wall clock first: if this thread has to wait between the two, the hold clock must not gain what it waited. */
	const int64_t wall_ms = (int64_t)clock_wall_ms(desk->clock);
	const int64_t since_ms = monotonic_ms(desk);
	return (uint64_t)(since_ms + raise_clock(desk, wall_ms - since_ms));
}

void desk_expire(struct desk *desk, uint64_t session)
{
	struct session_view seen;
	if (table_session_view(desk->table, session, &seen) && desk_hold_is_over(desk, seen.expires_ms)) {
		desk_change(desk, session, LIFE_EXPIRE);
	}
}

static bool reserve(struct desk *desk, uint32_t client, uint32_t ending, uint32_t *hold, struct outcome *outcome)
{
	static const enum outcome_code outcomes[] = {
	    [HOLDS_ROOM] = OUTCOME_DONE,
	    [HOLDS_CLIENT_FULL] = OUTCOME_CLIENT_HOLDS,
	    [HOLDS_FULL] = OUTCOME_HOLDS,
	    [HOLDS_NO_MEMORY] = OUTCOME_MEMORY,
	};
	const enum holds_room room = holds_reserve(&desk->holds, client, ending, desk_now_ms(desk), hold);
	*outcome = (struct outcome){.code = outcomes[room]};
	if (room == HOLDS_CLIENT_FULL || room == HOLDS_FULL) {
		/* Which holds there are is what the refusal tells of, and every one of them was appended by now [I2]. */
		outcome->lsn = wal_appended_lsn(desk_wal(desk));
	}
	return room == HOLDS_ROOM;
}

/* Tidies up the first hold that is over. False: there is none. */
static bool sweep_one(struct desk *desk)
{
	uint32_t client;
	uint64_t session;
	if (!holds_due(&desk->holds, desk_now_ms(desk), &client, &session)) {
		return false;
	}
	desk_expire(desk, session);
	struct session_view seen;
	if (!table_session_view(desk->table, session, &seen) || seen.status != SESSION_HELD) {
		holds_end(&desk->holds, client, session); /* purged; or it is done already */
	} else {
		holds_renew(&desk->holds, client, session, seen.expires_ms);
	}
	return true;
}

bool desk_reserve_hold(struct desk *desk, uint32_t client, uint32_t ending, uint32_t *hold, struct outcome *outcome)
{
	if (reserve(desk, client, ending, hold, outcome)) {
		return true;
	}
	/* Holds that are over take no room from others, also where the sweeper has not come by. */
	return outcome->code == OUTCOME_HOLDS && sweep_one(desk) && reserve(desk, client, ending, hold, outcome);
}

bool desk_sweep_holds(struct desk *desk)
{
	for (uint32_t i = 0; i < SWEEP_SLICE; i++) {
		if (!wal_has_room(desk_wal(desk)) || !sweep_one(desk)) {
			return false;
		}
	}
	return true;
}

/* Calls `visit` for every session that is held. Nobody else is at work. */
static void each_held(struct desk *desk, void (*visit)(struct desk *desk, const struct session_view *seen))
{
	const struct pool *sessions = &desk->table->sessions;
	for (uint32_t number = 1; pool_has(sessions, number); number++) {
		const struct session *session = pool_at(sessions, number);
		/* Relaxed, both: replay was one thread, and is over. */
		const uint64_t state = atomic_load_explicit(&session->state, memory_order_relaxed);
		const uint32_t generation = atomic_load_explicit(&session->generation, memory_order_relaxed);
		struct session_view seen;
		if (session_status(state) == SESSION_HELD &&
		    table_session_view(desk->table, session_id(number, generation), &seen)) {
			visit(desk, &seen);
		}
	}
}

/* No hold was made later than the hold clock shows. */
static void follow(struct desk *desk, const struct session_view *seen)
{
	raise_clock(desk, (int64_t)seen->updated_ms - monotonic_ms(desk));
}

static void restore(struct desk *desk, const struct session_view *seen)
{
	follow(desk, seen);
	holds_restore(&desk->holds, seen->client, seen->id, seen->expires_ms);
}

bool desk_restore_holds(struct desk *desk, uint64_t newest_ms, uint64_t held, struct error *error)
{
	const struct config *config = desk->service->config;
	desk->newest_ms = newest_ms;
	atomic_store_explicit(&desk->hold_clock, (int64_t)newest_ms - monotonic_ms(desk), memory_order_relaxed);
	/* There are no more of them than numbers of sessions. */
	if (!holds_init(&desk->holds, desk->memory, config->holds_max, config->holds_per_client, (uint32_t)held,
			error)) {
		return false;
	}
	if (held > 0) {
		each_held(desk, restore);
	}
	return true;
}
