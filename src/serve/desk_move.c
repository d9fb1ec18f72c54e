/*
 * desk_move: RESCHEDULE. The new slot is taken before the old one is free, in one record: see slot/table.h.
 *
 * Keeps I1, I2 (the outcome carries the lsn), I4 (append before settle), I5 (nothing fails after the swaps), I10 (a session
 * that was moved there already is where it is asked to be).
 */
#include "desk_parts.h"

#include <base/check.h>

/* What a RESCHEDULE asks for. */
struct wish {
	struct place place;
	uint64_t key;
	bool past;          /* of the place, */
	uint64_t clock_lsn; /* which depends on this */
	uint64_t now_ms;
};

/* The session, as it may be moved; false: *outcome is final. */
static bool look_at_session(struct desk *desk, uint64_t session, struct session_view *seen, struct outcome *outcome)
{
	uint64_t lsn;
	if (!desk_session(desk, session, seen, &lsn)) {
		*outcome = (struct outcome){.code = OUTCOME_NOSESSION, .lsn = lsn};
		return false;
	}
	enum session_status to;
	const enum life_verdict verdict = life_judge(seen->status, LIFE_RESCHEDULE, 0, &to);
	*outcome = (struct outcome){
	    .code = verdict == LIFE_EXPIRED ? OUTCOME_EXPIRED : OUTCOME_STATE, .lsn = lsn, .status = seen->status};
	return verdict == LIFE_CHANGES;
}

/* Where it is to go: with the same psychologist, unless another is named. False: *outcome is final. */
static bool find_place(struct desk *desk, const struct session_view *seen, struct wish *wish, struct outcome *outcome)
{
	uint32_t psychologist = key_psychologist(seen->key);
	if (wish->place.psychologist.size == 0) {
		wish->place.psychologist = intern_token(&desk->table->psychologists, psychologist);
	} else {
		psychologist = desk_psychologist(desk, wish->place.psychologist, outcome);
		if (psychologist == 0) {
			return false;
		}
	}
	wish->key = key_make(psychologist, wish->place.day, wish->place.minute);
	wish->clock_lsn = 0;
	wish->past = desk_has_started(desk, wish->key, clock_wall_ms(desk->clock), &wish->clock_lsn);
	return true;
}

/* The slot it is to go to, free; 0: *outcome is final. */
static uint32_t look_at_slot(struct desk *desk, const struct wish *wish, struct slot_view *view,
			     struct outcome *outcome)
{
	/* Each round that does not end saw somebody else's change succeed. */
	for (;;) {
		const uint32_t slot =
		    wish->past ? table_find(desk->table, wish->key) : desk_slot_to_claim(desk, wish->key, outcome);
		if (slot == 0) {
			*outcome =
			    wish->past ? (struct outcome){.code = OUTCOME_PAST, .lsn = wish->clock_lsn} : *outcome;
			return 0;
		}
		if (!table_view(desk->table, slot, wish->key, view)) {
			continue; /* closed since it was found */
		}
		if (desk_hold_is_over(desk, view->expires_ms)) {
			desk_expire(desk, view->session);
			continue; /* it is free now, or somebody else's */
		}
		if (view->free && !wish->past) {
			return slot;
		}
		const enum outcome_code code = wish->past ? OUTCOME_PAST : desk_refusal(view);
		*outcome = (struct outcome){.code = code, .lsn = lsn_later(view->lsn, wish->clock_lsn)};
		return 0;
	}
}

struct record desk_move_record(const struct desk *desk, const struct session_view *seen, const struct slot_view *to,
			       struct span psychologist, uint64_t now_ms)
{
	const struct span left = intern_token(&desk->table->psychologists, key_psychologist(seen->key));
	return (struct record){
	    .type = RECORD_MOVE,
	    .at_ms = now_ms,
	    .session = seen->id,
	    .psychologist = psychologist.size != 0 ? psychologist : left,
	    .day = key_day(to->key),
	    .minute = key_minute(to->key),
	    .minutes = to->minutes,
	    .unlisted = !claim_listed(to->word),
	    .from = {.psychologist = left,
		     .day = key_day(seen->key),
		     .minute = key_minute(seen->key),
		     .minutes = seen->minutes},
	};
}

/* The slot that was left is open, unless it was unlisted; the one that was taken is not, unless it never was. */
void desk_count_move(struct desk *desk, const struct session_view *seen, const struct slot_view *to)
{
	struct counters *counters = service_counters(desk->service);
	count(&counters->slots_open, (int64_t)(seen->minutes != 0) - (int64_t)(to->lsn != 0));
}

/* One attempt. Returns the lsn; 0: the slot or the session is not as it was seen, look again. */
static uint64_t move(struct desk *desk, const struct session_view *seen, uint32_t slot, const struct slot_view *to,
		     const struct wish *wish)
{
	uint64_t lsn = 0;
	table_moves_lock(desk->table);
	if (table_move(desk->table, seen, slot, to, wish->now_ms)) {
		const struct record record = desk_move_record(desk, seen, to, wish->place.psychologist, wish->now_ms);
		lsn = wal_append(desk_wal(desk), &record);
	}
	table_moves_unlock(desk->table);
	if (lsn != 0) {
		const bool blocked = table_moved(desk->table, seen, lsn);
		desk_count_move(desk, seen, to);
		desk_count_blocked(desk, blocked);
	}
	return lsn;
}

struct outcome desk_reschedule(struct desk *desk, uint64_t session, const struct place *place)
{
	struct outcome outcome;
	struct session_view seen;
	struct wish wish = {.now_ms = desk_now_ms(desk)};
	for (;;) {
		struct slot_view to;
		wish.place = *place;
		if (!look_at_session(desk, session, &seen, &outcome)) {
			break;
		}
		/* What is said of the slot says as well that the session could be moved [I2]. */
		if (!find_place(desk, &seen, &wish, &outcome)) {
			outcome.lsn = lsn_later(outcome.lsn, seen.lsn);
			break;
		}
		if (wish.key == seen.key) {
			/* Asked again, after it was moved there [I10]. */
			const bool moved = seen.status == SESSION_RESCHEDULED;
			return (struct outcome){.code = moved ? OUTCOME_DONE : OUTCOME_THERE, .lsn = seen.lsn};
		}
		const uint32_t slot = look_at_slot(desk, &wish, &to, &outcome);
		if (slot == 0) {
			outcome.lsn = lsn_later(outcome.lsn, seen.lsn);
			break;
		}
		const uint64_t lsn = move(desk, &seen, slot, &to, &wish);
		if (lsn != 0) {
			return (struct outcome){.code = OUTCOME_DONE, .lsn = lsn, .value = session};
		}
	}
	desk_count_lost(desk, &wish.place, outcome.code);
	return outcome;
}
