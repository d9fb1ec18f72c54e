/*
 * desk: claims of single slots. Of several together is desk_group.c, what becomes of a session afterwards is in desk_life.c,
 * what changes which slots there are in desk_hours.c, what only looks in desk_look.c.
 *
 * Keeps I1 (one compare-and-swap decides), I2 (every outcome carries its lsn), I4 (append before settle, settle before
 * anybody else may change), I5 (nothing fails after the swap), I10 (the owner who asks again gets the same answer).
 */
#include "desk_parts.h"
#include <base/check.h>
#include <serve/hot.h>
#include <slot/zone.h>

bool desk_has_started(const struct desk *desk, uint64_t key, uint64_t now_ms, uint64_t *lsn)
{
	const uint16_t day = key_day(key);
	const struct zone *zone = zone_map_get(&desk->table->zones, key_psychologist(key), lsn);
	const struct civil_now now = zone_reached(zone, now_ms);
	if (day < atomic_load_explicit(&desk->table->purged_before_day, memory_order_acquire)) {
		return true; /* pairs with table_purge_horizon */
	}
	return day < now.day || (day == now.day && key_minute(key) <= now.minute);
}

enum outcome_code desk_refusal(const struct slot_view *view)
{
	if (view->kind == CLAIM_BLOCKED) {
		return OUTCOME_BLOCKED;
	}
	CHECK(view->kind == CLAIM_SESSION);
	return view->status == SESSION_HELD ? OUTCOME_HELD : OUTCOME_TAKEN;
}

void desk_count_claim(struct desk *desk, const struct slot_view *seen, bool held)
{
	struct counters *counters = service_counters(desk->service);
	count(&counters->claims_won, 1);
	count(held ? &counters->slots_held : &counters->slots_booked, 1);
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

/* What a BOOK or HOLD asks for. */
struct wish {
	const struct place *place;
	struct span client;
	uint32_t known;        /* the client's number before the slot was looked at, 0 if new */
	uint16_t hold_seconds; /* 0: BOOK */
	uint64_t wall_ms;
	uint64_t now_ms; /* HOLD: on the hold clock; BOOK: the same as wall_ms */
};

/* The compare-and-swap, of either kind. */
static uint64_t claim(struct desk *desk, uint32_t slot, const struct slot_view *seen, uint32_t session, uint32_t client,
		      const struct wish *wish)
{
	return wish->hold_seconds != 0
		   ? table_hold(desk->table, slot, seen, session, client, wish->now_ms, wish->hold_seconds)
		   : table_claim(desk->table, slot, seen, session, client, wish->now_ms);
}

static struct outcome remember_claim(struct desk *desk, const struct slot_view *seen, const struct wish *wish,
				     uint64_t id, uint32_t hold)
{
	const bool held = wish->hold_seconds != 0;
	const uint64_t expires_ms = held ? wish->now_ms + UINT64_C(1000) * wish->hold_seconds : 0;
	const struct record record = {.type = held ? RECORD_HOLD : RECORD_BOOK,
				      .at_ms = wish->now_ms,
				      .session = id,
				      .psychologist = wish->place->psychologist,
				      .client = wish->client,
				      .day = wish->place->day,
				      .minute = wish->place->minute,
				      .minutes = seen->minutes,
				      .unlisted = !claim_listed(seen->word),
				      .hold_seconds = wish->hold_seconds};
	const uint64_t lsn = wal_append(desk_wal(desk), &record);
	if (held) {
		holds_begin(&desk->holds, hold, id, expires_ms);
	}
	table_settle(desk->table, id, lsn);
	desk_count_claim(desk, seen, held);
	return (struct outcome){.code = OUTCOME_DONE, .lsn = lsn, .value = id, .expires_ms = expires_ms};
}

/* One attempt at a slot that was looked at. True when *outcome is final; false: it changed in between, look again. */
static bool claim_slot(struct desk *desk, uint32_t slot, const struct slot_view *seen, const struct wish *wish,
		       struct outcome *outcome)
{
	struct table *table = desk->table;
	/* A listed slot has its booking's memory promised since it was opened; an unlisted one asks now. */
	const bool promised = claim_listed(seen->word);
	const uint32_t number =
	    wish->known != 0 ? wish->known : intern_add_new(&table->clients, wish->client, promised);
	uint32_t hold = 0;
	if (number != 0 && wish->hold_seconds != 0 && !desk_reserve_hold(desk, number, 0, &hold, outcome)) {
		return true;
	}
	/* What is said if there is no session to take. */
	*outcome = (struct outcome){.code = OUTCOME_MEMORY};
	if (number == 0) {
		return true;
	}
	const uint32_t session = table_session_take(table, promised);
	const uint64_t id = session != 0 ? claim(desk, slot, seen, session, number, wish) : 0;
	if (id != 0) {
		*outcome = remember_claim(desk, seen, wish, id, hold);
		return true;
	}
	if (hold != 0) {
		holds_release(&desk->holds, hold);
	}
	if (session != 0) {
		table_session_give(table, session);
	}
	return session == 0;
}

uint32_t desk_slot_to_claim(struct desk *desk, uint64_t key, struct outcome *outcome)
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

/* The client has the slot already: the same answer again, but a BOOK of what it holds commits the hold. False: that came too
 * late, look again. */
static bool answer_again(struct desk *desk, const struct slot_view *seen, const struct wish *wish,
			 struct outcome *outcome)
{
	*outcome = (struct outcome){
	    .code = OUTCOME_DONE, .lsn = seen->lsn, .value = seen->session, .expires_ms = seen->expires_ms};
	if (seen->status != SESSION_HELD || wish->hold_seconds != 0) {
		return true;
	}
	const struct outcome committed = desk_change(desk, seen->session, LIFE_COMMIT);
	outcome->lsn = committed.lsn;
	return committed.code == OUTCOME_DONE;
}

static struct outcome book(struct desk *desk, struct wish *wish)
{
	const struct place *place = wish->place;
	struct outcome outcome;
	const uint32_t psychologist = desk_psychologist(desk, place->psychologist, &outcome);
	if (psychologist == 0) {
		return outcome;
	}
	const uint64_t key = key_make(psychologist, place->day, place->minute);
	/* The slot is on its way to the cache while the client is looked for. */
	table_prefetch(desk->table, key);
	wish->known = intern_find(&desk->table->clients, wish->client);
	uint64_t clock_lsn = 0;
	const bool past = desk_has_started(desk, key, wish->wall_ms, &clock_lsn);
	/* Each round that does not end saw somebody else's change succeed, so somebody always gets on. */
	for (;;) {
		const uint32_t slot = past ? table_find(desk->table, key) : desk_slot_to_claim(desk, key, &outcome);
		if (slot == 0) {
			return past ? (struct outcome){.code = OUTCOME_PAST, .lsn = clock_lsn} : outcome;
		}
		struct slot_view view;
		if (!table_view(desk->table, slot, key, &view)) {
			continue; /* closed since it was found */
		}
		if (desk_hold_is_over(desk, view.expires_ms)) {
			desk_expire(desk, view.session);
			continue; /* it is free now, or somebody else's */
		}
		const bool mine = !view.free && view.kind == CLAIM_SESSION &&
				  view.client == client_now(desk, wish->client, wish->known);
		if (mine) {
			if (answer_again(desk, &view, wish, &outcome)) {
				return outcome;
			}
			continue;
		}
		if (past) {
			return (struct outcome){.code = OUTCOME_PAST, .lsn = lsn_later(view.lsn, clock_lsn)};
		}
		if (!view.free) {
			return (struct outcome){.code = desk_refusal(&view), .lsn = view.lsn};
		}
		if (claim_slot(desk, slot, &view, wish, &outcome)) {
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

static struct outcome book_and_count(struct desk *desk, struct wish *wish)
{
	const struct outcome outcome = book(desk, wish);
	desk_count_lost(desk, wish->place, outcome.code);
	return outcome;
}

struct outcome desk_book(struct desk *desk, const struct place *place, struct span client)
{
	const uint64_t now_ms = clock_wall_ms(desk->clock);
	return book_and_count(desk,
			      &(struct wish){.place = place, .client = client, .wall_ms = now_ms, .now_ms = now_ms});
}

struct outcome desk_hold(struct desk *desk, const struct place *place, struct span client, uint16_t seconds)
{
	CHECK(seconds != 0);
	return book_and_count(desk, &(struct wish){.place = place,
						   .client = client,
						   .hold_seconds = seconds,
						   .wall_ms = clock_wall_ms(desk->clock),
						   .now_ms = desk_now_ms(desk)});
}
