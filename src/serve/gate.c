/*
 * gate: keeps I2 and, of I6, that what waits when the log fails is answered and not acknowledged. The check stands at both
 * ends: a mark when a reply comes in, a comparison when it goes out, and nothing else writes to `leaving`.
 */
#include <base/check.h>
#include <serve/gate.h>

void gate_mark(struct gate *gate, uint64_t lsn, uint32_t replies)
{
	const size_t end = gate->waiting.size;
	struct gate_mark *last = gate->mark_count > 0 ? &gate->marks[gate->mark_count - 1] : NULL;
	if (last == NULL ? end == 0 : last->end == end) {
		return; /* nothing was written */
	}
	if (last != NULL && (lsn <= last->lsn || gate->mark_count == GATE_MARKS_MAX)) {
		/* Behind the last mark in any case; or, with no room for another, together with it. */
		last->end = end;
		last->lsn = lsn > last->lsn ? lsn : last->lsn;
		last->replies += replies;
		return;
	}
	gate->marks[gate->mark_count++] = (struct gate_mark){end, lsn, replies};
}

/* How many marks may leave. */
static uint32_t count_passed(const struct gate *gate, uint64_t durable_lsn)
{
	uint32_t passed = 0;
	while (passed < gate->mark_count && gate->marks[passed].lsn <= durable_lsn) {
		passed++;
	}
	return passed;
}

bool gate_release(struct gate *gate, uint64_t durable_lsn)
{
	CHECK(gate->leaving.size == 0);
	const uint32_t passed = count_passed(gate, durable_lsn);
	if (passed == 0) {
		return false;
	}
	const size_t size = gate->marks[passed - 1].end;
	CHECK(size <= gate->waiting.size);
	if (passed == gate->mark_count) {
		CHECK(size == gate->waiting.size);
		const struct buffer empty = gate->leaving;
		gate->leaving = gate->waiting;
		gate->waiting = empty;
	} else {
		buffer_add(&gate->leaving, gate->waiting.at, size);
		buffer_drop(&gate->waiting, size);
	}
	gate->mark_count -= passed;
	for (uint32_t i = 0; i < gate->mark_count; i++) {
		gate->marks[i] = gate->marks[i + passed];
		gate->marks[i].end -= size;
	}
	return true;
}

void gate_fail(struct gate *gate, uint64_t durable_lsn, struct span refusal)
{
	const uint32_t passed = count_passed(gate, durable_lsn);
	uint32_t owed = 0;
	for (uint32_t i = passed; i < gate->mark_count; i++) {
		owed += gate->marks[i].replies;
	}
	gate->waiting.size = passed > 0 ? gate->marks[passed - 1].end : 0;
	gate->mark_count = passed;
	for (uint32_t i = 0; i < owed; i++) {
		buffer_add(&gate->waiting, refusal.at, refusal.size);
	}
	gate_mark(gate, 0, owed);
}

void gate_sent(struct gate *gate)
{
	buffer_empty(&gate->leaving);
}

bool gate_empty(const struct gate *gate)
{
	return gate->waiting.size == 0 && gate->leaving.size == 0;
}

size_t gate_bytes(const struct gate *gate)
{
	return gate->waiting.size + gate->leaving.size;
}

void gate_fini(struct gate *gate)
{
	buffer_fini(&gate->waiting);
	buffer_fini(&gate->leaving);
}
