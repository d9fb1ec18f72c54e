/* One command, held against the model; see sim_history_parts.h. */
#include <inttypes.h>
#include <sim/sim_history_parts.h>

void sim_tell_time(struct sim_history *history, struct sim_command *command)
{
	command->now_ms = history->now_ms + (uint64_t)history->skew_ms;
	command->hold_ms = history->now_ms + (uint64_t)history->ahead_ms;
	history->model.hold_now_ms = command->hold_ms;
	if (history->canary == CANARY_REVIVED_HOLD) {
		atomic_store_explicit(&history->desk.hold_clock, INT64_MIN, memory_order_relaxed);
	}
}

/* The hold of a session was found to be over, by a record of its own. */
static bool note_expiry(struct sim_history *history, const struct model_session *session, uint64_t lsn)
{
	struct sim_command expiry = {
	    .verb = SIM_EXPIRE,
	    .psychologist = key_psychologist(session->key),
	    .day = key_day(session->key),
	    .minute = key_minute(session->key),
	    .session = session->id,
	    .lsn = lsn,
	};
	sim_tell_time(history, &expiry);
	if (!model_expire(&history->model, expiry.session)) {
		return sim_violated(history, "session %" PRIu64 " expired too early", expiry.session);
	}
	sim_truth_note(history, &expiry);
	history->commands[history->command_count++] = expiry;
	return true;
}

uint32_t sim_note_expired(struct sim_history *history)
{
	uint32_t count = 0;
	for (size_t i = 0; i < history->model.session_count; i++) {
		const struct model_session session = history->model.sessions[i];
		struct session_view seen;
		if (session.status == SESSION_HELD && table_session_view(&history->table, session.id, &seen) &&
		    seen.status == SESSION_EXPIRED) {
			count += note_expiry(history, &session, seen.lsn);
		}
	}
	return count;
}

static bool is_held_until(struct sim_history *history, uint64_t id, uint64_t expires_ms)
{
	struct model_session session = {0};
	model_session(&history->model, id, &session);
	return expires_ms == session.expires_ms ||
	       sim_violated(history, "session %" PRIu64 " is held until %" PRIu64 ", the model says %" PRIu64, id,
			    expires_ms, session.expires_ms);
}

/* Was the client told when the hold is over? */
static bool same_expiry(struct sim_history *history, const struct sim_command *command, const struct outcome *outcome,
			enum model_outcome expected)
{
	bool same = true;
	if (outcome->code != OUTCOME_DONE || history->canary == CANARY_REVIVED_HOLD) {
		return true;
	}
	if ((command->verb == SIM_HOLD || command->verb == SIM_RENEW) && expected == MODEL_DONE) {
		return is_held_until(history, command->session, outcome->expires_ms);
	}
	for (uint32_t i = 0; i < command->member_count; i++) {
		const struct sim_member *member = &command->members[i];
		/* One that was there already may have been changed by the next member. */
		if (member->changed && (member->verb == SIM_HOLD || member->verb == SIM_RENEW)) {
			same = is_held_until(history, member->session, member->outcome.expires_ms) && same;
		}
	}
	return same;
}

static void execute(struct sim_history *history, struct sim_command command)
{
	if (command.verb == SIM_PURGE) {
		const uint64_t midnight_ms = command.day * SIM_DAY_MS + SIM_MINUTE_MS; /* and a little, for the skew */
		history->now_ms = history->now_ms > midnight_ms ? history->now_ms : midnight_ms;
	}
	sim_tell_time(history, &command);
	const uint64_t appended = wal_appended_lsn(history->wal);
	bool agrees;
	const struct outcome outcome = sim_command_desk(&command, &history->desk, &history->model, &agrees);
	const uint32_t expired = sim_note_expired(history);
	const bool changed = wal_appended_lsn(history->wal) > appended + expired;
	if (sim_command_claims(&command)) {
		command.session = outcome.code == OUTCOME_DONE ? outcome.value : 0;
	}
	enum model_outcome expected;
	const bool should_change = sim_command_model(&command, &history->model, &expected);
	if (!agrees || changed != should_change || !sim_command_agrees(&command, &outcome, expected)) {
		sim_violated(history, "command %" PRIu32 " (verb %d): the desk says %d, the model %s",
			     history->command_count, (int)command.verb, (int)outcome.code,
			     model_outcome_name(expected));
		return;
	}
	if (!same_expiry(history, &command, &outcome, expected)) {
		return;
	}
	if (changed) {
		command.lsn = wal_appended_lsn(history->wal);
		sim_truth_note(history, &command);
	}
	if (changed && command.verb == SIM_PURGE) {
		history->reclaiming = true;
		history->cursor = (struct purge_cursor){0};
	}
	command.truth = sim_truth_of(history, &command, &outcome);
	struct gate *gate = &history->gates[prng_below(&history->prng, SIM_GATES)];
	const bool at_once = history->canary == CANARY_LOSERS_AT_ONCE && !changed;
	buffer_add(&gate->waiting, &history->command_count, sizeof history->command_count);
	gate_mark(gate, at_once ? 0 : outcome.lsn, 1);
	history->commands[history->command_count++] = command;
}

bool sim_has_room(const struct sim_history *history)
{
	return history->command_count + SIM_EXPIRIES < SIM_COMMANDS && wal_has_room(history->wal);
}

/* The first day that is not over, on the simulated clock. */
static uint16_t first_day(const struct sim_history *history)
{
	const uint64_t today = history->now_ms / SIM_DAY_MS;
	return today > SIM_FIRST_DAY ? (uint16_t)today : SIM_FIRST_DAY;
}

void sim_execute_one(struct sim_history *history)
{
	if (!sim_has_room(history)) {
		return;
	}
	const uint16_t today = first_day(history);
	if (today > SIM_FIRST_DAY && history->model.purged_before_day < today) {
		/* The last purge was lost, and the days that are over are there again: the first thing is to purge them. */
		execute(history, (struct sim_command){.verb = SIM_PURGE, .psychologist = 1, .day = today});
		return;
	}
	struct sim_command command = sim_command_random(&history->prng, today);
	sim_choose_sessions(history, &command);
	execute(history, command);
}
