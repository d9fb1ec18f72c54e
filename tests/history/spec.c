/*
 * spec: see spec.h.
 */
#include <history/spec.h>

/* Of one step. */
struct trial {
	const struct spec *spec;
	struct spec_state *state;
	const struct step *step;
	bool changed;
};

static struct spec_session *occupant(const struct trial *trial, uint32_t slot)
{
	const uint16_t number = trial->state->occupants[slot];
	return number != 0 ? &trial->state->sessions[number - 1] : NULL;
}

/* No session somebody was told of; then there is none for this part of the history. */
#define NOBODYS UINT32_MAX

/* The number of a session, or NOBODYS. */
static uint32_t number_of(const struct spec *spec, uint64_t id)
{
	uint32_t low = 0;
	uint32_t high = spec->id_count;
	while (low < high) {
		const uint32_t middle = (low + high) / 2;
		if (spec->ids[middle] < id) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low < spec->id_count && spec->ids[low] == id ? low : NOBODYS;
}

/* A hold that ended before the step began cannot be seen by it any more. */
static bool is_seen(const struct trial *trial, const struct spec_session *session)
{
	return session->status != SESSION_HELD || session->loose ||
	       trial->step->invoked_ms < session->expires_ms + SPEC_SLACK_MS;
}

static void set_status(struct trial *trial, struct spec_session *session, enum session_status status)
{
	if (!session_occupies(status) && session_occupies(session->status)) {
		trial->state->occupants[session->slot] = 0;
	}
	session->status = status & 127u;
	session->loose = false;
	session->expires_ms = 0;
	session->version++;
	trial->changed = true;
}

void spec_expire(struct spec_state *state, uint32_t session)
{
	struct trial trial = {.state = state};
	set_status(&trial, &state->sessions[session], SESSION_EXPIRED);
}

/* The session in the slot is the one with this id, which is a matter of giving it its name if nobody had been told. */
static bool has_id(struct trial *trial, uint32_t slot, uint64_t id)
{
	const uint32_t number = number_of(trial->spec, id);
	const uint32_t is = trial->state->occupants[slot] - 1u;
	if (is == number || number == NOBODYS) {
		return is == number;
	}
	struct spec_session *named = &trial->state->sessions[number];
	if (is < trial->spec->id_count || named->status != SESSION_FREE) {
		return false;
	}
	*named = trial->state->sessions[is];
	trial->state->sessions[is] = (struct spec_session){0};
	trial->state->occupants[slot] = (uint16_t)(number + 1);
	trial->changed = true;
	return true;
}

/* A hold of the step's own making or renewing: its end is what was answered, which must be about what was asked for. */
static bool set_expiry(const struct trial *trial, struct spec_session *session, uint32_t part)
{
	const struct step *step = trial->step;
	const uint64_t least_ms = step->invoked_ms + trial->spec->second_ns * step->op->seconds / 1000000;
	session->loose = step->answer->code == ANSWER_UNKNOWN;
	session->expires_ms = session->loose ? least_ms : step->answer->numbers[part];
	const uint64_t took_ms = session->loose ? 0 : (step->returned_ns - step->invoked_ns) / 1000000;
	return session->expires_ms + SPEC_SLACK_MS >= least_ms &&
	       session->expires_ms <= least_ms + took_ms + SPEC_SLACK_MS;
}

static bool make_session(struct trial *trial, uint32_t slot, uint64_t id, uint32_t part, bool held)
{
	const uint32_t number = id != 0 ? number_of(trial->spec, id) : trial->step->nameless + part;
	if (number == NOBODYS || trial->state->sessions[number].status != SESSION_FREE) {
		return false;
	}
	struct spec_session *session = &trial->state->sessions[number];
	*session = (struct spec_session){
	    .status = held ? SESSION_HELD : SESSION_BOOKED,
	    .slot = (uint8_t)slot,
	    .version = 1,
	    .client = trial->step->op->client,
	};
	trial->state->occupants[slot] = (uint16_t)(number + 1);
	trial->changed = true;
	return !held || set_expiry(trial, session, part);
}

/* What is said to a client who asks for the slot. */
static enum answer_code look(const struct trial *trial, uint32_t slot)
{
	const struct spec_session *session = occupant(trial, slot);
	if (session == NULL) {
		return ANSWER_DONE;
	}
	if (session->client == trial->step->op->client) {
		return ANSWER_DONE;
	}
	return session->status == SESSION_HELD ? ANSWER_HELD : ANSWER_TAKEN;
}

static bool fits(enum answer_code told, enum answer_code code)
{
	return told == code || (told == ANSWER_LOST && (code == ANSWER_TAKEN || code == ANSWER_HELD)) ||
	       (told == ANSWER_UNKNOWN && code == ANSWER_DONE);
}

/* The client gets the slot, or has it already. */
static bool claim(struct trial *trial, uint32_t part, uint32_t slot, uint64_t id)
{
	const enum op_verb verb = trial->step->op->parts[part].verb;
	struct spec_session *session = occupant(trial, slot);
	if (session == NULL) {
		return make_session(trial, slot, id, part, verb == OP_HOLD);
	}
	if (id != 0 && !has_id(trial, slot, id)) {
		return false;
	}
	session = occupant(trial, slot);
	if (verb != OP_HOLD) {
		if (session->status == SESSION_HELD) {
			set_status(trial, session, SESSION_BOOKED);
		}
		return true;
	}
	const uint64_t told_ms = trial->step->answer->numbers[part];
	if (session->loose && told_ms != 0) {
		session->loose = false;
		session->expires_ms = told_ms;
		trial->changed = true;
	}
	return told_ms == session->expires_ms || trial->step->answer->code == ANSWER_UNKNOWN;
}

static bool book(struct trial *trial, uint32_t part)
{
	const struct step *step = trial->step;
	const uint32_t slot = step->op->parts[part].slot;
	const struct spec_session *session = occupant(trial, slot);
	if (session != NULL && !is_seen(trial, session)) {
		return false;
	}
	const enum answer_code code = look(trial, slot);
	return fits(step->answer->code, code) &&
	       (code != ANSWER_DONE || claim(trial, part, slot, step->answer->sessions[part]));
}

static bool move(struct trial *trial, struct spec_session *session, uint32_t slot, enum answer_code *code)
{
	const struct spec_session *other = occupant(trial, slot);
	if (session->slot == slot) {
		*code = session->status == SESSION_RESCHEDULED ? ANSWER_DONE : ANSWER_STATE;
	} else if (other != NULL) {
		*code = other->status == SESSION_HELD ? ANSWER_HELD : ANSWER_TAKEN;
		return is_seen(trial, other);
	} else {
		trial->state->occupants[slot] = trial->state->occupants[session->slot];
		trial->state->occupants[session->slot] = 0;
		session->slot = (uint8_t)slot;
		set_status(trial, session, SESSION_RESCHEDULED);
		*code = ANSWER_DONE;
	}
	return true;
}

/* A session that is held, or (`held` false) booked, rescheduled or confirmed, gets what is asked for. */
static bool do_change(struct trial *trial, const struct op_part *part, struct spec_session *session,
		      enum answer_code *code)
{
	const bool held = session->status == SESSION_HELD;
	const bool stands =
	    (part->verb == OP_COMMIT && !held) || (part->verb == OP_CONFIRM && session->status == SESSION_CONFIRMED);
	*code = ANSWER_DONE;
	if (stands) {
		return true;
	}
	if (part->verb == OP_CANCEL) {
		set_status(trial, session, SESSION_CANCELLED);
	} else if (part->verb == OP_COMMIT) {
		set_status(trial, session, SESSION_BOOKED);
	} else if (part->verb == OP_CONFIRM && !held) {
		set_status(trial, session, SESSION_CONFIRMED);
	} else if (part->verb == OP_RESCHEDULE && !held) {
		return move(trial, session, part->slot, code);
	} else if (part->verb == OP_RENEW && held) {
		session->version++;
		trial->changed = true;
		return set_expiry(trial, session, (uint32_t)(part - trial->step->op->parts));
	} else {
		*code = ANSWER_STATE; /* COMPLETE, NOSHOW: no slot has started */
	}
	return true;
}

static bool change(struct trial *trial, const struct op_part *part, enum answer_code told)
{
	const uint32_t number = number_of(trial->spec, part->session);
	if (number == NOBODYS) {
		return fits(told, ANSWER_NOSESSION);
	}
	struct spec_session *session = &trial->state->sessions[number];
	enum answer_code code = ANSWER_STATE;
	if (!is_seen(trial, session)) {
		return false;
	}
	if (session->status == SESSION_FREE) {
		code = ANSWER_NOSESSION;
	} else if (session->status == SESSION_EXPIRED) {
		code = ANSWER_EXPIRED;
	} else if (session->status == SESSION_CANCELLED && part->verb == OP_CANCEL) {
		code = ANSWER_DONE;
	} else if (session_occupies(session->status) && !do_change(trial, part, session, &code)) {
		return false;
	}
	return fits(told, code);
}

static bool read_slot(struct trial *trial)
{
	const uint32_t slot = trial->step->op->parts[0].slot;
	const struct answer_slot *seen = &trial->step->slot;
	const struct spec_session *session = occupant(trial, slot);
	if (session == NULL) {
		return seen->status == ANSWER_SLOT_OPEN;
	}
	return is_seen(trial, session) &&
	       seen->status == (session->status == SESSION_HELD ? ANSWER_SLOT_HELD : ANSWER_SLOT_BOOKED) &&
	       seen->session != 0 && has_id(trial, slot, seen->session);
}

static bool read_session(struct trial *trial)
{
	const struct answer_session *seen = &trial->step->session;
	const uint32_t number = number_of(trial->spec, trial->step->op->parts[0].session);
	if (number == NOBODYS || trial->state->sessions[number].status == SESSION_FREE || seen->id == 0) {
		return (number == NOBODYS || trial->state->sessions[number].status == SESSION_FREE) && seen->id == 0;
	}
	const struct spec_session *session = &trial->state->sessions[number];
	return is_seen(trial, session) && seen->id == trial->spec->ids[number] && seen->status == session->status &&
	       seen->version == session->version && seen->client == session->client && seen->slot == session->slot;
}

/* Of a BOOKANY, the one that was answered. Without an answer: the first that is the client's, or that could be had. */
static uint32_t chosen_part(const struct trial *trial)
{
	const struct op *op = trial->step->op;
	uint32_t chosen = op->part_count;
	if (trial->step->answer->code != ANSWER_UNKNOWN) {
		return trial->step->answer->part;
	}
	for (uint32_t part = 0; part < op->part_count; part++) {
		const struct spec_session *session = occupant(trial, op->parts[part].slot);
		if (session != NULL && session->client == op->client) {
			return part;
		}
		chosen = chosen == op->part_count && session == NULL ? part : chosen;
	}
	return chosen < op->part_count ? chosen : 0;
}

static bool apply_whole(struct trial *trial)
{
	const struct op *op = trial->step->op;
	bool good = true;
	if (op->verb == OP_SLOT) {
		return read_slot(trial);
	}
	if (op->verb == OP_SESSION) {
		return read_session(trial);
	}
	if (op->verb == OP_BOOKANY) {
		const uint32_t part = chosen_part(trial);
		const uint32_t slot = op->parts[part].slot;
		return look(trial, slot) == ANSWER_DONE && claim(trial, part, slot, trial->step->answer->sessions[0]);
	}
	for (uint32_t i = 0; i < op->part_count && good; i++) {
		const bool by_slot = op->verb == OP_BOOKALL || op->parts[i].verb <= OP_HOLD;
		good = by_slot ? book(trial, i) : change(trial, &op->parts[i], trial->step->answer->code);
	}
	return good;
}

/* What a part of a MULTI does to those behind it: no two parts name the same slot or session, so a slot that it books for a
 * client who has nothing there concerns none of them. */
static void foresee(struct trial *trial, const struct op_part *part)
{
	const bool claims = part->verb <= OP_HOLD;
	const uint32_t number =
	    claims ? trial->state->occupants[part->slot] - 1u : number_of(trial->spec, part->session);
	if (number >= trial->spec->session_count) {
		return;
	}
	struct spec_session *session = &trial->state->sessions[number];
	if (claims ? session->client == trial->step->op->client && session->status == SESSION_HELD
		   : part->verb == OP_COMMIT && session->status == SESSION_HELD) {
		set_status(trial, session, SESSION_BOOKED);
	} else if (part->verb == OP_CANCEL && session_occupies(session->status)) {
		set_status(trial, session, SESSION_CANCELLED);
	} else if (part->verb == OP_RESCHEDULE && session->status != SESSION_HELD &&
		   session_occupies(session->status)) {
		trial->state->occupants[session->slot] = 0;
		trial->state->occupants[part->slot] = (uint16_t)(number + 1);
		session->slot = (uint8_t)part->slot;
		set_status(trial, session, SESSION_RESCHEDULED);
	}
}

/* The part of a MULTI by which all of it was refused, on top of those before it. */
static bool apply_refused(const struct trial *trial)
{
	const struct step *step = trial->step;
	const struct op_part *part = &step->op->parts[step->part];
	const enum answer_code refused = step->answer->refused[step->part];
	struct spec_state state;
	spec_copy(trial->spec, &state, trial->state);
	struct trial next = {.spec = trial->spec, .state = &state, .step = step};
	for (uint32_t i = 0; i < step->part; i++) {
		foresee(&next, &step->op->parts[i]);
	}
	if (part->verb <= OP_HOLD) {
		const struct spec_session *session = occupant(&next, part->slot);
		return session != NULL && is_seen(&next, session) && look(&next, part->slot) == refused;
	}
	const uint32_t number = number_of(trial->spec, part->session);
	const bool again =
	    number != NOBODYS && state.sessions[number].version != trial->state->sessions[number].version;
	return change(&next, part, again && refused == ANSWER_ERR ? ANSWER_DONE : refused);
}

static bool apply_look(struct trial *trial)
{
	const struct step *step = trial->step;
	const struct op_part *part = &step->op->parts[step->part];
	if (step->op->verb == OP_EXEC) {
		return apply_refused(trial);
	}
	const struct spec_session *session = occupant(trial, part->slot);
	if (session != NULL && !is_seen(trial, session)) {
		return false;
	}
	const enum answer_code code = look(trial, part->slot);
	if (step->kind == STEP_CLAIMABLE) {
		return code == ANSWER_DONE;
	}
	if (step->kind == STEP_PASSED) {
		return code != ANSWER_DONE;
	}
	return code != ANSWER_DONE && code == step->answer->refused[step->part];
}

enum spec_result spec_apply(const struct spec *spec, struct spec_state *state, const struct step *step)
{
	struct trial trial = {.spec = spec, .state = state, .step = step};
	const bool good = step->kind == STEP_WHOLE ? apply_whole(&trial) : apply_look(&trial);
	const bool nothing = step->answer->code == ANSWER_UNKNOWN && !trial.changed;
	return !good || nothing ? SPEC_IMPOSSIBLE : trial.changed ? SPEC_CHANGES : SPEC_STANDS;
}
