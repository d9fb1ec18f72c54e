/* Which record each answer depends on, by the simulation's own account; see sim_history_parts.h. */
#include <sim/sim_busy.h>
#include <sim/sim_history_parts.h>
#include <stdlib.h>

static uint64_t *changed_at(struct sim_history *history, const struct sim_at *at)
{
	return &history->slot_changed[at->psychologist][at->day - SIM_FIRST_DAY][at->minute / 60 - 9];
}

/* A record changed the slot at this place, if it is still about the session that has it; `takes`: it is, from now on. */
static void note_slot(struct sim_history *history, const struct sim_at *at, uint64_t session, bool takes, uint64_t lsn)
{
	uint64_t *last = &history->slot_session[at->psychologist][at->day - SIM_FIRST_DAY][at->minute / 60 - 9];
	*last = takes ? session : *last;
	if (session == *last) { /* else the slot has been another's since */
		*changed_at(history, at) = lsn;
	}
}

static void note_move(struct sim_history *history, const struct sim_at *from, uint64_t session, uint64_t lsn)
{
	note_slot(history, from, session, false, lsn);
	note_slot(history, from, 0, true, lsn);
}

static void note_member(struct sim_history *history, const struct sim_member *member, uint64_t lsn)
{
	if (member->verb == SIM_MOVE) {
		note_move(history, &member->from, member->session, lsn);
	}
	const bool takes = member->verb == SIM_MOVE || sim_verb_claims(member->verb);
	note_slot(history, &member->at[member->place], member->session, takes, lsn);
}

static void note_busy(struct sim_history *history, const struct sim_command *command)
{
	history->busy_changed[command->psychologist][command->busy.source] = command->lsn;
	for (uint32_t i = 0; i < SIM_DAYS * SIM_TIMES; i++) {
		if (command->busy.changed & sim_busy_bit(i / SIM_TIMES, i % SIM_TIMES)) {
			(&history->slot_changed[command->psychologist][0][0])[i] = command->lsn;
		}
	}
}

void sim_truth_note(struct sim_history *history, const struct sim_command *command)
{
	if (command->verb == SIM_GROUP) {
		for (uint32_t i = 0; i < command->member_count; i++) {
			const struct sim_member *member = &command->members[i];
			if (member->changed) {
				note_member(history, member, command->lsn);
			}
		}
		return;
	}
	if (command->verb == SIM_BUSY) {
		note_busy(history, command);
		return;
	}
	if (command->verb == SIM_MOVE) {
		note_move(history, &command->from, command->session, command->lsn);
	}
	if (command->verb != SIM_PURGE) {
		const struct sim_at at = {command->psychologist, command->day, command->minute};
		const bool takes =
		    command->verb != SIM_CHANGE && command->verb != SIM_RENEW && command->verb != SIM_EXPIRE;
		note_slot(history, &at, command->session, takes, command->lsn);
		return;
	}
	history->purged_lsn = command->lsn;
	for (uint32_t psychologist = 1; psychologist <= SIM_PSYCHOLOGISTS; psychologist++) {
		for (uint32_t at = 0; at < sim_day_of(command) * SIM_TIMES; at++) {
			uint64_t *changed = &history->slot_changed[psychologist][0][0] + at;
			*changed = *changed != 0 ? command->lsn : 0; /* where nothing ever was, nothing went */
		}
	}
}

/* The record of this command that made the session what it is; 0: it made it nothing. */
static uint64_t lsn_of_session(const struct sim_command *command, uint64_t session)
{
	if (command->verb != SIM_GROUP) {
		return command->session == session ? command->lsn : 0;
	}
	for (uint32_t i = 0; i < command->member_count; i++) {
		if (command->members[i].changed && command->members[i].session == session) {
			return command->lsn;
		}
	}
	return 0;
}

/* The last record of those so far that changed a session. */
static uint64_t session_changed(const struct sim_history *history, uint64_t session)
{
	uint64_t lsn = 0;
	for (uint32_t i = 0; i < history->command_count; i++) {
		lsn = lsn_later(lsn, lsn_of_session(&history->commands[i], session));
	}
	return lsn;
}

/* The record that made a session what it is, or took it away. */
static uint64_t truth_of_session(struct sim_history *history, const struct sim_command *command)
{
	struct model_session session;
	if (!model_session(&history->model, command->session, &session)) {
		return history->purged_lsn;
	}
	return lsn_later(command->lsn, session_changed(history, command->session));
}

/* The records of what a client holds: by these it was told that it may hold no more. */
static uint64_t truth_of_holds(const struct sim_history *history, uint32_t client)
{
	uint64_t truth = 0;
	for (size_t i = 0; i < history->model.session_count; i++) {
		const struct model_session *session = &history->model.sessions[i];
		if (session->client == client && session->status == SESSION_HELD) {
			truth = lsn_later(truth, session_changed(history, session->id));
		}
	}
	return truth;
}

/* Is this answer to a RESCHEDULE about the session alone, not about the slot it was to go to? */
static bool is_of_session(enum outcome_code code)
{
	return code == OUTCOME_DONE || code == OUTCOME_NOSESSION || code == OUTCOME_STATE || code == OUTCOME_EXPIRED ||
	       code == OUTCOME_THERE;
}

/* What a member was told of slots: of the first of its places if it was refused, else of the one it has. */
static uint64_t truth_of_slot(struct sim_history *history, const struct sim_member *member)
{
	const enum outcome_code code = member->outcome.code;
	const bool moves = member->verb == SIM_MOVE && !is_of_session(code);
	if (code == OUTCOME_PAST || code == OUTCOME_TWICE || !(sim_verb_claims(member->verb) || moves)) {
		return 0; /* by the clock alone, or by the group itself */
	}
	if (code == OUTCOME_CLIENT_HOLDS) {
		return truth_of_holds(history, member->client);
	}
	return *changed_at(history, &member->at[code != OUTCOME_DONE ? 0 : member->place]);
}

/* That of a group's answer: the slots the clients have, and the sessions; if something was refused, those that were lost, and
 * those that were not. */
static uint64_t truth_of_group(struct sim_history *history, const struct sim_command *command)
{
	uint64_t truth = 0;
	for (uint32_t i = 0; i < command->member_count; i++) {
		const struct sim_member *member = &command->members[i];
		truth = lsn_later(truth, truth_of_slot(history, member));
		if (!sim_verb_claims(member->verb)) {
			truth = lsn_later(truth, session_changed(history, member->session));
		}
	}
	return truth;
}

/* Of all slots so near, but for the one asked about and those that have started. */
static uint64_t truth_of_alternatives(const struct sim_history *history, const struct sim_command *command)
{
	uint64_t truth = 0;
	const int64_t wanted = command->day * (int64_t)MINUTES_PER_DAY + command->minute;
	const int64_t now = (int64_t)(command->now_ms / SIM_MINUTE_MS);
	for (uint32_t i = 0; i < SIM_DAYS * SIM_TIMES; i++) {
		const int64_t at =
		    (int64_t)(SIM_FIRST_DAY + i / SIM_TIMES) * MINUTES_PER_DAY + 540 + 60 * (i % SIM_TIMES);
		const uint64_t changed = (&history->slot_changed[command->psychologist][0][0])[i];
		if (at > now && at != wanted && llabs(at - wanted) <= command->reach) {
			truth = lsn_later(truth, changed);
		}
	}
	return truth;
}

/* Of all sessions of the client: each is on one of the days, or is not. */
static uint64_t truth_of_sessions(const struct sim_history *history, uint32_t client)
{
	uint64_t truth = 0;
	for (size_t i = 0; i < history->model.session_count; i++) {
		const struct model_session *session = &history->model.sessions[i];
		truth = session->client == client ? lsn_later(truth, session_changed(history, session->id)) : truth;
	}
	return truth;
}

uint64_t sim_truth_of(struct sim_history *history, const struct sim_command *command, const struct outcome *outcome)
{
	if (command->verb == SIM_GROUP) {
		return truth_of_group(history, command);
	}
	if (command->verb == SIM_PURGE || (command->verb == SIM_OPEN && outcome->code == OUTCOME_PAST)) {
		return history->purged_lsn;
	}
	if (command->verb == SIM_BUSY) {
		return history->busy_changed[command->psychologist][command->busy.source];
	}
	if (command->verb == SIM_ALTERNATIVES) {
		return truth_of_alternatives(history, command);
	}
	if (command->verb == SIM_SESSIONS) {
		return truth_of_sessions(history, command->client);
	}
	if (outcome->code == OUTCOME_OVERLAP) {
		return *changed_at(
		    history, &(struct sim_at){command->psychologist, key_day(outcome->key), key_minute(outcome->key)});
	}
	if (command->session == SIM_NO_SESSION || (outcome->code == OUTCOME_PAST && command->verb != SIM_MOVE)) {
		return 0; /* nobody's; past by the clock alone */
	}
	const bool of_session =
	    command->verb == SIM_MOVE && (is_of_session(outcome->code) || outcome->code == OUTCOME_PAST);
	if (command->verb == SIM_SESSION || command->verb == SIM_CHANGE || command->verb == SIM_RENEW || of_session) {
		return truth_of_session(history, command);
	}
	/* A RESCHEDULE is refused for its slot only if the session could be moved at all. */
	uint64_t truth = command->verb == SIM_MOVE               ? truth_of_session(history, command)
			 : outcome->code == OUTCOME_CLIENT_HOLDS ? truth_of_holds(history, command->client)
								 : 0;
	const uint32_t days = command->verb == SIM_SLOTS ? command->days : 1;
	for (uint32_t i = 0; i < days * SIM_TIMES; i++) {
		const bool asked = command->verb == SIM_SLOTS || i == sim_time_of(command);
		const uint64_t lsn = (&history->slot_changed[command->psychologist][sim_day_of(command)][0])[i];
		truth = asked && lsn > truth ? lsn : truth;
	}
	return truth;
}
