/*
 * sim_busy: see sim_busy.h.
 */
#include <sim/sim_busy.h>

#include <model/model_busy.h>
#include <stdio.h>

void sim_busy_random(struct prng *prng, uint16_t first_day, struct sim_command *command)
{
	struct sim_busy *busy = &command->busy;
	command->day = command->day > first_day ? command->day : first_day;
	uint32_t at = (uint32_t)command->day * MINUTES_PER_DAY + prng_below(prng, 13 * 60);
	busy->source = prng_below(prng, SIM_SOURCES);
	busy->window = (struct busy_interval){at, at + 1 + prng_below(prng, 2 * MINUTES_PER_DAY)};
	at = prng_one_in(prng, 4) ? at : (uint32_t)command->day * MINUTES_PER_DAY + 500 + prng_below(prng, 300);
	at = at > busy->window.start ? at : busy->window.start;
	const uint32_t count = prng_below(prng, SIM_INTERVALS + 1);
	while (busy->count < count && at < busy->window.end) {
		const uint32_t end = at + 1 + prng_below(prng, 100);
		const uint32_t last = end < busy->window.end ? end : busy->window.end;
		busy->intervals[busy->count++] = (struct busy_interval){at, last};
		at = last + prng_below(prng, 60);
	}
}

static struct busy_update update_of(const struct sim_command *command)
{
	static const char *const names[SIM_SOURCES] = {"google", "outlook"};
	return (struct busy_update){
	    .source = span_of(names[command->busy.source]),
	    .generation = command->busy.generation,
	    .at_ms = command->now_ms,
	    .window = command->busy.window,
	    .intervals = command->busy.intervals,
	    .count = command->busy.count,
	};
}

struct outcome sim_busy_desk(struct sim_command *command, struct desk *desk)
{
	char name[8];
	const struct place place = sim_place(command, name);
	const struct busy_update update = update_of(command);
	struct outcome outcome = desk_busy(desk, place.psychologist, &update, &command->busy.walk);
	while (outcome.code == OUTCOME_DONE && desk_busy_step(desk, &command->busy.walk)) {
	}
	outcome.lsn = lsn_later(outcome.lsn, command->busy.walk.lsn);
	return outcome;
}

/* ----------------------------------------------------------------------------------------------------------- the model */

static uint64_t key_of(const struct sim_command *command, uint32_t i)
{
	const uint16_t minute = (uint16_t)(540 + 60 * (i % SIM_TIMES));
	return key_make(command->psychologist, (uint16_t)(SIM_FIRST_DAY + i / SIM_TIMES), minute);
}

/* Which of the psychologist's slots are blocked; a bit for each. */
static uint32_t blocked_slots(struct model *model, const struct sim_command *command)
{
	uint32_t blocked = 0;
	for (uint32_t i = 0; i < SIM_DAYS * SIM_TIMES; i++) {
		struct model_slot slot = {0};
		const uint64_t key = key_of(command, i);
		/* A hold that is over is the next one's to find. */
		if (model_slot(model, key, &slot) && slot.client == 0 && model_is_blocked(model, key)) {
			blocked |= sim_busy_bit(i / SIM_TIMES, i % SIM_TIMES);
		}
	}
	return blocked;
}

static uint64_t count_conflicts(struct model *model, const struct sim_command *command)
{
	uint64_t count = 0;
	for (uint32_t i = 0; i < SIM_DAYS * SIM_TIMES; i++) {
		struct model_slot slot = {0};
		const uint64_t key = key_of(command, i);
		const uint32_t start = busy_minute(key);
		const bool there = model_slot(model, key, &slot) && slot.client != 0;
		count += there && !model_is_over(model, slot.session) && start < command->busy.window.end &&
			 start + slot.minutes > command->busy.window.start && model_busy(model, key, slot.minutes);
	}
	return count;
}

bool sim_busy_model(struct sim_command *command, struct model *model)
{
	struct sim_busy *busy = &command->busy;
	struct model_interval intervals[SIM_INTERVALS];
	const struct model_interval window = {command->psychologist, busy->source, busy->window.start,
					      busy->window.end};
	for (uint32_t i = 0; i < busy->count; i++) {
		intervals[i] = window;
		intervals[i].start = busy->intervals[i].start;
		intervals[i].end = busy->intervals[i].end;
	}
	const uint32_t before = blocked_slots(model, command);
	bool changed;
	const bool in_time = model_update_busy(model, &window, busy->generation, intervals, busy->count, &changed);
	const uint32_t after = blocked_slots(model, command);
	busy->changed = before ^ after;
	busy->expected[0] = (uint64_t)__builtin_popcount(after & ~before);
	busy->expected[1] = (uint64_t)__builtin_popcount(before & ~after);
	busy->expected[2] = in_time ? count_conflicts(model, command) : 0;
	return changed;
}

bool sim_busy_agrees(const struct sim_command *command, const struct outcome *outcome)
{
	const struct sim_busy *busy = &command->busy;
	return outcome->code == OUTCOME_DONE && busy->walk.blocked == busy->expected[0] &&
	       busy->walk.unblocked == busy->expected[1] && busy->walk.conflicts == busy->expected[2];
}
