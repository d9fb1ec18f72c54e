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

/* A session somebody was told of, if that is soon found; else 0. */
static uint64_t draw_session(struct draw *draw, uint32_t unit, bool over)
{
	uint64_t session = 0;
	_Atomic uint64_t *pool = over ? draw->pool->over[unit] : draw->pool->sessions[unit];
	for (uint32_t tries = 0; tries < 4 && session == 0; tries++) {
		_Atomic uint64_t *place = &pool[random_below(&draw->random, DRAW_POOL)];
		session = atomic_load_explicit(place, memory_order_relaxed);
	}
	return session;
}

void draw_told(struct draw *draw, const struct op *op, uint64_t session)
{
	const uint32_t unit = op->parts[0].slot / unit_size(draw);
	const bool over = op->verb == OP_COMPLETE || op->verb == OP_NOSHOW;
	_Atomic uint64_t *pool = over ? draw->pool->over[unit] : draw->pool->sessions[unit];
	_Atomic uint64_t *place = &pool[random_below(&draw->random, DRAW_POOL)];
	atomic_store_explicit(place, session, memory_order_relaxed);
}

void draw_ended(struct draw *draw, const struct op *op)
{
	for (uint32_t unit = 0; unit < draw->mix->units; unit++) {
		for (uint32_t i = 0; i < DRAW_POOL; i++) {
			_Atomic uint64_t *place = &draw->pool->sessions[unit][i];
			uint64_t session = op->parts[0].session;
			/* Relaxed: that it is asked for again some more does no harm. */
			atomic_compare_exchange_strong_explicit(place, &session, 0, memory_order_relaxed,
								memory_order_relaxed);
		}
	}
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

/* What a part of an EXEC does. */
static enum op_verb draw_part(struct draw *draw, uint64_t session)
{
	static const enum op_verb verbs[] = {OP_BOOK,    OP_BOOK,       OP_CLAIM,      OP_CANCEL, OP_CANCEL, OP_COMMIT,
					     OP_CONFIRM, OP_RESCHEDULE, OP_RESCHEDULE, OP_HOLD,   OP_RENEW};
	const uint32_t count = sizeof verbs / sizeof verbs[0] - (draw->mix->multi_holds ? 0 : 2);
	const enum op_verb verb = verbs[random_below(&draw->random, count)];
	return verb > OP_HOLD && session == 0 ? OP_BOOK : verb;
}

/* Two parts at least, and no slot twice; nor, without multi_holds, a session. */
static void draw_parts(struct draw *draw, struct op *op, uint32_t unit)
{
	const uint32_t most = unit_size(draw) < OP_PARTS_MAX ? unit_size(draw) : OP_PARTS_MAX;
	const uint32_t count = most <= 2 ? most : 2 + random_below(&draw->random, most - 1);
	while (op->part_count < count) {
		struct op_part part = {.verb = OP_BOOK, .slot = draw_slot(draw, unit)};
		const uint64_t session = draw_session(draw, unit, false);
		if (is_named(op, part.slot, draw->mix->multi_holds ? 0 : session)) {
			continue;
		}
		if (op->verb == OP_EXEC) {
			part.verb = draw_part(draw, session);
			part.session = part.verb > OP_HOLD ? session : 0;
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
	return DRAW_LONE_CLIENTS + generation * draw->mix->clients + client;
}

struct op draw_op(struct draw *draw)
{
	const uint32_t unit = random_below(&draw->random, draw->mix->units);
	struct op op = {.verb = draw_verb(draw), .number = draw->number};
	draw->number += draw->number_step;
	op.client = draw_client(draw, op.verb);
	op.seconds = (uint16_t)(1 + random_below(&draw->random, draw->mix->seconds_max));
	op.count = (uint16_t)random_below(&draw->random, 6);
	op.free = random_below(&draw->random, 3) != 0;
	if (op.verb == OP_EXEC || op.verb == OP_BOOKALL || op.verb == OP_BOOKANY) {
		op.count = 0;
		draw_parts(draw, &op, unit);
		return op;
	}
	op.parts[0] = (struct op_part){.verb = op.verb, .slot = draw_slot(draw, unit)};
	op.part_count = 1;
	if (is_by_session(op.verb)) {
		const bool ends = op.verb == OP_COMPLETE || op.verb == OP_NOSHOW;
		op.parts[0].session = draw_session(draw, unit, ends && random_below(&draw->random, 2) == 0);
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
	if (op.verb == OP_HOLD && draw->mix->lone_holds != 0 &&
	    random_below(&draw->random, draw->mix->lone_holds) == 0) {
		op.client = random_below(&draw->random, DRAW_LONE_CLIENTS);
		op.parts[0].slot = op.parts[0].slot / 10 * 10 + 9;
	}
	if (op.verb == OP_SLOTS || op.verb == OP_SESSIONS) {
		draw_days(draw, &op, unit);
	}
	return op;
}
