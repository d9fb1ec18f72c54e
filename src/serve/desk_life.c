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

void desk_count_change(struct desk *desk, const struct session_view *seen, enum session_status status)
{
	struct counters *counters = service_counters(desk->service);
	count_slot(counters, seen->status, -1);
	count_slot(counters, status, 1);
	count(&counters->holds_expired, status == SESSION_EXPIRED);
}

void desk_count_blocked(struct desk *desk, int64_t by)
{
	struct counters *counters = service_counters(desk->service);
	count(&counters->slots_open, -by);
	count(&counters->slots_blocked, by);
}

/* What a command asks for. */
struct wish {
	enum life_command command;
	struct span reason;    /* CANCEL */
	uint16_t hold_seconds; /* RENEW */
};

unsigned desk_facts(struct desk *desk, const struct session_view *seen, uint16_t hold_seconds, uint64_t now_ms,
		    uint64_t *lsn)
{
	const uint64_t total_ms = UINT64_C(1000) * desk->service->config->hold_total_max;
	unsigned facts = 0;
	if (desk_has_started(desk, seen->key, clock_wall_ms(desk->clock), lsn)) {
		facts |= LIFE_HAS_STARTED;
	}
	if (seen->status == SESSION_HELD && now_ms >= seen->expires_ms) {
		facts |= LIFE_IS_OVER;
	}
	if (now_ms + UINT64_C(1000) * hold_seconds > seen->created_ms + total_ms) {
		facts |= LIFE_IS_LONG;
	}
	return facts;
}

/* CANCEL has a record of its own, for its reason. */
struct record desk_status_record(const struct session_view *seen, enum session_status status, struct span reason,
				 uint16_t hold_seconds, uint64_t now_ms)
{
	struct record record = {.type = RECORD_STATUS, .at_ms = now_ms, .session = seen->id, .day = key_day(seen->key)};
	if (status == SESSION_CANCELLED) {
		record.type = RECORD_CANCEL;
		record.reason = reason;
	} else {
		record.status = status;
		record.hold_seconds = hold_seconds;
	}
	return record;
}

void desk_note_hold(struct desk *desk, const struct session_view *seen, enum session_status status, uint64_t expires_ms)
{
	if (status == SESSION_HELD) {
		holds_renew(&desk->holds, seen->client, seen->id, expires_ms);
	} else if (seen->status == SESSION_HELD) {
		holds_end(&desk->holds, seen->client, seen->id);
	}
}

/* One attempt at a session that was looked at. Returns the lsn; 0: somebody else changed it first, look again. */
static uint64_t change_session(struct desk *desk, const struct session_view *seen, enum session_status status,
			       const struct wish *wish, uint64_t now_ms)
{
	const bool changed = status == SESSION_HELD ? table_renew(desk->table, seen, now_ms, wish->hold_seconds)
						    : table_change(desk->table, seen, status, now_ms);
	if (!changed) {
		return 0;
	}
	const struct record record = desk_status_record(seen, status, wish->reason, wish->hold_seconds, now_ms);
	const uint64_t lsn = wal_append(desk_wal(desk), &record);
	desk_note_hold(desk, seen, status, now_ms + UINT64_C(1000) * wish->hold_seconds);
	const bool blocked = table_settle(desk->table, seen->id, lsn);
	desk_count_change(desk, seen, status);
	desk_count_blocked(desk, blocked);
	return lsn;
}

enum outcome_code desk_outcome_of(enum life_verdict verdict)
{
	static const enum outcome_code outcomes[] = {
	    [LIFE_REFUSED] = OUTCOME_STATE,   [LIFE_EXPIRED] = OUTCOME_EXPIRED, [LIFE_EARLY] = OUTCOME_EARLY,
	    [LIFE_LONG] = OUTCOME_HOLD_TOTAL, [LIFE_STANDS] = OUTCOME_DONE,     [LIFE_CHANGES] = OUTCOME_DONE,
	};
	return outcomes[verdict];
}

static struct outcome change(struct desk *desk, uint64_t session, const struct wish *wish)
{
	/* Each round that does not end saw somebody else's change succeed. */
	for (;;) {
		struct session_view seen;
		uint64_t lsn;
		const bool expires = wish->command == LIFE_EXPIRE;
		if (!(expires ? table_session_view(desk->table, session, &seen)
			      : desk_session(desk, session, &seen, &lsn))) {
			return (struct outcome){.code = OUTCOME_NOSESSION, .lsn = table_removed_lsn(desk->table)};
		}
		lsn = seen.lsn;
		const uint64_t now_ms = desk_now_ms(desk);
		enum session_status status = seen.status;
		const unsigned facts = desk_facts(desk, &seen, wish->hold_seconds, now_ms, &lsn);
		const enum life_verdict verdict = life_judge(seen.status, wish->command, facts, &status);
		if (verdict == LIFE_EXPIRED && seen.status == SESSION_HELD) {
			continue; /* since the look; the next one says so in the log */
		}
		if (verdict == LIFE_CHANGES) {
			lsn = change_session(desk, &seen, status, wish, now_ms);
		}
		if (lsn != 0) {
			const uint64_t expires_ms = now_ms + UINT64_C(1000) * wish->hold_seconds;
			return (struct outcome){.code = desk_outcome_of(verdict),
						.lsn = lsn,
						.status = seen.status,
						.expires_ms = expires_ms};
		}
	}
}

struct outcome desk_change(struct desk *desk, uint64_t session, enum life_command command)
{
	CHECK(command != LIFE_CANCEL && command != LIFE_RENEW && command != LIFE_RESCHEDULE);
	return change(desk, session, &(struct wish){.command = command});
}

struct outcome desk_cancel(struct desk *desk, uint64_t session, struct span reason)
{
	return change(desk, session, &(struct wish){.command = LIFE_CANCEL, .reason = reason});
}

struct outcome desk_renew(struct desk *desk, uint64_t session, uint16_t seconds)
{
	return change(desk, session, &(struct wish){.command = LIFE_RENEW, .hold_seconds = seconds});
}
