/*
 * steps: see steps.h.
 */
#include <base/check.h>
#include <history/reply.h>
#include <history/steps.h>
#include <inttypes.h>
#include <stdlib.h>

void step_print(const struct step *step, const struct agenda *agenda, struct buffer *out)
{
	struct buffer request = {0};
	struct span reply = step->answer->reply;
	op_write(step->op, agenda, &request);
	for (size_t i = 0; i < request.size; i++) {
		request.at[i] = request.at[i] == '\r' ? ' ' : request.at[i] == '\n' ? ';' : request.at[i];
	}
	buffer_format(out, "  %" PRIu64 "-%" PRIu64 " us %.*s ->", step->invoked_ns / 1000,
		      step->returned_ns == UINT64_MAX ? 0 : step->returned_ns / 1000, (int)request.size,
		      (const char *)request.at);
	const size_t most = reply.size < 200 ? reply.size : 200;
	for (size_t i = 0; i < most; i++) {
		buffer_format(out, "%c", reply.at[i] == '\n' ? ' ' : reply.at[i]);
	}
	buffer_format(out, "%s%s\n", reply.size == 0 ? " no answer" : "", step->kind != STEP_WHOLE ? " (a look)" : "");
	buffer_fini(&request);
}

/* ---------------------------------------------------------------------------------------------------- sessions and slots */

static int compare_ids(const void *a, const void *b)
{
	const struct steps_id *first = a;
	const struct steps_id *second = b;
	return (first->id > second->id) - (first->id < second->id);
}

static uint32_t root(struct steps *steps, uint32_t slot)
{
	while (steps->parts[slot] != slot) {
		slot = steps->parts[slot];
	}
	return slot;
}

static void join(struct steps *steps, uint32_t a, uint32_t b)
{
	const uint32_t first = root(steps, a);
	const uint32_t second = root(steps, b);
	steps->parts[first > second ? first : second] = first < second ? first : second;
}

static void note_id(struct steps *steps, uint64_t id, uint32_t slot)
{
	if (id != 0) {
		steps->ids[steps->id_count++] = (struct steps_id){id, slot};
	}
}

/* The sessions a step was told of, and at which slots. */
static void note_ids(struct steps *steps, const struct step *step)
{
	const struct op *op = step->op;
	const struct answer *answer = step->answer;
	if (op->verb == OP_SLOT) {
		note_id(steps, step->slot.session, op->parts[0].slot);
	} else if (op->verb == OP_BOOKANY) {
		note_id(steps, answer->sessions[0], op->parts[answer->part].slot);
	}
	for (uint32_t i = 0; i < op->part_count && op->verb != OP_SLOT && op->verb != OP_BOOKANY; i++) {
		note_id(steps, answer->sessions[i], op->parts[i].slot);
	}
}

static const struct steps_id *find_id(const struct steps *steps, uint64_t id)
{
	return bsearch(&(struct steps_id){.id = id}, steps->ids, steps->id_count, sizeof *steps->ids, compare_ids);
}

/* Each id once; slots at which the same was told of are one part. */
static void collect_ids(struct steps *steps)
{
	steps->ids = calloc(OP_PARTS_MAX * steps->count + 1, sizeof *steps->ids);
	CHECK(steps->ids != NULL);
	for (size_t i = 0; i < steps->count; i++) {
		note_ids(steps, &steps->steps[i]);
	}
	qsort(steps->ids, steps->id_count, sizeof *steps->ids, compare_ids);
	size_t kept = 0;
	for (size_t i = 0; i < steps->id_count; i++) {
		if (kept > 0 && steps->ids[kept - 1].id == steps->ids[i].id) {
			join(steps, steps->ids[kept - 1].slot, steps->ids[i].slot);
		} else {
			steps->ids[kept++] = steps->ids[i];
		}
	}
	steps->id_count = kept;
}

/* A slot it is about. */
static uint32_t slot_of(const struct steps *steps, const struct step *step, uint32_t part)
{
	const struct op_part *asked = &step->op->parts[part];
	const struct steps_id *id = find_id(steps, asked->session);
	return id != NULL ? id->slot : asked->slot;
}

/* ------------------------------------------------------------------------------------------------------------- the steps */

static void add(struct steps *steps, const struct step *step, enum step_kind kind, uint32_t part)
{
	struct step *added = &steps->steps[steps->count++];
	*added = *step;
	added->kind = kind;
	added->part = part;
}

static bool read_looks(struct step *step, const struct agenda *agenda)
{
	struct span rest = step->answer->reply;
	if (step->op->verb == OP_SLOT) {
		return answer_slot(rest, &step->slot);
	}
	if (step->op->verb == OP_SESSION && step->answer->code == ANSWER_DONE) {
		return answer_session(&rest, agenda, &step->session);
	}
	return true;
}

/* What one operation is. False: its answer is none. */
static bool add_op(struct steps *steps, struct step step)
{
	const struct op *op = step.op;
	const enum answer_code code = step.answer->code;
	const bool unknown = code == ANSWER_UNKNOWN;
	if (unknown && op->verb >= OP_SLOT) {
		return true; /* nobody was told anything */
	}
	if (code == ANSWER_BROKEN || !read_looks(&step, steps->agenda)) {
		return false;
	}
	const bool several = op->verb == OP_BOOKALL || op->verb == OP_BOOKANY || op->verb == OP_EXEC;
	if (!several || code == ANSWER_DONE || unknown) {
		add(steps, &step, STEP_WHOLE, 0);
	} else if (op->verb == OP_EXEC) {
		add(steps, &step, STEP_REFUSED, step.answer->part);
	} else {
		for (uint32_t i = 0; i < op->part_count; i++) {
			const bool named = step.answer->refused[i] != ANSWER_UNKNOWN;
			add(steps, &step,
			    named                    ? STEP_REFUSED
			    : op->verb == OP_BOOKALL ? STEP_CLAIMABLE
						     : STEP_PASSED,
			    i);
		}
	}
	return true;
}

static int compare_steps(const void *a, const void *b)
{
	const struct step *first = a;
	const struct step *second = b;
	return (first->invoked_ns > second->invoked_ns) - (first->invoked_ns < second->invoked_ns);
}

static bool add_client(struct steps *steps, const struct recorder_client *client, struct answer *answers,
		       int64_t offset_ms, struct buffer *text)
{
	for (uint64_t i = 0; i < client->count; i++) {
		const struct op *op = &client->ops[i];
		answers[i] = answer_read(op, steps->agenda, recorder_reply(client, op));
		if (op->verb == OP_BOOKANY && answers[i].code != ANSWER_DONE) {
			answers[i].refused[0] = answers[i].code; /* it is that of the first */
		}
		const bool unknown = answers[i].code == ANSWER_UNKNOWN;
		const struct step step = {
		    .op = op,
		    .answer = &answers[i],
		    .invoked_ns = op->invoked_ns,
		    .returned_ns = unknown ? UINT64_MAX : op->returned_ns,
		    .invoked_ms = (uint64_t)((int64_t)(op->invoked_ns / 1000000) + offset_ms),
		};
		if (!add_op(steps, step)) {
			buffer_format(text, "no answer to this:\n");
			step_print(&step, steps->agenda, text);
			return false;
		}
	}
	return true;
}

bool steps_init(struct steps *steps, const struct recorder *recorder, uint64_t wall_ms, uint64_t at_ns,
		struct buffer *text)
{
	uint64_t count = 0;
	*steps = (struct steps){.agenda = recorder->agenda, .second_ns = recorder->second_ns};
	for (uint32_t i = 0; i < RECORDER_CLIENTS; i++) {
		count += recorder->clients[i].count;
	}
	steps->answers = calloc(count + 1, sizeof *steps->answers);
	steps->steps = calloc(OP_PARTS_MAX * count + 1, sizeof *steps->steps);
	CHECK(steps->answers != NULL && steps->steps != NULL);
	const int64_t offset_ms = (int64_t)wall_ms - (int64_t)(at_ns / 1000000);
	struct answer *answers = steps->answers;
	for (uint32_t i = 0; i < RECORDER_CLIENTS; i++) {
		if (!add_client(steps, &recorder->clients[i], answers, offset_ms, text)) {
			return false;
		}
		answers += recorder->clients[i].count;
	}
	qsort(steps->steps, steps->count, sizeof *steps->steps, compare_steps);
	for (uint32_t slot = 0; slot < steps->agenda->count; slot++) {
		steps->parts[slot] = slot;
	}
	collect_ids(steps);
	for (size_t i = 0; i < steps->count; i++) {
		const struct step *step = &steps->steps[i];
		const struct op *op = step->op;
		for (uint32_t part = 0; part < op->part_count && step->kind == STEP_WHOLE; part++) {
			/* Of a choice, what was chosen; of a move that was refused, the slot as well. */
			const bool chosen = op->verb == OP_BOOKANY && step->answer->code == ANSWER_DONE;
			join(steps, slot_of(steps, step, chosen ? step->answer->part : 0),
			     slot_of(steps, step, chosen ? step->answer->part : part));
		}
		for (uint32_t part = 0; part < op->part_count; part++) {
			if (op->parts[part].verb == OP_RESCHEDULE) {
				join(steps, slot_of(steps, step, part), op->parts[part].slot);
			}
		}
	}
	return true;
}

void steps_fini(struct steps *steps)
{
	free(steps->answers);
	free(steps->steps);
	free(steps->ids);
}

static uint32_t part_of(const struct steps *steps, uint32_t slot)
{
	return root((struct steps *)(uintptr_t)steps, slot);
}

static uint32_t part_of_step(const struct steps *steps, const struct step *step)
{
	const bool chosen = step->kind == STEP_WHOLE && step->op->verb == OP_BOOKANY;
	return part_of(steps, slot_of(steps, step, chosen ? step->answer->part : step->part));
}

/* Does it make sessions that nobody is told the id of? */
static bool is_nameless(const struct step *step)
{
	bool claims = step->op->verb == OP_CLAIM;
	for (uint32_t i = 0; i < step->op->part_count; i++) {
		claims = claims || step->op->parts[i].verb == OP_CLAIM;
	}
	return step->kind == STEP_WHOLE && (step->answer->code == ANSWER_UNKNOWN || claims);
}

size_t steps_of_part(const struct steps *steps, uint32_t part, struct step *mine, struct spec *spec)
{
	size_t count = 0;
	*spec = (struct spec){.second_ns = steps->second_ns};
	for (size_t i = 0; i < steps->id_count; i++) {
		if (part_of(steps, steps->ids[i].slot) == part) {
			CHECK(spec->id_count < SPEC_SESSIONS_MAX);
			spec->ids[spec->id_count++] = steps->ids[i].id;
		}
	}
	spec->session_count = spec->id_count;
	for (size_t i = 0; i < steps->count; i++) {
		if (part_of_step(steps, &steps->steps[i]) != part) {
			continue;
		}
		mine[count] = steps->steps[i];
		if (is_nameless(&mine[count])) {
			mine[count].nameless = spec->session_count;
			spec->session_count += mine[count].op->part_count;
			CHECK(spec->session_count <= SPEC_SESSIONS_MAX);
		}
		count++;
	}
	return count;
}
