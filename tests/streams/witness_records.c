/*
 * witness_records: is a record allowed in the state that those before it have made? See witness.h.
 */
#include <history/answer.h>
#include <streams/witness.h>

static bool refuse(struct error *error, const struct record *record, uint64_t lsn, const char *why)
{
	return error_set(error, ERROR_INVALID, "the %s at lsn %llu, of session %llu, is not allowed: %s",
			 record_type_name(record->type), (unsigned long long)lsn, (unsigned long long)record->session,
			 why);
}

/* Does the client really hold as many as it may, also in a second? Its holds that end meanwhile may have been over when
 * they were counted. */
static bool has_many_holds(struct witness *witness, uint32_t client, uint64_t now_ms)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < witness->agenda->count; i++) {
		struct model_slot slot;
		struct model_session session;
		count += model_slot(&witness->model, witness_key(witness, i), &slot) && slot.client == client &&
			 model_session(&witness->model, slot.session, &session) && session.status == SESSION_HELD &&
			 session.expires_ms > now_ms + 1000;
	}
	return count >= WITNESS_HOLDS_PER_CLIENT;
}

static enum model_outcome try_claim(struct witness *witness, const struct record *record, uint32_t slot,
				    uint32_t client, bool *changed)
{
	uint64_t session = record->session;
	const uint64_t key = witness_key(witness, slot);
	return record->type == RECORD_HOLD
		   ? model_hold(&witness->model, key, client, record->hold_seconds, &session, changed)
		   : model_book(&witness->model, key, client, &session, changed);
}

/* The same, whatever calendars say: it may be that they said it a moment ago. */
static enum model_outcome claim_late(struct witness *witness, const struct record *record, uint32_t slot,
				     uint32_t client, uint64_t lsn, bool *changed)
{
	const size_t count = witness->model.interval_count;
	witness->model.interval_count = 0;
	const enum model_outcome outcome = try_claim(witness, record, slot, client, changed);
	witness->model.interval_count = count;
	const struct late_claim late = {lsn, witness->agenda->slots[slot].psychologist_number};
	list_add(&witness->late_claims, &late, sizeof late);
	return outcome;
}

static bool apply_claim(struct witness *witness, const struct record *record, uint64_t lsn, struct error *error)
{
	uint32_t client;
	struct model_slot found;
	const uint32_t slot = witness_slot(witness, record->psychologist, record->day, record->minute);
	if (slot == witness->agenda->count || !answer_client(record->client, &client)) {
		return refuse(error, record, lsn, "nobody asks for such a slot, or client");
	}
	if (model_session_number(&witness->model, record->session) != 0) {
		return refuse(error, record, lsn, "the session is there already");
	}
	if (model_slot(&witness->model, witness_key(witness, slot), &found) && found.client != 0) {
		return refuse(error, record, lsn, "the slot is another session's");
	}
	bool changed;
	enum model_outcome outcome = try_claim(witness, record, slot, client + 1, &changed);
	if (outcome == MODEL_BLOCKED) {
		outcome = claim_late(witness, record, slot, client + 1, lsn, &changed);
	}
	if (outcome == MODEL_LIMIT && !has_many_holds(witness, client + 1, record->at_ms)) {
		witness->model.holds_per_client = 0;
		outcome = try_claim(witness, record, slot, client + 1, &changed);
		witness->model.holds_per_client = WITNESS_HOLDS_PER_CLIENT;
	}
	if (outcome != MODEL_DONE || !changed) {
		return refuse(error, record, lsn, model_outcome_name(outcome));
	}
	witness_note_session(witness, record->session, record, lsn);
	return true;
}

static enum model_outcome change(struct witness *witness, const struct record *record, bool *changed)
{
	static const enum life_command commands[] = {[SESSION_BOOKED] = LIFE_COMMIT,
						     [SESSION_CONFIRMED] = LIFE_CONFIRM,
						     [SESSION_COMPLETED] = LIFE_COMPLETE,
						     [SESSION_NO_SHOW] = LIFE_NO_SHOW};
	const uint32_t story = witness_story(witness, record->session);
	if (story == WITNESS_NONE) {
		return MODEL_NOSESSION;
	}
	const uint32_t slot = witness_turn(witness, witness_story_at(witness, story)->newest)->slot;
	const unsigned facts = witness_has_started(witness, slot) ? LIFE_HAS_STARTED : 0;
	*changed = true;
	if (record->type == RECORD_CANCEL) {
		return model_change(&witness->model, record->session, LIFE_CANCEL, facts, changed);
	}
	if (record->status == SESSION_EXPIRED) {
		return model_expire(&witness->model, record->session) ? MODEL_DONE : MODEL_STATE;
	}
	if (record->status == SESSION_HELD) {
		return model_renew(&witness->model, record->session, record->hold_seconds);
	}
	return model_change(&witness->model, record->session, commands[record->status], facts, changed);
}

static bool apply_change(struct witness *witness, const struct record *record, uint64_t lsn, struct error *error)
{
	bool changed = false;
	const enum model_outcome outcome = change(witness, record, &changed);
	if (outcome != MODEL_DONE || !changed) {
		return refuse(error, record, lsn, changed ? model_outcome_name(outcome) : "it changes nothing");
	}
	witness_note_session(witness, record->session, record, lsn);
	return true;
}

static bool apply_move(struct witness *witness, const struct record *record, uint64_t lsn, struct error *error)
{
	const uint32_t to = witness_slot(witness, record->psychologist, record->day, record->minute);
	const uint32_t from = witness_slot(witness, record->from.psychologist, record->from.day, record->from.minute);
	const uint32_t story = witness_story(witness, record->session);
	if (story == WITNESS_NONE || to == witness->agenda->count ||
	    witness_turn(witness, witness_story_at(witness, story)->newest)->slot != from) {
		return refuse(error, record, lsn, "the session is not where it is said to be");
	}
	bool changed;
	struct model_slot found;
	if (model_slot(&witness->model, witness_key(witness, to), &found) && found.client != 0) {
		return refuse(error, record, lsn, "the slot is another session's");
	}
	enum model_outcome outcome = model_move(&witness->model, record->session, witness_key(witness, to), &changed);
	if (outcome == MODEL_BLOCKED) {
		const size_t count = witness->model.interval_count;
		const struct late_claim late = {lsn, witness->agenda->slots[to].psychologist_number};
		witness->model.interval_count = 0;
		outcome = model_move(&witness->model, record->session, witness_key(witness, to), &changed);
		witness->model.interval_count = count;
		list_add(&witness->late_claims, &late, sizeof late);
	}
	if (outcome != MODEL_DONE || !changed) {
		return refuse(error, record, lsn, model_outcome_name(outcome));
	}
	witness_note_session(witness, record->session, record, lsn);
	witness_note_slot(witness, from, lsn);
	return true;
}

static bool apply_hours(struct witness *witness, const struct record *record, uint64_t lsn, struct error *error)
{
	for (uint16_t i = 0; i < record->slot_count; i++) {
		const struct record_slot at = record_slot(record, i);
		const uint32_t slot = witness_slot(witness, record->psychologist, at.day, at.minute);
		bool changed = true;
		enum model_outcome outcome = MODEL_NOSLOT;
		if (slot != witness->agenda->count) {
			outcome =
			    record->type == RECORD_OPEN
				? model_open(&witness->model, witness_key(witness, slot), record->minutes, &changed)
				: model_close(&witness->model, witness_key(witness, slot));
		}
		if (outcome != MODEL_DONE || !changed) {
			return refuse(error, record, lsn, model_outcome_name(outcome));
		}
		witness_note_slot(witness, slot, lsn);
	}
	witness->removed_lsn = record->type == RECORD_CLOSE ? lsn : witness->removed_lsn;
	return true;
}

static bool apply_busy(struct witness *witness, const struct record *record, uint64_t lsn, struct error *error)
{
	uint32_t first = 0;
	while (first < witness->agenda->count &&
	       !span_equal(record->psychologist, span_of(witness->agenda->slots[first].psychologist))) {
		first++;
	}
	struct model_interval busy[8];
	bool changed;
	if (first == witness->agenda->count || record->busy_count > sizeof busy / sizeof busy[0]) {
		return refuse(error, record, lsn, "nobody sends such a calendar");
	}
	const uint32_t psychologist = witness->agenda->slots[first].psychologist_number;
	for (uint16_t i = 0; i < record->busy_count; i++) {
		const struct record_busy interval = record_busy(record, i);
		busy[i] = (struct model_interval){psychologist, 1, interval.start, interval.end};
	}
	if (!model_update_busy(&witness->model, &busy[0], record->generation, busy + 1, record->busy_count - 1u,
			       &changed) ||
	    !changed) {
		return refuse(error, record, lsn, "it changes nothing");
	}
	list_add(&witness->syncs,
		 &(struct sync){.lsn = lsn,
				.until_lsn = UINT64_MAX,
				.generation = record->generation,
				.at_ms = record->at_ms,
				.psychologist = psychologist},
		 sizeof(struct sync));
	for (uint32_t i = 0; i < witness->agenda->count; i++) {
		if (witness->agenda->slots[i].psychologist_number == psychologist) {
			witness_note_slot(witness, i, lsn);
		}
	}
	return true;
}

static bool apply(struct witness *witness, const struct record *record, uint64_t lsn, struct error *error)
{
	/* Nothing is over for the model before the log says so. */
	witness->model.hold_now_ms = record->at_ms;
	switch (record->type) {
	case RECORD_BOOK:
	case RECORD_HOLD:
		return apply_claim(witness, record, lsn, error);
	case RECORD_CANCEL:
	case RECORD_STATUS:
		return apply_change(witness, record, lsn, error);
	case RECORD_MOVE:
		return apply_move(witness, record, lsn, error);
	case RECORD_OPEN:
		return apply_hours(witness, record, lsn, error);
	case RECORD_CLOSE:
		witness->model.hold_now_ms = 0;
		return apply_hours(witness, record, lsn, error);
	case RECORD_BUSY:
		return apply_busy(witness, record, lsn, error);
	default:
		return refuse(error, record, lsn, "nobody asks for that");
	}
}

bool witness_record(struct witness *witness, const struct record *record, uint64_t lsn, struct error *error)
{
	if (lsn != witness->lsn + 1) {
		return refuse(error, record, lsn, "it does not follow the one before");
	}
	witness->model.now_day = witness->started ? witness->near_day + 1u : 0;
	witness->lsn = lsn;
	if (record->type != RECORD_GROUP) {
		return apply(witness, record, lsn, error);
	}
	struct span rest = record->members;
	struct record member;
	while (record_next_member(&rest, &member)) {
		if (!apply(witness, &member, lsn, error)) {
			return false;
		}
	}
	return true;
}
