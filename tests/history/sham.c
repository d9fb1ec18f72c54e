/*
 * sham: see sham.h.
 */
#include <base/check.h>
#include <base/clock.h>
#include <history/sham.h>
#include <inttypes.h>
#include <model/random.h>
#include <sched.h>
#include <slot/key.h>

#define DURABLE_EVERY 8 /* changes, where replies do not wait for it */

const char *const sham_bug_names[SHAM_BUGS] = {"sound",        "double-claim", "lost-cancel",
					       "revived-hold", "half-bookall", "torn-bookall",
					       "torn-move",    "early-reply",  "stale-look"};

void sham_init(struct sham *sham, const struct agenda *agenda, enum sham_bug bug, uint64_t seed)
{
	const struct clock clock = clock_real();
	*sham = (struct sham){.agenda = agenda, .bug = bug, .random = seed};
	sham->wall_ms = clock_wall_ms(&clock) - clock_monotonic_ns(&clock) / 1000000;
	lock_init(&sham->lock);
	model_init(&sham->model, false);
	for (uint32_t i = 0; i < agenda->count; i++) {
		const struct agenda_slot *slot = &agenda->slots[i];
		bool opened;
		model_open(&sham->model, key_make(slot->psychologist_number, slot->day, slot->minute), AGENDA_MINUTES,
			   &opened);
	}
	model_copy(&sham->durable, &sham->model);
}

void sham_fini(struct sham *sham)
{
	model_fini(&sham->model);
	model_fini(&sham->durable);
	lock_fini(&sham->lock);
}

static uint64_t key_of(const struct sham *sham, uint32_t index)
{
	const struct agenda_slot *slot = &sham->agenda->slots[index];
	return key_make(slot->psychologist_number, slot->day, slot->minute);
}

static bool one_in(struct sham *sham, uint32_t count) REQUIRES(sham->lock)
{
	return random_below(&sham->random, count) == 0;
}

/* Others get their turn. */
static void pause_for_others(struct sham *sham) REQUIRES(sham->lock)
{
	lock_give(&sham->lock);
	sched_yield();
	lock_take(&sham->lock);
}

static void become(struct model *model, struct model *other)
{
	model_fini(model);
	model_copy(model, other);
}

static void changed(struct sham *sham) REQUIRES(sham->lock)
{
	sham->changes++;
	const bool late = sham->bug == SHAM_EARLY_REPLY || sham->bug == SHAM_STALE_LOOK;
	if (!late || sham->changes % DURABLE_EVERY == 0) {
		become(&sham->durable, &sham->model);
	}
}

void sham_crash(struct sham *sham)
{
	lock_take(&sham->lock);
	become(&sham->model, &sham->durable);
	lock_give(&sham->lock);
}

/* ---------------------------------------------------------------------------------------------------------------- replies */

static const char *code_of(enum model_outcome outcome)
{
	return outcome == MODEL_EARLY || outcome == MODEL_THERE ? "STATE" : model_outcome_name(outcome);
}

static void say(struct buffer *out, enum model_outcome outcome)
{
	buffer_format(out, "-%s so it is\n", code_of(outcome));
}

static void say_text(struct buffer *out, const char *text)
{
	buffer_format(out, "$%zu\n%s\n", strlen(text), text);
}

/* In the recorder's milliseconds. */
static uint64_t real_ms(const struct sham *sham, uint64_t sham_ms)
{
	return sham->wall_ms + sham_ms * (SHAM_SECOND_NS / 1000) / 1000000;
}

/* --------------------------------------------------------------------------------------------------------------- requests */

/* The model's client numbers are not 0. */
static uint32_t client_of(const struct op *op)
{
	return op->client + 1;
}

static void take_by_force(struct sham *sham, uint64_t key, uint32_t client, uint64_t *session)
{
	struct model_slot slot;
	bool done;
	if (model_slot(&sham->model, key, &slot) && slot.client != 0 && slot.client != client) {
		/* The other goes on believing that it has the slot. */
		for (size_t i = 0; i < sham->model.slot_count; i++) {
			if (sham->model.slots[i].key == key) {
				sham->model.slots[i].client = 0;
			}
		}
	}
	model_book(&sham->model, key, client, session, &done);
}

static enum model_outcome book(struct sham *sham, const struct op *op, uint32_t part, uint64_t *session)
    REQUIRES(sham->lock)
{
	const uint64_t key = key_of(sham, op->parts[part].slot);
	struct model_slot slot;
	bool done;
	*session = ++sham->session;
	const bool is_free = model_slot(&sham->model, key, &slot) && slot.client == 0;
	if (sham->bug == SHAM_DOUBLE_CLAIM && is_free && op->verb == OP_BOOK) {
		pause_for_others(sham);
		take_by_force(sham, key, client_of(op), session);
		changed(sham);
		return MODEL_DONE;
	}
	const enum model_outcome outcome = model_book(&sham->model, key, client_of(op), session, &done);
	changed(sham);
	return outcome;
}

static const enum life_command commands[OP_VERBS] = {[OP_COMMIT] = LIFE_COMMIT,
						     [OP_CONFIRM] = LIFE_CONFIRM,
						     [OP_CANCEL] = LIFE_CANCEL,
						     [OP_COMPLETE] = LIFE_COMPLETE,
						     [OP_NOSHOW] = LIFE_NO_SHOW};

/* The slot's again, whoever was told what. */
static bool revive(struct sham *sham, uint64_t id)
{
	struct model_session session;
	if (!model_session(&sham->model, id, &session) || session.status != SESSION_EXPIRED) {
		return false;
	}
	for (size_t i = 0; i < sham->model.slot_count; i++) {
		struct model_slot *slot = &sham->model.slots[i];
		if (slot->key == session.key && slot->client == 0) {
			slot->client = session.client;
			slot->session = id;
			for (size_t at = 0; at < sham->model.session_count; at++) {
				if (sham->model.sessions[at].id == id) {
					sham->model.sessions[at].status = SESSION_BOOKED;
				}
			}
			return true;
		}
	}
	return false;
}

static enum model_outcome change(struct sham *sham, const struct op *op, const struct op_part *part)
    REQUIRES(sham->lock)
{
	bool done;
	if (part->verb == OP_CANCEL && sham->bug == SHAM_LOST_CANCEL && op->verb == OP_CANCEL && one_in(sham, 4)) {
		struct model_session session;
		const bool there = model_session(&sham->model, part->session, &session);
		return !there ? MODEL_NOSESSION : session_occupies(session.status) ? MODEL_DONE : MODEL_STATE;
	}
	if (part->verb == OP_COMMIT && sham->bug == SHAM_REVIVED_HOLD && revive(sham, part->session)) {
		changed(sham);
		return MODEL_DONE;
	}
	model_expire(&sham->model, part->session);
	const enum model_outcome outcome = model_change(&sham->model, part->session, commands[part->verb], 0, &done);
	changed(sham);
	return outcome;
}

static void move(struct sham *sham, const struct op *op, struct buffer *out) REQUIRES(sham->lock)
{
	const struct op_part *part = &op->parts[0];
	const uint64_t key = key_of(sham, part->slot);
	struct model_session session;
	struct model_slot slot;
	bool done;
	if (sham->bug == SHAM_TORN_MOVE && model_session(&sham->model, part->session, &session) &&
	    session.status == SESSION_BOOKED && model_slot(&sham->model, key, &slot) && slot.client == 0) {
		for (size_t i = 0; i < sham->model.slot_count; i++) {
			sham->model.slots[i].client =
			    sham->model.slots[i].key == session.key ? 0 : sham->model.slots[i].client;
		}
		pause_for_others(sham);
	}
	const enum model_outcome outcome = model_move(&sham->model, part->session, key, &done);
	changed(sham);
	if (outcome == MODEL_DONE) {
		buffer_format(out, "+OK\n");
	} else {
		say(out, outcome);
	}
}

static void hold(struct sham *sham, const struct op *op, struct buffer *out) REQUIRES(sham->lock)
{
	uint64_t id = ++sham->session;
	struct model_session session = {0};
	bool done;
	const enum model_outcome outcome =
	    model_hold(&sham->model, key_of(sham, op->parts[0].slot), client_of(op), op->seconds, &id, &done);
	changed(sham);
	if (outcome != MODEL_DONE) {
		say(out, outcome);
		return;
	}
	model_session(&sham->model, id, &session);
	const uint64_t over_ms = session.expires_ms != 0 ? real_ms(sham, session.expires_ms) : 0;
	buffer_format(out, "*2\n:%" PRIu64 "\n:%" PRIu64 "\n", id, over_ms);
}

static void renew(struct sham *sham, const struct op *op, struct buffer *out) REQUIRES(sham->lock)
{
	struct model_session session = {0};
	model_expire(&sham->model, op->parts[0].session);
	const enum model_outcome outcome = model_renew(&sham->model, op->parts[0].session, op->seconds);
	changed(sham);
	model_session(&sham->model, op->parts[0].session, &session);
	if (outcome == MODEL_DONE) {
		buffer_format(out, ":%" PRIu64 "\n", real_ms(sham, session.expires_ms));
	} else {
		say(out, outcome);
	}
}

static enum model_outcome do_part(struct sham *sham, const struct op *op, uint32_t part, uint64_t *session)
    REQUIRES(sham->lock)
{
	const struct op_part *asked = &op->parts[part];
	bool done;
	if (op->verb == OP_BOOKALL || asked->verb <= OP_HOLD) {
		return book(sham, op, part, session);
	}
	if (asked->verb != OP_RESCHEDULE) {
		return change(sham, op, asked);
	}
	model_expire(&sham->model, asked->session);
	const enum model_outcome outcome = model_move(&sham->model, asked->session, key_of(sham, asked->slot), &done);
	changed(sham);
	return outcome;
}

/* The parts of a BOOKALL or EXEC, one after the other; EXEC ends with the first that is refused. Returns how many it did. */
static uint32_t do_parts(struct sham *sham, const struct op *op, uint64_t *sessions, enum model_outcome *outcomes)
    REQUIRES(sham->lock)
{
	uint32_t part = 0;
	for (; part < op->part_count; part++) {
		if (part > 0 && sham->bug == SHAM_TORN_SERIES && op->verb == OP_BOOKALL) {
			pause_for_others(sham);
		}
		outcomes[part] = do_part(sham, op, part, &sessions[part]);
		if (op->verb == OP_EXEC && outcomes[part] != MODEL_DONE) {
			break;
		}
	}
	return part;
}

static void say_lost(const struct sham *sham, const struct op *op, const enum model_outcome *outcomes,
		     struct buffer *out)
{
	bool first = true;
	for (uint32_t i = 0; i < op->part_count; i++) {
		const struct agenda_slot *slot = &sham->agenda->slots[op->parts[i].slot];
		if (outcomes[i] != MODEL_DONE) {
			buffer_format(out, "%s%s %s %s %s", first ? "-" : ", ", model_outcome_name(outcomes[i]),
				      slot->psychologist, slot->date, slot->time);
			first = false;
		}
	}
	buffer_format(out, "\n");
}

static void say_done(const struct op *op, const uint64_t *sessions, struct buffer *out)
{
	buffer_format(out, "*%" PRIu32 "\n", op->part_count);
	for (uint32_t i = 0; i < op->part_count; i++) {
		const enum op_verb verb = op->parts[i].verb;
		if (verb >= OP_COMMIT && verb <= OP_RESCHEDULE) {
			buffer_format(out, "+OK\n");
		} else {
			buffer_format(out, ":%" PRIu64 "\n", verb == OP_CLAIM ? 1 : sessions[i]);
		}
	}
}

/* On the model itself; if a part is refused, the model is what it was. */
static void do_all(struct sham *sham, const struct op *op, struct buffer *out) REQUIRES(sham->lock)
{
	struct model before;
	uint64_t sessions[OP_PARTS_MAX] = {0};
	enum model_outcome outcomes[OP_PARTS_MAX] = {MODEL_DONE};
	model_copy(&before, &sham->model);
	const uint32_t count = do_parts(sham, op, sessions, outcomes);
	bool refused = false;
	for (uint32_t i = 0; i < op->part_count; i++) {
		refused = refused || outcomes[i] != MODEL_DONE;
	}
	const bool series = op->verb == OP_BOOKALL;
	const bool keeps = series && (sham->bug == SHAM_HALF_SERIES || sham->bug == SHAM_TORN_SERIES);
	if (refused && !keeps) {
		become(&sham->model, &before);
	}
	changed(sham);
	model_fini(&before);
	if (!refused) {
		say_done(op, sessions, out);
	} else if (series) {
		say_lost(sham, op, outcomes, out);
	} else {
		buffer_format(out, "-EXECABORT Transaction discarded, command %" PRIu32 " (%s): %s so it is\n",
			      count + 1, op_name(op->parts[count].verb), code_of(outcomes[count]));
	}
}

static void book_any(struct sham *sham, const struct op *op, struct buffer *out) REQUIRES(sham->lock)
{
	enum model_outcome first = MODEL_DONE;
	for (uint32_t part = 0; part < op->part_count; part++) {
		uint64_t session;
		const struct agenda_slot *slot = &sham->agenda->slots[op->parts[part].slot];
		const enum model_outcome outcome = book(sham, op, part, &session);
		if (outcome == MODEL_DONE) {
			buffer_format(out, "*4\n:%" PRIu64 "\n", session);
			say_text(out, slot->psychologist);
			say_text(out, slot->date);
			say_text(out, slot->time);
			return;
		}
		first = part == 0 ? outcome : first;
	}
	say(out, first);
}

static void look(struct sham *sham, const struct op *op, struct buffer *out) REQUIRES(sham->lock)
{
	struct model *model = sham->bug == SHAM_STALE_LOOK && one_in(sham, 4) ? &sham->durable : &sham->model;
	struct model_slot slot;
	struct model_session session = {0};
	CHECK(model_slot(model, key_of(sham, op->parts[0].slot), &slot));
	if (slot.client != 0) {
		model_expire(&sham->model, slot.session);
		model_session(model, slot.session, &session);
	}
	const bool open = slot.client == 0 || session.status == SESSION_EXPIRED;
	buffer_format(out, "*%d\n", open ? 4 : 6);
	say_text(out, "status");
	say_text(out, open ? "open" : session.status == SESSION_HELD ? "held" : "booked");
	say_text(out, "minutes");
	buffer_format(out, ":%d\n", AGENDA_MINUTES);
	if (!open) {
		say_text(out, "session");
		buffer_format(out, ":%" PRIu64 "\n", slot.session);
	}
}

static void answer(struct sham *sham, const struct op *op, struct buffer *out) REQUIRES(sham->lock)
{
	uint64_t session;
	enum model_outcome outcome;
	switch (op->verb) {
	case OP_BOOK:
	case OP_CLAIM:
		outcome = book(sham, op, 0, &session);
		if (op->verb == OP_CLAIM) {
			buffer_format(out, ":%d\n", outcome == MODEL_DONE);
		} else if (outcome == MODEL_DONE) {
			buffer_format(out, ":%" PRIu64 "\n", session);
		} else {
			say(out, outcome);
		}
		return;
	case OP_HOLD:
		hold(sham, op, out);
		return;
	case OP_RENEW:
		renew(sham, op, out);
		return;
	case OP_RESCHEDULE:
		move(sham, op, out);
		return;
	case OP_BOOKALL:
	case OP_EXEC:
		do_all(sham, op, out);
		return;
	case OP_BOOKANY:
		book_any(sham, op, out);
		return;
	case OP_SLOT:
		look(sham, op, out);
		return;
	default:
		outcome = change(sham, op, &op->parts[0]);
		if (outcome == MODEL_DONE) {
			buffer_format(out, "+OK\n");
		} else {
			say(out, outcome);
		}
	}
}

static void do_one(struct recorder_client *client, struct op *op)
{
	struct sham *sham = client->recorder->context;
	struct buffer *out = &client->replies;
	op->reply_at = out->size;
	op->invoked_ns = recorder_now_ns();
	for (uint32_t i = 1; i < op_replies(op); i++) {
		buffer_format(out, i == 1 ? "+OK\n" : "+QUEUED\n");
	}
	lock_take(&sham->lock);
	sham->model.hold_now_ms = recorder_now_ns() / (SHAM_SECOND_NS / 1000);
	answer(sham, op, out);
	lock_give(&sham->lock);
	op->returned_ns = recorder_now_ns();
	op->reply_size = out->size - op->reply_at;
	op->answered = true;
}

bool sham_ask(struct recorder_client *client, struct op *ops, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		do_one(client, &ops[i]);
	}
	return true;
}
