/*
 * sim_busy: what a calendar says, told to the desk and to the model (sim_command.h, SIM_BUSY).
 *
 * The desk follows to the end at once: in between slots are on their way to what the calendars say, of which the model knows
 * nothing (tests/stress/busy_stress.c has that).
 *
 * Threads: one.
 */
#pragma once

#include <sim/sim_command.h>

/* A window of some hours or days from the first day on, with up to two intervals; the generation is left to the caller. */
void sim_busy_random(struct prng *prng, uint16_t first_day, struct sim_command *command);

struct outcome sim_busy_desk(struct sim_command *command, struct desk *desk);
/* Returns whether it is a record. */
bool sim_busy_model(struct sim_command *command, struct model *model);
bool sim_busy_agrees(const struct sim_command *command, const struct outcome *outcome);

/* The bit of a slot in busy.changed. */
static inline uint32_t sim_busy_bit(uint32_t day, uint32_t time)
{
	return UINT32_C(1) << (day * SIM_TIMES + time);
}
