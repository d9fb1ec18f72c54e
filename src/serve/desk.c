/*
 * desk: claims and cancellations, the changes of single slots. Several at once are in desk_group.c, what changes which slots
 * there are is in desk_hours.c, what only looks is in desk_look.c.
 *
 * Keeps I1 (one compare-and-swap decides), I2 (every outcome carries its lsn), I4 (append before settle, settle before
 * anybody else may change), I5 (nothing fails after the swap), I10 (the owner who asks again gets the same answer).
 */
#include "desk_parts.h"
#include <base/check.h>
#include <serve/desk.h>
#include <serve/hot.h>
#include <slot/civil.h>

bool desk_is_past(const struct desk *desk, const struct place *place, uint64_t now_ms)
{
	const struct civil_now now = civil_at(now_ms);
	if (place->day < atomic_load_explicit(&desk->table->purged_before_day, memory_order_acquire)) {
		return true; /* pairs with table_purge_horizon */
	}
	return place->day < now.day || (place->day == now.day && place->minute <= now.minute);
}

enum outcome_code desk_refusal(const struct slot_view *view)
{
	if (view->kind == CLAIM_BLOCKED) {
		return OUTCOME_BLOCKED;
	}
	CHECK(view->kind == CLAIM_SESSION);
	return view->status == SESSION_HELD ? OUTCOME_HELD : OUTCOME_TAKEN;
}

void desk_count_claim(struct desk *desk, const struct slot_view *seen)
{
	struct counters *counters = service_counters(desk->service);
	count(&counters->claims_won, 1);
	count(&counters->slots_booked, 1);
	if (seen->lsn != 0) {
		count(&counters->slots_open, -1); /* an unlisted slot was never open */
	}
}

/* The number of a client's token. `known` is what it was before the slot was looked at: 0, it was new, and if the slot is
 * this client's by now, it is not any more [I10]. */
static uint32_t client_now(const struct desk *desk, struct span client, uint32_t known)
{
	return known != 0 ? known : intern_find(&desk->table->clients, client);
}

/* One attempt at a slot that was looked at. `known` is the client's number, 0 if new. True when *outcome is final; false: it
 * changed in between, look again. */
static bool claim_slot(struct desk *desk, uint32_t slot, const struct slot_view *seen, const struct place *place,
		       struct span client, uint32_t known, uint64_t now_ms, struct outcome *outcome)
{
	struct table *table = desk->table;
	/* A listed slot has its booking's memory promised since it was opened; an unlisted one asks now. */
	const bool promised = claim_listed(seen->word);
	const uint32_t number = known != 0 ? known : intern_add(&table->clients, client, promised);
	const uint32_t session = number != 0 ? table_session_take(table, promised) : 0;
	if (session == 0) {
		*outcome = (struct outcome){.code = OUTCOME_MEMORY};
		return true;
	}
	const uint64_t id = table_claim(table, slot, seen, session, number, now_ms);
	if (id == 0) {
		table_session_give(table, session);
		return false;
	}
	const struct record record = {.type = RECORD_BOOK,
				      .at_ms = now_ms,
				      .session = id,
				      .psychologist = place->psychologist,
				      .client = client,
				      .day = place->day,
				      .minute = place->minute,
				      .minutes = seen->minutes,
				      .unlisted = !promised};
	const uint64_t lsn = wal_append(desk_wal(desk), &record);
	table_settle(table, id, lsn);
	desk_count_claim(desk, seen);
	*outcome = (struct outcome){.code = OUTCOME_DONE, .lsn = lsn, .value = id};
	return true;
}

/* The slot at `key`, made on the spot where unlisted slots may be claimed. 0: there is none, *outcome says so. */
static uint32_t slot_to_claim(struct desk *desk, uint64_t key, struct outcome *outcome)
{
	const uint32_t slot = table_find(desk->table, key);
	if (slot != 0) {
		return slot;
	}
	if (!desk->unlisted_slots) {
		*outcome = (struct outcome){.code = OUTCOME_NOSLOT, .lsn = table_removed_lsn(desk->table)};
		return 0;
	}
	bool added;
	const uint32_t unlisted = table_add(desk->table, key, claim_make(CLAIM_OPEN, 0, 0), false, &added);
	if (unlisted == 0) {
		*outcome = (struct outcome){.code = OUTCOME_MEMORY};
	}
	return unlisted;
}

uint32_t desk_psychologist(struct desk *desk, struct span psychologist, struct outcome *outcome)
{
	struct intern *psychologists = &desk->table->psychologists;
	if (!desk->unlisted_slots) {
		/* A psychologist nobody opened hours for: no record was ever written, so the answer depends on none. */
		*outcome = (struct outcome){.code = OUTCOME_NOSLOT};
		return intern_find(psychologists, psychologist);
	}
	*outcome = (struct outcome){.code = OUTCOME_MEMORY};
	return intern_add(psychologists, psychologist, false);
}

static struct outcome book(struct desk *desk, const struct place *place, struct span client, uint64_t now_ms)
{
	struct outcome outcome;
	const uint32_t psychologist = desk_psychologist(desk, place->psychologist, &outcome);
	if (psychologist == 0) {
		return outcome;
	}
	const uint64_t key = key_make(psychologist, place->day, place->minute);
	/* The slot is on its way to the cache while the client is looked for. */
	table_prefetch(desk->table, key);
	const uint32_t known = intern_find(&desk->table->clients, client);
	const bool past = desk_is_past(desk, place, now_ms);
	/* Each round that does not end saw somebody else's change succeed, so somebody always gets on. */
	for (;;) {
		const uint32_t slot = past ? table_find(desk->table, key) : slot_to_claim(desk, key, &outcome);
		if (slot == 0) {
			return past ? (struct outcome){.code = OUTCOME_PAST} : outcome;
		}
		struct slot_view view;
		if (!table_view(desk->table, slot, key, &view)) {
			continue; /* closed since it was found */
		}
		const bool mine =
		    !view.free && view.kind == CLAIM_SESSION && view.client == client_now(desk, client, known);
		if (mine) {
			return (struct outcome){.code = OUTCOME_DONE, .lsn = view.lsn, .value = view.session};
		}
		if (past) {
			return (struct outcome){.code = OUTCOME_PAST, .lsn = view.lsn};
		}
		if (!view.free) {
			return (struct outcome){.code = desk_refusal(&view), .lsn = view.lsn};
		}
		if (claim_slot(desk, slot, &view, place, client, known, now_ms, &outcome)) {
			return outcome;
		}
	}
}

/* The slot is somebody else's: that is what HOT counts. */
static void count_loser(struct desk *desk, const struct place *place)
{
	const uint32_t psychologist = intern_find(&desk->table->psychologists, place->psychologist);
	if (desk->service->hots != NULL && psychologist != 0) {
		hot_count(&desk->service->hots[service_worker], key_make(psychologist, place->day, place->minute));
	}
}

void desk_count_lost(struct desk *desk, const struct place *place, enum outcome_code code)
{
	struct counters *counters = service_counters(desk->service);
	switch (code) {
	case OUTCOME_TAKEN:
		count(&counters->claims_lost_taken, 1);
		count_loser(desk, place);
		return;
	case OUTCOME_HELD:
		count(&counters->claims_lost_held, 1);
		count_loser(desk, place);
		return;
	case OUTCOME_BLOCKED:
		count(&counters->claims_lost_blocked, 1);
		count_loser(desk, place);
		return;
	case OUTCOME_NOSLOT:
		count(&counters->claims_lost_noslot, 1);
		return;
	case OUTCOME_PAST:
		count(&counters->claims_lost_past, 1);
		return;
	default:
		return;
	}
}

struct outcome desk_book(struct desk *desk, const struct place *place, struct span client)
{
	const struct outcome outcome = book(desk, place, client, clock_wall_ms(desk->clock));
	desk_count_lost(desk, place, outcome.code);
	return outcome;
}

void desk_count_cancel(struct desk *desk, const struct session_view *seen)
{
	struct counters *counters = service_counters(desk->service);
	count(&counters->slots_open, 1);
	count(seen->status == SESSION_HELD ? &counters->slots_held : &counters->slots_booked, -1);
}

struct outcome desk_cancel(struct desk *desk, uint64_t session, struct span reason)
{
	for (;;) {
		struct session_view seen;
		uint64_t lsn;
		if (!desk_session(desk, session, &seen, &lsn)) {
			return (struct outcome){.code = OUTCOME_NOSESSION, .lsn = lsn};
		}
		if (seen.status == SESSION_CANCELLED) {
			return (struct outcome){.code = OUTCOME_DONE, .lsn = seen.lsn};
		}
		if (!session_occupies(seen.status)) {
			return (struct outcome){.code = OUTCOME_STATE, .lsn = seen.lsn, .status = seen.status};
		}
		const uint64_t now_ms = clock_wall_ms(desk->clock);
		if (!table_change(desk->table, &seen, SESSION_CANCELLED, now_ms)) {
			continue; /* somebody else changed it first: look at what it is now */
		}
		const struct record record = {.type = RECORD_CANCEL,
					      .at_ms = now_ms,
					      .session = session,
					      .day = key_day(seen.key),
					      .reason = reason};
		const uint64_t cancelled_lsn = wal_append(desk_wal(desk), &record);
		table_settle(desk->table, session, cancelled_lsn);
		desk_count_cancel(desk, &seen);
		return (struct outcome){.code = OUTCOME_DONE, .lsn = cancelled_lsn};
	}
}
