/*
 * desk_life: what becomes of a session once it has its slot. Which command leads where is one table (slot/life.h).
 *
 * Keeps I2 (every outcome carries its lsn), I4 (append before settle, settle before anybody else may change), I5 (nothing
 * fails after the swap of the state), I10 (what stands already is done again, without a record).
 */
#include "desk_parts.h"

#include <base/check.h>

static void count_slot(struct counters *counters, enum session_status status, int64_t by)
{
	counter *slots = !session_occupies(status) ? &counters->slots_open
			 : status == SESSION_HELD  ? &counters->slots_held
						   : &counters->slots_booked;
	count(slots, by);
}

static unsigned facts_of(const struct desk *desk, const struct session_view *seen, uint64_t now_ms)
{
	return desk_has_started(desk, key_day(seen->key), key_minute(seen->key), now_ms) ? LIFE_HAS_STARTED : 0;
}

/* CANCEL has a record of its own, for its reason. */
static struct record record_of(const struct session_view *seen, enum session_status status, uint64_t now_ms,
			       struct span reason)
{
	struct record record = {
	    .type = RECORD_STATUS, .at_ms = now_ms, .session = seen->id, .day = key_day(seen->key), .status = status};
	if (status == SESSION_CANCELLED) {
		record.type = RECORD_CANCEL;
		record.status = SESSION_FREE;
		record.reason = reason;
	}
	return record;
}

/* One attempt at a session that was looked at. Returns the lsn; 0: somebody else changed it first, look again. */
static uint64_t change_session(struct desk *desk, const struct session_view *seen, enum session_status status,
			       uint64_t now_ms, struct span reason)
{
	if (!table_change(desk->table, seen, status, now_ms)) {
		return 0;
	}
	const struct record record = record_of(seen, status, now_ms, reason);
	const uint64_t lsn = wal_append(desk_wal(desk), &record);
	table_settle(desk->table, seen->id, lsn);
	count_slot(service_counters(desk->service), seen->status, -1);
	count_slot(service_counters(desk->service), status, 1);
	return lsn;
}

static const enum outcome_code outcomes[] = {
    [LIFE_REFUSED] = OUTCOME_STATE, [LIFE_EXPIRED] = OUTCOME_EXPIRED, [LIFE_EARLY] = OUTCOME_EARLY,
    [LIFE_STANDS] = OUTCOME_DONE,   [LIFE_CHANGES] = OUTCOME_DONE,
};

static struct outcome change(struct desk *desk, uint64_t session, enum life_command command, struct span reason)
{
	/* Each round that does not end saw somebody else's change succeed. */
	for (;;) {
		struct session_view seen;
		uint64_t lsn;
		if (!desk_session(desk, session, &seen, &lsn)) {
			return (struct outcome){.code = OUTCOME_NOSESSION, .lsn = lsn};
		}
		const uint64_t now_ms = clock_wall_ms(desk->clock);
		enum session_status status = seen.status;
		const enum life_verdict verdict =
		    life_judge(seen.status, command, facts_of(desk, &seen, now_ms), &status);
		if (verdict == LIFE_CHANGES) {
			lsn = change_session(desk, &seen, status, now_ms, reason);
		}
		if (lsn != 0) {
			return (struct outcome){.code = outcomes[verdict], .lsn = lsn, .status = seen.status};
		}
	}
}

struct outcome desk_change(struct desk *desk, uint64_t session, enum life_command command)
{
	CHECK(command == LIFE_COMMIT || command == LIFE_CONFIRM || command == LIFE_COMPLETE || command == LIFE_NO_SHOW);
	return change(desk, session, command, (struct span){NULL, 0});
}

struct outcome desk_cancel(struct desk *desk, uint64_t session, struct span reason)
{
	return change(desk, session, LIFE_CANCEL, reason);
}
