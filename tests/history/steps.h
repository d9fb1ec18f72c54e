/*
 * steps: a recorded history as the steps that each happened at one moment, in parts that share no slot (linear.h).
 *
 * Threads: one.
 */
#pragma once

#include <history/recorder.h>
#include <history/spec.h>

/* A session somebody was told of, and a slot it was at. */
struct steps_id {
	uint64_t id;
	uint32_t slot;
};

struct steps {
	const struct agenda *agenda;
	uint64_t second_ns;     /* of a hold */
	struct answer *answers; /* of the ops; the steps point into them */
	struct step *steps;     /* in the order of their questions */
	size_t count;
	struct steps_id *ids; /* in order, each once */
	size_t id_count;
	uint32_t parts[AGENDA_SLOTS_MAX]; /* of each slot of the agenda, the lowest slot it is in one part with */
};

/* False: an answer is none to its question; `text` says which. `wall_ms` as in linear.h. */
bool steps_init(struct steps *steps, const struct recorder *recorder, uint64_t wall_ms, uint64_t at_ns,
		struct buffer *text);
void steps_fini(struct steps *steps);

/* The steps of a part, which are counted; and the sessions of it. `mine` has room for all. */
size_t steps_of_part(const struct steps *steps, uint32_t part, struct step *mine, struct spec *spec);

/* "BOOK dr-1 2031-01-06 09:00 client-3: -TAKEN ...", for people. */
void step_print(const struct step *step, const struct agenda *agenda, struct buffer *out);
