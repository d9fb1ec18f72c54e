/*
 * sim_history_parts: what the files of sim_history share.
 *
 * Threads: one.
 */
#pragma once

#include <sim/sim_history.h>

#define SIM_DAY_MS    UINT64_C(86400000)
#define SIM_MINUTE_MS UINT64_C(60000)

/* Keeps the first violation, in words. False, always. */
__attribute__((format(printf, 2, 3))) bool sim_violated(struct sim_history *history, const char *format, ...);

/* Takes account of which slots the record of this command changed. */
void sim_truth_note(struct sim_history *history, const struct sim_command *command);

/* The record the answer depends on: the last that changed a slot or session asked about. */
uint64_t sim_truth_of(struct sim_history *history, const struct sim_command *command, const struct outcome *outcome);

/* Sessions of earlier commands for a command that asks for some, also in a group; and the generation of a BUSY. */
void sim_choose_sessions(struct sim_history *history, struct sim_command *command);

/* The command comes now: writes what the clocks say into it, and tells the model. */
void sim_tell_time(struct sim_history *history, struct sim_command *command);

/* Takes account of the holds the desk has found to be over since it was last asked; returns how many. */
uint32_t sim_note_expired(struct sim_history *history);

/* May another command come? */
bool sim_has_room(const struct sim_history *history);

/* A random command, if there is room for one: the desk and the model execute it, and must agree. */
void sim_execute_one(struct sim_history *history);

void sim_begin_model(struct sim_history *history);

/* The server starts on what is on the disk, and that is judged. False on a violation that leaves no server. */
bool sim_open_server(struct sim_history *history);

/* The power goes, or the process alone. */
void sim_crash(struct sim_history *history);
