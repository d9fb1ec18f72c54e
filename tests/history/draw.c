/*
 * draw: see draw.h.
 */
#include <base/check.h>
#include <history/draw.h>
#include <model/random.h>

static enum op_verb draw_verb(struct draw *draw)
{
	uint32_t total = 0;
	for (enum op_verb verb = 0; verb < OP_VERBS; verb++) {
		total += draw->mix->weights[verb];
	}
	uint32_t dice = random_below(&draw->random, total);
	enum op_verb verb = 0;
	while (dice >= draw->mix->weights[verb]) {
		dice -= draw->mix->weights[verb++];
	}
	return verb;
}

static uint32_t unit_size(const struct draw *draw)
{
	return draw->agenda->count / draw->mix->units;
}

/* A slot of the unit. */
static uint32_t draw_slot(struct draw *draw, uint32_t unit)
{
	return unit * unit_size(draw) + random_below(&draw->random, unit_size(draw));
}

/* A session somebody was told of; now and then, and before that, one that nobody was. */
static uint64_t draw_session(struct draw *draw, uint32_t unit)
{
	_Atomic uint64_t *session = &draw->pool->sessions[unit][random_below(&draw->random, DRAW_POOL)];
	return atomic_load_explicit(session, memory_order_relaxed);
}

void draw_told(struct draw *draw, const struct op *op, uint64_t session)
{
	const uint32_t unit = op->parts[0].slot / unit_size(draw);
	_Atomic uint64_t *place = &draw->pool->sessions[unit][random_below(&draw->random, DRAW_POOL)];
	atomic_store_explicit(place, session, memory_order_relaxed);
}

static bool is_by_session(enum op_verb verb)
{
	return (verb >= OP_COMMIT && verb <= OP_RESCHEDULE) || verb == OP_SESSION;
}

static bool is_named(const struct op *op, uint32_t slot, uint64_t session)
{
	for (uint32_t i = 0; i < op->part_count; i++) {
		if (op->parts[i].slot == slot || (session != 0 && op->parts[i].session == session)) {
			return true;
		}
	}
	return false;
}

/* What an EXEC does to a session: holds are left out, of which one answer would have several ends. */
static enum op_verb draw_change(struct draw *draw)
{
	static const enum op_verb verbs[] = {OP_CANCEL, OP_CANCEL, OP_COMMIT, OP_CONFIRM, OP_RESCHEDULE, OP_RESCHEDULE};
	return verbs[random_below(&draw->random, sizeof verbs / sizeof verbs[0])];
}

/* Two parts at least, and no slot or session twice. */
static void draw_parts(struct draw *draw, struct op *op, uint32_t unit)
{
	const uint32_t most = unit_size(draw) < OP_PARTS_MAX ? unit_size(draw) : OP_PARTS_MAX;
	const uint32_t count = most <= 2 ? most : 2 + random_below(&draw->random, most - 1);
	while (op->part_count < count) {
		struct op_part part = {.verb = OP_BOOK, .slot = draw_slot(draw, unit)};
		const uint32_t dice = random_below(&draw->random, 4);
		const uint64_t session = draw_session(draw, unit);
		if (is_named(op, part.slot, session)) {
			continue;
		}
		if (op->verb == OP_EXEC && dice == 0) {
			part.verb = OP_CLAIM;
		} else if (op->verb == OP_EXEC && dice < 3 && session != 0) {
			part.verb = draw_change(draw);
			part.session = session;
		}
		op->parts[op->part_count++] = part;
	}
}

/* Two slots of one psychologist, the earlier day first. */
static void draw_days(struct draw *draw, struct op *op, uint32_t unit)
{
	const uint32_t slot = op->parts[0].slot;
	uint32_t other = draw_slot(draw, unit);
	while (draw->agenda->slots[other].psychologist_number != draw->agenda->slots[slot].psychologist_number) {
		other = draw_slot(draw, unit);
	}
	const bool later = draw->agenda->slots[other].day < draw->agenda->slots[slot].day;
	op->parts[0].slot = later ? other : slot;
	op->parts[1].slot = later ? slot : other;
}

static uint32_t draw_client(struct draw *draw, enum op_verb verb)
{
	const uint32_t client = random_below(&draw->random, draw->mix->clients);
	const uint32_t generation = draw->mix->client_claims != 0 ? draw->claims / draw->mix->client_claims : 0;
	draw->claims += verb <= OP_HOLD || verb == OP_BOOKALL || verb == OP_BOOKANY;
	return generation * draw->mix->clients + client;
}

struct op draw_op(struct draw *draw)
{
	const uint32_t unit = random_below(&draw->random, draw->mix->units);
	struct op op = {.verb = draw_verb(draw), .number = draw->number};
	draw->number += draw->number_step;
	op.client = draw_client(draw, op.verb);
	op.seconds = (uint16_t)(1 + random_below(&draw->random, draw->mix->seconds_max));
	op.count = (uint16_t)random_below(&draw->random, 6);
	op.free = random_below(&draw->random, 3) == 0;
	if (op.verb == OP_EXEC || op.verb == OP_BOOKALL || op.verb == OP_BOOKANY) {
		op.seconds = op.count = 0;
		draw_parts(draw, &op, unit);
		return op;
	}
	op.parts[0] = (struct op_part){.verb = op.verb, .slot = draw_slot(draw, unit)};
	op.part_count = 1;
	if (is_by_session(op.verb)) {
		op.parts[0].session = draw_session(draw, unit);
		op.parts[0].session += op.parts[0].session == 0 ? INT64_MAX : 0; /* nobody's */
	}
	if (op.verb != OP_HOLD && op.verb != OP_RENEW) {
		op.seconds = 0;
	}
	if (op.verb != OP_BOOK && op.verb != OP_HOLD && op.verb != OP_ALTERNATIVES) {
		op.count = 0;
	} else if (op.verb != OP_ALTERNATIVES && random_below(&draw->random, 4) != 0) {
		op.count = 0;
	}
	if (op.verb == OP_SLOTS || op.verb == OP_SESSIONS) {
		draw_days(draw, &op, unit);
	}
	return op;
}
