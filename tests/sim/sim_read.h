/*
 * sim_read: what readers see of the desk, held against the model at once.
 *
 * Threads: one.
 */
#pragma once

#include <sim/sim_command.h>

/* The slot at the command's place. False, *session 0: there is none. *session is 0, too, if it is open, SIM_BLOCKED if a
 * calendar is busy over it. */
bool sim_desk_slot(struct desk *desk, const struct sim_command *command, uint64_t *session, uint64_t *lsn);
bool sim_model_slot(struct model *model, const struct sim_command *command, uint64_t *session);

/* Does the desk show this session as the model has it? *lsn is what its answer depends on. */
bool sim_same_session(struct desk *desk, struct model *model, uint64_t id, uint64_t *lsn);

/* SLOT, SLOTS, SESSION, SESSIONS, ALTERNATIVES. Does the desk answer as the model does? */
bool sim_read(struct sim_command *command, struct desk *desk, struct model *model, uint64_t *lsn);
