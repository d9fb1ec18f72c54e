/*
 * told: see told.h. How slots and sessions were is in told_slots.c, what readers were told in told_look.c.
 */
#include <streams/told.h>

/* ---------------------------------------------------------------------------------------------------------------- refusals */

/* CLAIM does not say why. */
static uint64_t refused_claim(const struct witness *witness, const struct told *told, uint32_t slot,
			      struct wanted wanted, uint64_t from)
{
	static const enum wanted_kind kinds[] = {WANTED_TAKEN, WANTED_HELD, WANTED_BLOCKED};
	uint64_t first = TOLD_NOWHERE;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		wanted.kind = kinds[i];
		const uint64_t lsn = told_slot(witness, told, slot, &wanted, from);
		first = lsn < first ? lsn : first;
	}
	return first;
}

/* Why a slot was refused to who claims it, or (client TOLD_NOBODY) to a session that is to move there. */
static uint64_t refused_slot(const struct witness *witness, const struct told *told, uint32_t slot,
			     enum answer_code code, struct wanted wanted, uint64_t from)
{
	switch (code) {
	case ANSWER_TAKEN:
		wanted.kind = WANTED_TAKEN;
		return told_slot(witness, told, slot, &wanted, from);
	case ANSWER_HELD:
		wanted.kind = WANTED_HELD;
		return told_slot(witness, told, slot, &wanted, from);
	case ANSWER_LOST:
		return refused_claim(witness, told, slot, wanted, from);
	case ANSWER_BLOCKED:
		wanted.kind = WANTED_BLOCKED;
		return told_slot(witness, told, slot, &wanted, from);
	case ANSWER_NOSLOT:
		wanted.kind = WANTED_GONE;
		return witness_has_started(witness, slot) ? TOLD_NOWHERE
							  : told_slot(witness, told, slot, &wanted, from);
	case ANSWER_PAST:
		return witness_has_started(witness, slot) ? from : TOLD_NOWHERE;
	case ANSWER_LIMIT:
		return wanted.holds ? told_many_holds(witness, told, from) : TOLD_NOWHERE;
	default:
		return TOLD_NOWHERE;
	}
}

/* What a status may be from which the command is refused. */
static const char *refusing_letters(const struct witness *witness, const struct op_part *part)
{
	const uint32_t story = witness_story(witness, part->session);
	const bool started =
	    story != WITNESS_NONE &&
	    witness_has_started(witness, witness_turn(witness, witness_story_at(witness, story)->newest)->slot);
	switch (part->verb) {
	case OP_COMMIT:
		return "xyn";
	case OP_RENEW:
		return "brcxyn";
	case OP_CONFIRM:
		return "hxyn";
	case OP_CANCEL:
		return "yn";
	case OP_RESCHEDULE:
		return "hxyn";
	default:
		/* It may have been moved since. */
		return started ? "hxbrc" : "hxbrc";
	}
}

static uint64_t refused_session(const struct witness *witness, const struct op_part *part, enum answer_code code,
				uint64_t from)
{
	uint64_t lsn;
	switch (code) {
	case ANSWER_NOSESSION:
		return told_no_session(witness, part->session, from);
	case ANSWER_EXPIRED:
		return told_session(witness, part->session, "e", WITNESS_NONE, from);
	case ANSWER_STATE:
		lsn = told_session(witness, part->session, refusing_letters(witness, part), WITNESS_NONE, from);
		if (part->verb == OP_RESCHEDULE) {
			const uint64_t there = told_session(witness, part->session, "bc", part->slot, from);
			lsn = there < lsn ? there : lsn;
		}
		return lsn;
	default:
		return TOLD_NOWHERE;
	}
}

/* The first slot of `but`: only EXEC has cancellations before. */
static struct wanted wanted_by(const struct told *told, uint32_t part)
{
	const struct op *op = told->op;
	const bool several = op->verb == OP_EXEC || op->verb == OP_BOOKALL || op->verb == OP_BOOKANY;
	return (struct wanted){
	    .client = op->client, .holds = op->parts[part].verb == OP_HOLD, .but = several ? op : NULL, .part = part};
}

/* May an earlier part of the MULTI have changed the session this one is about? */
static bool is_changed_before(const struct op *op, uint32_t part)
{
	for (uint32_t i = 0; i < part; i++) {
		/* What a claim has, or made of its client's hold, nobody is told of a MULTI that is refused. */
		if (op->parts[i].verb <= OP_HOLD || op->parts[i].session == op->parts[part].session) {
			return op->verb == OP_EXEC && op->parts[part].verb > OP_HOLD;
		}
	}
	return false;
}

static uint64_t refused_move(const struct witness *witness, const struct told *told, uint32_t number,
			     enum answer_code code, uint64_t from)
{
	const struct op_part *part = &told->op->parts[number];
	if (code == ANSWER_STATE || code == ANSWER_EXPIRED || code == ANSWER_NOSESSION) {
		return refused_session(witness, part, code, from);
	}
	const uint64_t session = is_changed_before(told->op, number)
				     ? from
				     : told_session(witness, part->session, "brc", WITNESS_NONE, from);
	struct wanted wanted = wanted_by(told, number);
	wanted.client = TOLD_NOBODY;
	return told_later(session, refused_slot(witness, told, part->slot, code, wanted, from));
}

static uint64_t refused_part(const struct witness *witness, const struct told *told, uint32_t part,
			     enum answer_code code, uint64_t from)
{
	const struct op_part *asked = &told->op->parts[part];
	if (code == ANSWER_ERR && told->op->verb == OP_EXEC && part > 0) {
		return from; /* an earlier part changed its session: which that is, nobody is told */
	}
	if (code == ANSWER_STATE && is_changed_before(told->op, part)) {
		return from;
	}
	if (asked->verb == OP_RESCHEDULE) {
		return refused_move(witness, told, part, code, from);
	}
	return asked->verb > OP_HOLD ? refused_session(witness, asked, code, from)
				     : refused_slot(witness, told, asked->slot, code, wanted_by(told, part), from);
}

static uint64_t refused_series(const struct witness *witness, const struct told *told, uint64_t from)
{
	uint64_t last = from;
	for (uint32_t i = 0; i < told->op->part_count && last != TOLD_NOWHERE; i++) {
		const enum answer_code code = told->answer->refused[i];
		struct wanted wanted = wanted_by(told, i);
		wanted.kind = WANTED_CLAIMABLE;
		last = told_later(last, code != ANSWER_UNKNOWN
					    ? refused_part(witness, told, i, code, from)
					    : told_slot(witness, told, told->op->parts[i].slot, &wanted, from));
	}
	return last;
}

static uint64_t refused(const struct witness *witness, const struct told *told, uint64_t from)
{
	const struct op *op = told->op;
	const struct answer *answer = told->answer;
	switch (op->verb) {
	case OP_BOOK:
	case OP_CLAIM:
	case OP_HOLD:
		return told_later(refused_part(witness, told, 0, answer->code, from),
				  told_alternatives_of_error(witness, told, from));
	case OP_BOOKANY:
		return refused_part(witness, told, 0, answer->code, from);
	case OP_BOOKALL:
		return refused_series(witness, told, from);
	case OP_EXEC:
		return refused_part(witness, told, answer->part, answer->refused[answer->part], from);
	case OP_RESCHEDULE:
		return refused_part(witness, told, 0, answer->code, from);
	case OP_SESSION:
		return answer->code == ANSWER_NOSESSION ? told_no_session(witness, op->parts[0].session, from)
							: TOLD_NOWHERE;
	default:
		return op->verb <= OP_NOSHOW ? refused_session(witness, &op->parts[0], answer->code, from)
					     : TOLD_NOWHERE;
	}
}

/* -------------------------------------------------------------------------------------------------------------------- done */

/* What was claimed is the client's; or was, and a part behind it made something else of it. */
static uint64_t done_claim(const struct witness *witness, const struct told *told, uint32_t number,
			   const struct wanted *wanted, uint64_t from)
{
	const uint64_t lsn = told_slot(witness, told, told->op->parts[number].slot, wanted, from);
	if (lsn == from || told->op->verb != OP_EXEC) {
		return lsn;
	}
	const uint64_t changed = told_claimed_and_changed(witness, told, number, wanted, from);
	return changed < lsn ? changed : lsn;
}

/* What a part left behind. */
static uint64_t done_part(const struct witness *witness, const struct told *told, uint32_t number, uint64_t session,
			  uint64_t from)
{
	static const char *const letters[OP_VERBS] = {[OP_COMMIT] = "brc", [OP_CONFIRM] = "c", [OP_CANCEL] = "x",
						      [OP_COMPLETE] = "y", [OP_NOSHOW] = "n",  [OP_RESCHEDULE] = "r"};
	const struct op_part *part = &told->op->parts[number];
	struct wanted wanted = {.kind = WANTED_OWN, .client = told->op->client, .session = session};
	for (uint32_t later = number + 1; later < told->op->part_count; later++) {
		if (part->session != 0 && told->op->parts[later].session == part->session) {
			return from; /* it stood already, as a session is changed once; the later part says what is left */
		}
	}
	switch (part->verb) {
	case OP_HOLD:
		wanted.expires_ms = told->answer->numbers[number];
		wanted.kind = wanted.expires_ms != 0 ? WANTED_OWN_HOLD : WANTED_OWN;
		return done_claim(witness, told, number, &wanted, from);
	case OP_BOOK:
	case OP_CLAIM:
		return done_claim(witness, told, number, &wanted, from);
	case OP_RENEW:
		return told_renewed(witness, part->session, told->answer->numbers[number], from);
	case OP_RESCHEDULE:
		return told_session(witness, part->session, "r", part->slot, from);
	default:
		return told_session(witness, part->session, letters[part->verb], WITNESS_NONE, from);
	}
}

/* All parts at one lsn. */
static uint64_t done_together(const struct witness *witness, const struct told *told, uint64_t from)
{
	uint64_t lsn = from;
	bool moved = true;
	while (moved && lsn != TOLD_NOWHERE) {
		moved = false;
		for (uint32_t i = 0; i < told->op->part_count && lsn != TOLD_NOWHERE; i++) {
			const uint64_t next = done_part(witness, told, i, told->answer->sessions[i], lsn);
			moved = moved || next > lsn;
			lsn = next;
		}
	}
	return lsn;
}

/* A calendar was taken in, unless one of a later generation had been. */
static uint64_t done_busy(const struct witness *witness, const struct op *op, uint64_t from)
{
	const struct sync *syncs = witness->syncs.items;
	const uint32_t psychologist = witness->agenda->slots[op->parts[0].slot].psychologist_number;
	for (size_t i = 0; i < witness->syncs.count; i++) {
		if (syncs[i].psychologist == psychologist && syncs[i].generation >= op->number) {
			return told_later(from, syncs[i].lsn);
		}
	}
	return TOLD_NOWHERE;
}

static uint64_t done_hours(const struct witness *witness, const struct told *told, uint64_t from)
{
	const struct wanted wanted = {.kind = told->op->verb == OP_OPEN       ? WANTED_THERE
					      : told->answer->numbers[0] != 0 ? WANTED_GONE
									      : WANTED_STUCK};
	return told->answer->numbers[0] <= 1 ? told_slot(witness, told, told->op->parts[0].slot, &wanted, from)
					     : TOLD_NOWHERE;
}

static uint64_t done(const struct witness *witness, const struct told *told, uint64_t from)
{
	const struct op *op = told->op;
	switch (op->verb) {
	case OP_BOOKANY:
		return done_part(witness, told, told->answer->part, told->answer->sessions[0], from);
	case OP_BOOKALL:
	case OP_EXEC:
		return done_together(witness, told, from);
	case OP_OPEN:
	case OP_CLOSE:
		return done_hours(witness, told, from);
	case OP_BUSY:
		return done_busy(witness, op, from);
	default:
		return op->verb >= OP_SLOT ? told_look(witness, told, from)
					   : done_part(witness, told, 0, told->answer->sessions[0], from);
	}
}

uint64_t told_place(const struct witness *witness, const struct told *told, uint64_t from)
{
	switch (told->answer->code) {
	case ANSWER_BROKEN:
	case ANSWER_OVERLAP: /* the slots of the agenda never do */
		return TOLD_NOWHERE;
	case ANSWER_UNKNOWN:
		return from;
	case ANSWER_DONE:
		return done(witness, told, from);
	default:
		return refused(witness, told, from);
	}
}
