/*
 * told_slots: when a slot, a session, a client's holds were as somebody was told. See told.h.
 */
#include <base/check.h>
#include <streams/told.h>

/* May a calendar block slots of this psychologist at this lsn, or not yet, or no more? */
static bool is_unsettled(const struct witness *witness, uint32_t slot, uint64_t lsn)
{
	const struct sync *syncs = witness->syncs.items;
	for (size_t i = witness->syncs.count; i-- > 0;) {
		if (syncs[i].psychologist == witness->agenda->slots[slot].psychologist_number && syncs[i].lsn <= lsn &&
		    lsn < syncs[i].until_lsn) {
			return true;
		}
	}
	return false;
}

static bool occupies_for_good(const struct moment *moment)
{
	return session_occupies(moment->status) && moment->status != SESSION_HELD;
}

/* Does an earlier part of the MULTI do this, or that, with the session? */
static bool is_done_before(const struct wanted *wanted, uint64_t session, enum op_verb verb, enum op_verb other)
{
	for (uint32_t i = 0; wanted->but != NULL && i < wanted->part; i++) {
		const struct op_part *part = &wanted->but->parts[i];
		if ((part->verb == verb || part->verb == other) && part->session == session) {
			return true;
		}
	}
	return false;
}

static bool is_freed_before(const struct wanted *wanted, uint64_t session)
{
	return is_done_before(wanted, session, OP_CANCEL, OP_RESCHEDULE);
}

/* Somebody has it, other than for a while, or will once the MULTI has done what comes before. */
static bool is_taken(const struct wanted *wanted, const struct moment *moment)
{
	const bool committed =
	    moment->status == SESSION_HELD && is_done_before(wanted, moment->session, OP_COMMIT, OP_COMMIT);
	return (occupies_for_good(moment) || committed) && !is_freed_before(wanted, moment->session);
}

static bool is_free(const struct moment *moment)
{
	return moment->there && moment->status == SESSION_FREE;
}

/* A hold that is there by the log: may somebody have seen it who asked then, and somebody not who was answered then? */
static bool may_be_held(const struct told *told, const struct moment *moment)
{
	return moment->status == SESSION_HELD && told->invoked_ms < moment->expires_ms + TOLD_SLACK_MS;
}

static bool may_be_over(const struct told *told, const struct moment *moment)
{
	return moment->status == SESSION_HELD && told->returned_ms + TOLD_SLACK_MS >= moment->expires_ms;
}

static bool fits(const struct told *told, const struct wanted *wanted, const struct moment *moment, bool unsettled)
{
	const bool mine = moment->status != SESSION_FREE && moment->client == wanted->client;
	const bool same = wanted->session == 0 || wanted->session == moment->session;
	const bool open = is_free(moment) && (!moment->busy || unsettled);
	switch (wanted->kind) {
	case WANTED_OWN:
		return mine && same && occupies_for_good(moment);
	case WANTED_OWN_HOLD:
		return mine && same && moment->status == SESSION_HELD && moment->expires_ms == wanted->expires_ms;
	case WANTED_TAKEN:
		return !mine && is_taken(wanted, moment);
	case WANTED_HELD:
		return !mine && may_be_held(told, moment) && !is_freed_before(wanted, moment->session);
	case WANTED_BLOCKED:
		return (is_free(moment) || is_freed_before(wanted, moment->session)) && (moment->busy || unsettled);
	case WANTED_OPEN:
		return open;
	case WANTED_CLAIMABLE:
		return open || mine;
	case WANTED_THERE:
		return moment->there;
	case WANTED_GONE:
		return !moment->there;
	case WANTED_STUCK:
		return !moment->there || moment->status != SESSION_FREE;
	case WANTED_SEEN_HELD:
		return same && may_be_held(told, moment);
	case WANTED_SEEN_BOOKED:
		return same && occupies_for_good(moment);
	case WANTED_SEEN_OPEN:
		return open || (may_be_over(told, moment) && (!moment->busy || unsettled));
	case WANTED_SEEN_BLOCKED:
		return (is_free(moment) || may_be_over(told, moment)) && (moment->busy || unsettled);
	case WANTED_NOT_OPEN:
		return !is_free(moment) || moment->busy || unsettled;
	}
	WRONG("there is no other kind");
}

uint64_t told_slot(const struct witness *witness, const struct told *told, uint32_t slot, const struct wanted *wanted,
		   uint64_t from)
{
	const struct timeline *timeline = &witness->slots[slot];
	for (size_t i = timeline_at(timeline, from); i < timeline->count; i++) {
		const struct moment *moment = &timeline->moments[i];
		const uint64_t lsn = told_later(from, moment->lsn);
		if (fits(told, wanted, moment, is_unsettled(witness, slot, lsn))) {
			return lsn;
		}
	}
	return TOLD_NOWHERE;
}

static bool is_one_of(uint8_t status, const char *letters)
{
	return strchr(letters, "fhbrcxeyn"[status]) != NULL;
}

uint64_t told_session(const struct witness *witness, uint64_t id, const char *letters, uint32_t slot, uint64_t from)
{
	const uint32_t story = witness_story(witness, id);
	uint64_t found = TOLD_NOWHERE;
	uint64_t next_lsn = UINT64_MAX;
	for (uint32_t i = story != WITNESS_NONE ? witness_story_at(witness, story)->newest : WITNESS_NONE;
	     i != WITNESS_NONE && next_lsn > from;) {
		const struct turn *turn = witness_turn(witness, i);
		if (is_one_of(turn->status, letters) && (slot == WITNESS_NONE || turn->slot == slot)) {
			found = told_later(from, turn->lsn);
		}
		next_lsn = turn->lsn;
		i = turn->older;
	}
	return found;
}

uint64_t told_no_session(const struct witness *witness, uint64_t id, uint64_t from)
{
	const uint32_t story = witness_story(witness, id);
	uint32_t i = story != WITNESS_NONE ? witness_story_at(witness, story)->newest : WITNESS_NONE;
	while (i != WITNESS_NONE && witness_turn(witness, i)->older != WITNESS_NONE) {
		i = witness_turn(witness, i)->older;
	}
	return i == WITNESS_NONE || from < witness_turn(witness, i)->lsn ? from : TOLD_NOWHERE;
}

uint64_t told_many_holds(const struct witness *witness, const struct told *told, uint64_t from)
{
	const struct holder *holders = witness->holders.items;
	const struct holding *holdings = witness->holdings.items;
	const uint32_t least = WITNESS_HOLDS_PER_CLIENT - told->threads;
	const bool known = told->op->client < witness->holders.count;
	uint64_t found = TOLD_NOWHERE;
	uint64_t next_lsn = UINT64_MAX;
	for (uint32_t i = known ? holders[told->op->client].newest_holding : WITNESS_NONE;
	     i != WITNESS_NONE && next_lsn > from;) {
		found = holdings[i].count >= least ? told_later(from, holdings[i].lsn) : found;
		next_lsn = holdings[i].lsn;
		i = holdings[i].older;
	}
	return found;
}

uint64_t told_claimed_and_changed(const struct witness *witness, const struct told *told, uint32_t number,
				  const struct wanted *wanted, uint64_t from)
{
	const struct op *op = told->op;
	const struct timeline *timeline = &witness->slots[op->parts[number].slot];
	for (size_t i = timeline_at(timeline, from > 0 ? from - 1 : 0); i + 1 < timeline->count; i++) {
		const struct moment *moment = &timeline->moments[i];
		if (moment[1].lsn < from || !fits(told, wanted, moment, false)) {
			continue;
		}
		for (uint32_t later = number + 1; later < op->part_count; later++) {
			if (op->parts[later].session == moment->session) {
				return moment[1].lsn;
			}
		}
	}
	return TOLD_NOWHERE;
}

uint64_t told_renewed(const struct witness *witness, uint64_t id, uint64_t expires_ms, uint64_t from)
{
	const uint32_t story = witness_story(witness, id);
	uint64_t found = TOLD_NOWHERE;
	uint64_t next_lsn = UINT64_MAX;
	for (uint32_t i = story != WITNESS_NONE ? witness_story_at(witness, story)->newest : WITNESS_NONE;
	     i != WITNESS_NONE && next_lsn > from;) {
		const struct turn *turn = witness_turn(witness, i);
		found = turn->expires_ms == expires_ms ? told_later(from, turn->lsn) : found;
		next_lsn = turn->lsn;
		i = turn->older;
	}
	return found;
}
