/*
 * sim_group: several changes together, executed by the desk and by the model (sim_command.h, SIM_GROUP).
 *
 * To the model a group is its changes one after the other, on a copy, which is kept if none is refused. It says on its own what
 * serve/group.h does: a session that the group has made or changed already is not changed again.
 *
 * Threads: one.
 */
#pragma once

#include <sim/sim_command.h>

/* A series of one client, a choice, or any mix of all that may be in a MULTI. */
void sim_group_random(struct prng *prng, uint16_t first_day, struct sim_command *command);

struct outcome sim_group_desk(struct sim_command *command, struct desk *desk);
/* command->expected: the model's, of each. Returns whether anything changes. */
bool sim_group_model(struct sim_command *command, struct model *model);
/* Is each member's answer the model's? */
bool sim_group_agrees(const struct sim_command *command, const struct outcome *outcome);
