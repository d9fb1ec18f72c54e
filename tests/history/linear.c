/*
 * linear: see linear.h.
 */
#include <base/check.h>
#include <base/hash.h>
#include <history/linear.h>
#include <history/steps.h>
#include <stdlib.h>

/* Beyond so many placements in one part nothing is known. */
#define PLACED_MAX 20000000

/* A set, of what led nowhere; hashed twice, 128 bits, which are never all zero. */
struct known {
	uint64_t hash[2];
};

struct memory {
	struct known *cells; /* linear probing */
	size_t capacity;     /* a power of two */
	size_t count;
};

struct search {
	const struct spec *spec;
	const struct step *steps;
	size_t count;
	size_t first;    /* all before are placed */
	size_t required; /* that have an answer and are not placed */
	bool *placed;
	struct memory memory;
	uint64_t placements;
	bool gave_up;
	/* the furthest it came */
	size_t fewest;
	bool *furthest;
	int64_t offset_ms; /* from the stamps to the wall clock */
};

/* -------------------------------------------------------------------------------------------------- what led nowhere before */

/* False: it is there already. */
static bool remember(struct memory *memory, const struct known *key)
{
	size_t at = key->hash[0] & (memory->capacity - 1);
	while (memory->cells[at].hash[0] != 0 || memory->cells[at].hash[1] != 0) {
		if (memcmp(&memory->cells[at], key, sizeof *key) == 0) {
			return false;
		}
		at = (at + 1) & (memory->capacity - 1);
	}
	memory->cells[at] = *key;
	memory->count++;
	return true;
}

static void grow(struct memory *memory)
{
	struct memory grown = {.capacity = memory->capacity != 0 ? 2 * memory->capacity : 1024};
	grown.cells = calloc(grown.capacity, sizeof *grown.cells);
	CHECK(grown.cells != NULL);
	for (size_t i = 0; i < memory->capacity; i++) {
		if (memory->cells[i].hash[0] != 0 || memory->cells[i].hash[1] != 0) {
			remember(&grown, &memory->cells[i]);
		}
	}
	free(memory->cells);
	*memory = grown;
}

/* Was it here before, with the same steps placed and the same state? If not, from now on it was. */
static bool is_known(struct search *search, const struct spec_state *state)
{
	struct known key;
	for (uint64_t i = 0; i < 2; i++) {
		const uint64_t placed =
		    hash_bytes(search->placed + search->first, search->count - search->first, search->first + i);
		key.hash[i] = hash_bytes(state, spec_size(search->spec), placed);
	}
	if (search->memory.count >= search->memory.capacity / 2) {
		grow(&search->memory);
	}
	return !remember(&search->memory, &key);
}

/* -------------------------------------------------------------------------------------------------------------- the search */

/* The first answer among the steps that are not placed: what was asked after it cannot be placed yet. */
static uint64_t first_answer(const struct search *search)
{
	uint64_t first_ns = UINT64_MAX;
	for (size_t i = search->first; i < search->count && search->steps[i].invoked_ns <= first_ns; i++) {
		if (!search->placed[i] && search->steps[i].returned_ns < first_ns) {
			first_ns = search->steps[i].returned_ns;
		}
	}
	return first_ns;
}

static void place(struct search *search, size_t i, bool placed)
{
	const bool required = search->steps[i].returned_ns != UINT64_MAX;
	search->placed[i] = placed;
	search->required += placed ? -(size_t)required : required;
	if (!placed) {
		search->first = i < search->first ? i : search->first;
	}
	while (search->first < search->count && search->placed[search->first]) {
		search->first++;
	}
	search->placements += placed;
	search->gave_up = search->gave_up || search->placements > PLACED_MAX;
	if (search->required < search->fewest) {
		search->fewest = search->required;
		memcpy(search->furthest, search->placed, search->count * sizeof *search->placed);
	}
}

/* A stack of what was placed, to take it back. */
struct trail {
	size_t *steps;
	size_t count;
};

/* Can it never change anything, answered as it was? What is done already (a CONFIRM of what is confirmed) may be placed where
 * it changes nothing, but might have been what changed it later. */
static bool is_look(const struct step *step)
{
	return step->kind != STEP_WHOLE || step->op->verb == OP_SLOT || step->op->verb == OP_SESSION ||
	       (step->answer->code != ANSWER_DONE && step->answer->code != ANSWER_UNKNOWN);
}

/* Places what only looks, until there is no more of it. */
static void place_looks(struct search *search, const struct spec_state *state, struct trail *trail)
{
	bool more = true;
	while (more) {
		const uint64_t until_ns = first_answer(search);
		more = false;
		for (size_t i = search->first; i < search->count && search->steps[i].invoked_ns <= until_ns; i++) {
			if (search->placed[i] || !is_look(&search->steps[i])) {
				continue;
			}
			struct spec_state tried;
			spec_copy(search->spec, &tried, state);
			if (spec_apply(search->spec, &tried, &search->steps[i]) == SPEC_STANDS) {
				place(search, i, true);
				trail->steps[trail->count++] = i;
				more = true;
			}
		}
	}
}

static bool go_on(struct search *search, const struct spec_state *state);

/* Holds may be over by now: before the first answer that is not placed. */
static bool try_expiries(struct search *search, const struct spec_state *state, uint64_t until_ns)
{
	const uint64_t until_ms =
	    until_ns == UINT64_MAX ? UINT64_MAX : (uint64_t)((int64_t)(until_ns / 1000000) + search->offset_ms);
	for (uint32_t i = 0; i < search->spec->session_count; i++) {
		const struct spec_session *session = &state->sessions[i];
		if (session->status == SESSION_HELD && session->expires_ms < until_ms + SPEC_SLACK_MS) {
			struct spec_state next;
			spec_copy(search->spec, &next, state);
			spec_expire(&next, i);
			if (go_on(search, &next)) {
				return true;
			}
		}
	}
	return false;
}

static bool try_steps(struct search *search, const struct spec_state *state, uint64_t until_ns)
{
	for (size_t i = search->first; i < search->count && search->steps[i].invoked_ns <= until_ns; i++) {
		if (search->placed[i]) {
			continue;
		}
		struct spec_state next;
		spec_copy(search->spec, &next, state);
		if (spec_apply(search->spec, &next, &search->steps[i]) == SPEC_IMPOSSIBLE) {
			continue;
		}
		place(search, i, true);
		if (go_on(search, &next)) {
			return true;
		}
		place(search, i, false);
	}
	return false;
}

static bool go_on(struct search *search, const struct spec_state *state)
{
	struct trail trail = {.steps = malloc((search->count + 1) * sizeof *trail.steps)};
	CHECK(trail.steps != NULL);
	place_looks(search, state, &trail);
	bool done = search->required == 0;
	if (!done && !search->gave_up && !is_known(search, state)) {
		const uint64_t until_ns = first_answer(search);
		done = try_steps(search, state, until_ns) || try_expiries(search, state, until_ns);
	}
	while (!done && trail.count > 0) {
		place(search, trail.steps[--trail.count], false);
	}
	free(trail.steps);
	return done;
}

/* ------------------------------------------------------------------------------------------------------------ the histories */

/* The steps as the furthest attempt left them: those it placed, those that could have been next, and the rest. */
static void explain(struct linear *linear, const struct search *search, const struct agenda *agenda)
{
	uint64_t until_ns = UINT64_MAX;
	for (size_t i = 0; i < search->count; i++) {
		if (!search->furthest[i] && search->steps[i].returned_ns < until_ns) {
			until_ns = search->steps[i].returned_ns;
		}
	}
	buffer_format(&linear->text, "%zu of %zu steps could not be placed; + was, ? would be next\n", search->fewest,
		      search->count);
	for (size_t i = 0; i < search->count; i++) {
		const bool next = search->steps[i].invoked_ns <= until_ns;
		buffer_format(&linear->text, "%c", search->furthest[i] ? '+' : next ? '?' : ' ');
		step_print(&search->steps[i], agenda, &linear->text);
	}
}

static enum linear_verdict check_part(struct linear *linear, const struct steps *steps, uint32_t part,
				      int64_t offset_ms)
{
	struct spec spec;
	struct step *mine = calloc(steps->count + 1, sizeof *mine);
	CHECK(mine != NULL);
	struct search search = {.spec = &spec, .steps = mine, .offset_ms = offset_ms};
	search.count = steps_of_part(steps, part, mine, &spec);
	search.placed = calloc(2 * search.count + 1, sizeof *search.placed);
	CHECK(search.placed != NULL);
	search.furthest = search.placed + search.count;
	for (size_t i = 0; i < search.count; i++) {
		search.required += mine[i].returned_ns != UINT64_MAX;
	}
	search.fewest = search.required + 1;
	struct spec_state state = {0};
	const bool found = go_on(&search, &state);
	const enum linear_verdict verdict = found ? LINEAR_YES : search.gave_up ? LINEAR_GAVE_UP : LINEAR_NO;
	if (verdict != LINEAR_YES) {
		explain(linear, &search, steps->agenda);
	}
	linear->steps += search.count;
	linear->placed += search.placements;
	linear->parts++;
	free(search.memory.cells);
	free(search.placed);
	free(mine);
	return verdict;
}

enum linear_verdict linear_check(struct linear *linear, const struct recorder *recorder, uint64_t wall_ms,
				 uint64_t at_ns)
{
	struct steps steps;
	enum linear_verdict verdict = LINEAR_YES;
	CHECK(recorder->agenda->count <= SPEC_SLOTS_MAX);
	if (!steps_init(&steps, recorder, wall_ms, at_ns, &linear->text)) {
		verdict = LINEAR_NO;
	}
	for (uint32_t slot = 0; slot < steps.agenda->count && verdict == LINEAR_YES; slot++) {
		if (steps.parts[slot] == slot) {
			const int64_t offset_ms = (int64_t)wall_ms - (int64_t)(at_ns / 1000000);
			verdict = check_part(linear, &steps, slot, offset_ms);
		}
	}
	steps_fini(&steps);
	return verdict;
}
