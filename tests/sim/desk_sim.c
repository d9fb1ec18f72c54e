/*
 * desk_sim: desk, gates and log in one thread, over a disk that loses power: what anybody was told must still be true.
 *
 * A history is a few lives of one server. In a life, random commands for few slots of a few days come over a few
 * connections; the production desk executes them, their replies wait in production gates, batches are sent and completed,
 * days pass and are purged, and at a random moment the power goes, or only the process; now and then a snapshot is written
 * beside the commands, step by step, and the power may go in the middle of a step, too. The model executes the same commands
 * in the same order and must answer the same, also to readers. The simulation says, on its own, on which record each answer
 * depends: the last one that changed a slot asked about. After each crash:
 *
 *   - every reply that had left its gate depends on records that were recovered: winners, losers, readers     [I2]
 *   - the table is what the model makes of the recovered commands, slot by slot and session by session    [I1, I4]
 *   - whoever has a slot and asks again gets the same id                                                     [I10]
 *
 * Ten bugs can be planted (--canary) and must then be found; without --canary each of them is, before the real run:
 *   eager-gate       replies leave without waiting
 *   losers-at-once   only replies to changes wait
 *   lost-cancel      replay skips cancellations
 *   lost-status      replay skips what else becomes of sessions
 *   lost-move        replay skips sessions that go to another slot
 *   lost-busy        replay skips what calendars say
 *   lost-purge       replay skips purges
 *   revived-hold     the hold clock goes back with the wall clock
 *   lost-redo        replay skips the records that a snapshot may have or not
 *   half-group       replay applies only the first member of a group
 *
 * usage: desk_sim [--seconds N] [--crashes N] [--seed N] [--processes N] [--canary NAME|all]
 * A run ends with the first that is reached, without either after 10 seconds.
 * History k of a run has the seed N + k, so that a violation is repeated by the command it prints.
 */
#include <base/check.h>
#include <base/hash.h>
#include <getopt.h>
#include <inttypes.h>
#include <log/replay.h>
#include <serve/gate.h>
#include <sim/sim_busy.h>
#include <sim/sim_crew.h>
#include <sim/sim_disk.h>
#include <sim/sim_read.h>
#include <sim/sim_region.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define LIVES_MAX          5
#define STEPS_MAX          120
#define EXPIRIES_MAX       (SIM_PSYCHOLOGISTS * SIM_DAYS * SIM_TIMES)
#define COMMANDS_MAX       (4 * LIVES_MAX * STEPS_MAX)
#define GATES              3
#define MEMORY             (UINT64_C(16) << 20)
#define CANARY_CRASHES_MAX 20000
#define RECLAIM_SLICE      3 /* records; small, so that commands come in between */
#define HOLD_TOTAL_S       30
#define HOLDS_PER_CLIENT   2 /* or fewer */
#define DAY_MS             UINT64_C(86400000)
#define MINUTE_MS          UINT64_C(60000)

enum canary {
	CANARY_NONE,
	CANARY_EAGER_GATE,
	CANARY_LOSERS_AT_ONCE,
	CANARY_LOST_CANCEL,
	CANARY_LOST_STATUS,
	CANARY_LOST_MOVE,
	CANARY_LOST_BUSY,
	CANARY_LOST_PURGE,
	CANARY_LOST_REDO,
	CANARY_REVIVED_HOLD,
	CANARY_HALF_GROUP,
	CANARIES,
};

static const char *const canary_names[] = {"none",        "eager-gate",   "losers-at-once", "lost-cancel",
					   "lost-status", "lost-move",    "lost-busy",      "lost-purge",
					   "lost-redo",   "revived-hold", "half-group"};

/* Of all lives; numbers of 64 bits, added up over processes. */
struct counts {
	uint64_t crashes;
	uint64_t snapshots; /* written */
	uint64_t loaded;
};

struct history {
	struct prng prng;
	struct sim_disk disk;
	struct clock clock;
	uint64_t now_ms;  /* that goes on evenly, also over crashes: the monotonic clock */
	int64_t skew_ms;  /* the wall clock is ahead by, */
	int64_t ahead_ms; /* and the hold clock, by the simulation's own account */
	uint32_t holds_per_client;
	enum canary canary;
	struct sim_command commands[COMMANDS_MAX];
	uint32_t command_count;
	/* of the present life */
	struct config config;
	struct service service;
	struct memory memory;
	struct table table;
	struct desk desk;
	struct wal *wal;
	struct rebuild rebuild;
	struct snapshot_writer *writer; /* NULL: none is being written */
	uint64_t snapshot_lsn;
	struct gate gates[GATES];
	struct model model;
	uint64_t slot_changed[SIM_PSYCHOLOGISTS + 1][SIM_DAYS][SIM_TIMES];
	uint64_t slot_session[SIM_PSYCHOLOGISTS + 1][SIM_DAYS][SIM_TIMES]; /* the last that booked it */
	uint64_t busy_changed[SIM_PSYCHOLOGISTS + 1][SIM_SOURCES];         /* the last that said something */
	uint64_t purged_lsn;
	bool reclaiming; /* a purge is not over */
	struct purge_cursor cursor;
	struct table_counts counted; /* what INFO would say, but for the desk's counters since then */
	char violation[SIM_VIOLATION_SIZE];
	struct counts counts;
};

__attribute__((format(printf, 2, 3))) static bool violated(struct history *history, const char *format, ...)
{
	if (history->violation[0] == '\0') {
		va_list arguments;
		va_start(arguments, format);
		vsnprintf(history->violation, sizeof history->violation, format, arguments);
		va_end(arguments);
	}
	return false;
}

static uint64_t sim_wall_ms(void *context)
{
	const struct history *history = context;
	return history->now_ms + (uint64_t)history->skew_ms;
}

static uint64_t sim_monotonic_ns(void *context)
{
	return ((struct history *)context)->now_ms * 1000000;
}

/* ----------------------------------------------------------------------------------------------- who depends on what */

static uint64_t *changed_at(struct history *history, const struct sim_at *at)
{
	return &history->slot_changed[at->psychologist][at->day - SIM_FIRST_DAY][at->minute / 60 - 9];
}

/* A record changed the slot at this place, if it is still about the session that has it; `takes`: it is, from now on. */
static void note_slot(struct history *history, const struct sim_at *at, uint64_t session, bool takes, uint64_t lsn)
{
	uint64_t *last = &history->slot_session[at->psychologist][at->day - SIM_FIRST_DAY][at->minute / 60 - 9];
	*last = takes ? session : *last;
	if (session == *last) { /* else the slot has been another's since */
		*changed_at(history, at) = lsn;
	}
}

static void note_move(struct history *history, const struct sim_at *from, uint64_t session, uint64_t lsn)
{
	note_slot(history, from, session, false, lsn);
	note_slot(history, from, 0, true, lsn);
}

static void note_member(struct history *history, const struct sim_member *member, uint64_t lsn)
{
	if (member->verb == SIM_MOVE) {
		note_move(history, &member->from, member->session, lsn);
	}
	const bool takes = member->verb == SIM_MOVE || sim_verb_claims(member->verb);
	note_slot(history, &member->at[member->place], member->session, takes, lsn);
}

static void note_busy(struct history *history, const struct sim_command *command)
{
	history->busy_changed[command->psychologist][command->busy.source] = command->lsn;
	for (uint32_t i = 0; i < SIM_DAYS * SIM_TIMES; i++) {
		if (command->busy.changed & sim_busy_bit(i / SIM_TIMES, i % SIM_TIMES)) {
			(&history->slot_changed[command->psychologist][0][0])[i] = command->lsn;
		}
	}
}

/* Which slots the record of this command changed. */
static void note_change(struct history *history, const struct sim_command *command)
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
static uint64_t session_changed(const struct history *history, uint64_t session)
{
	uint64_t lsn = 0;
	for (uint32_t i = 0; i < history->command_count; i++) {
		lsn = lsn_later(lsn, lsn_of_session(&history->commands[i], session));
	}
	return lsn;
}

/* The record that made a session what it is, or took it away. */
static uint64_t truth_of_session(struct history *history, const struct sim_command *command)
{
	struct model_session session;
	if (!model_session(&history->model, command->session, &session)) {
		return history->purged_lsn;
	}
	return lsn_later(command->lsn, session_changed(history, command->session));
}

/* The records of what a client holds: by these it was told that it may hold no more. */
static uint64_t truth_of_holds(const struct history *history, uint32_t client)
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
static uint64_t truth_of_slot(struct history *history, const struct sim_member *member)
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
static uint64_t truth_of_group(struct history *history, const struct sim_command *command)
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
static uint64_t truth_of_alternatives(const struct history *history, const struct sim_command *command)
{
	uint64_t truth = 0;
	const int64_t wanted = command->day * (int64_t)MINUTES_PER_DAY + command->minute;
	const int64_t now = (int64_t)(command->now_ms / MINUTE_MS);
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
static uint64_t truth_of_sessions(const struct history *history, uint32_t client)
{
	uint64_t truth = 0;
	for (size_t i = 0; i < history->model.session_count; i++) {
		const struct model_session *session = &history->model.sessions[i];
		truth = session->client == client ? lsn_later(truth, session_changed(history, session->id)) : truth;
	}
	return truth;
}

/* The record the answer depends on: the last that changed a slot or session asked about. */
static uint64_t truth_of(struct history *history, const struct sim_command *command, const struct outcome *outcome)
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

/* The session a command was answered with, and its place; 0: none. Of a group, one of its members'. */
static uint64_t session_of_command(struct prng *prng, const struct sim_command *command, struct sim_at *at)
{
	*at = (struct sim_at){command->psychologist, command->day, command->minute};
	if (command->verb == SIM_GROUP) {
		const struct sim_member *member = &command->members[prng_below(prng, command->member_count)];
		*at = member->at[member->place];
		return sim_verb_claims(member->verb) ? member->session : 0;
	}
	return sim_command_claims(command) ? command->session : 0;
}

/* A session of an earlier command, with the place it has, or was for, so that the model's account knows its slot. */
static uint64_t choose_session(struct history *history, struct sim_at *at)
{
	for (uint32_t tries = 0; tries < 8 && history->command_count > 0; tries++) {
		const struct sim_command *earlier =
		    &history->commands[prng_below(&history->prng, history->command_count)];
		const uint64_t session = session_of_command(&history->prng, earlier, at);
		struct model_session found;
		if (session != 0 && model_session(&history->model, session, &found)) {
			*at = (struct sim_at){key_psychologist(found.key), key_day(found.key), key_minute(found.key)};
		}
		if (session != 0) {
			return session;
		}
	}
	return SIM_NO_SESSION;
}

/* Mostly one that has its slot: of a group that is refused nothing is to be seen. *client: whose it is, 0 if it has none. */
static uint64_t choose_member(struct history *history, struct sim_at *at, uint32_t *client)
{
	uint64_t id = SIM_NO_SESSION;
	*client = 0;
	for (uint32_t tries = 0; tries < 6; tries++) {
		struct model_session session;
		id = choose_session(history, at);
		if (model_session(&history->model, id, &session) && session_occupies(session.status)) {
			*client = session.client;
			break;
		}
	}
	return id;
}

/* A group's sessions; and what comes behind one is often about the slot it had, for its client. */
static void choose_for_members(struct history *history, struct sim_command *command)
{
	struct prng *prng = &history->prng;
	struct sim_at left;
	uint32_t client = 0; /* who has left, 0: nobody */
	for (uint32_t i = 0; i < command->member_count; i++) {
		struct sim_member *member = &command->members[i];
		const bool follows = client != 0 && prng_one_in(prng, 2);
		if (follows && (member->verb == SIM_MOVE || sim_verb_claims(member->verb))) {
			member->at[0] = left;
			member->client = prng_one_in(prng, 2) ? client : member->client;
		}
		if (member->verb == SIM_MOVE) {
			member->session = choose_member(history, &left, &client);
		} else if (!sim_verb_claims(member->verb)) {
			member->session = choose_member(history, &member->at[0], &client);
			left = member->at[0];
		}
	}
}

static void choose_sessions(struct history *history, struct sim_command *command)
{
	struct sim_at at = {command->psychologist, command->day, command->minute};
	if (command->verb == SIM_MOVE) {
		command->session = choose_session(history, &at);
		return;
	}
	/* Some are late. */
	command->busy.generation = history->command_count / 8 + prng_below(&history->prng, 3);
	if (command->verb == SIM_CHANGE || command->verb == SIM_RENEW || command->verb == SIM_SESSION) {
		command->session = choose_session(history, &at);
		command->psychologist = at.psychologist;
		command->day = at.day;
		command->minute = at.minute;
	}
	choose_for_members(history, command);
}

static void tell_time(struct history *history, struct sim_command *command)
{
	command->now_ms = history->now_ms + (uint64_t)history->skew_ms;
	command->hold_ms = history->now_ms + (uint64_t)history->ahead_ms;
	history->model.hold_now_ms = command->hold_ms;
	if (history->canary == CANARY_REVIVED_HOLD) {
		atomic_store_explicit(&history->desk.hold_clock, INT64_MIN, memory_order_relaxed);
	}
}

/* The hold of a session was found to be over, by a record of its own. */
static bool note_expiry(struct history *history, const struct model_session *session, uint64_t lsn)
{
	struct sim_command expiry = {
	    .verb = SIM_EXPIRE,
	    .psychologist = key_psychologist(session->key),
	    .day = key_day(session->key),
	    .minute = key_minute(session->key),
	    .session = session->id,
	    .lsn = lsn,
	};
	tell_time(history, &expiry);
	if (!model_expire(&history->model, expiry.session)) {
		return violated(history, "session %" PRIu64 " expired too early", expiry.session);
	}
	note_change(history, &expiry);
	history->commands[history->command_count++] = expiry;
	return true;
}

/* Which holds the desk has found to be over since it was last asked; returns how many. */
static uint32_t note_expired(struct history *history)
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

static bool is_held_until(struct history *history, uint64_t id, uint64_t expires_ms)
{
	struct model_session session = {0};
	model_session(&history->model, id, &session);
	return expires_ms == session.expires_ms ||
	       violated(history, "session %" PRIu64 " is held until %" PRIu64 ", the model says %" PRIu64, id,
			expires_ms, session.expires_ms);
}

/* Was the client told when the hold is over? */
static bool same_expiry(struct history *history, const struct sim_command *command, const struct outcome *outcome,
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

static void execute(struct history *history, struct sim_command command)
{
	if (command.verb == SIM_PURGE) {
		const uint64_t midnight_ms = command.day * DAY_MS + MINUTE_MS; /* and a little, for the skew */
		history->now_ms = history->now_ms > midnight_ms ? history->now_ms : midnight_ms;
	}
	tell_time(history, &command);
	const uint64_t appended = wal_appended_lsn(history->wal);
	bool agrees;
	const struct outcome outcome = sim_command_desk(&command, &history->desk, &history->model, &agrees);
	const uint32_t expired = note_expired(history);
	const bool changed = wal_appended_lsn(history->wal) > appended + expired;
	if (sim_command_claims(&command)) {
		command.session = outcome.code == OUTCOME_DONE ? outcome.value : 0;
	}
	enum model_outcome expected;
	const bool should_change = sim_command_model(&command, &history->model, &expected);
	if (!agrees || changed != should_change || !sim_command_agrees(&command, &outcome, expected)) {
		violated(history, "command %" PRIu32 " (verb %d): the desk says %d, the model %s",
			 history->command_count, (int)command.verb, (int)outcome.code, model_outcome_name(expected));
		return;
	}
	if (!same_expiry(history, &command, &outcome, expected)) {
		return;
	}
	if (changed) {
		command.lsn = wal_appended_lsn(history->wal);
		note_change(history, &command);
	}
	if (changed && command.verb == SIM_PURGE) {
		history->reclaiming = true;
		history->cursor = (struct purge_cursor){0};
	}
	command.truth = truth_of(history, &command, &outcome);
	struct gate *gate = &history->gates[prng_below(&history->prng, GATES)];
	const bool at_once = history->canary == CANARY_LOSERS_AT_ONCE && !changed;
	buffer_add(&gate->waiting, &history->command_count, sizeof history->command_count);
	gate_mark(gate, at_once ? 0 : outcome.lsn, 1);
	history->commands[history->command_count++] = command;
}

static bool has_room(const struct history *history)
{
	return history->command_count + EXPIRIES_MAX < COMMANDS_MAX && wal_has_room(history->wal);
}

/* The first day that is not over, on the simulated clock. */
static uint16_t first_day(const struct history *history)
{
	const uint64_t today = history->now_ms / DAY_MS;
	return today > SIM_FIRST_DAY ? (uint16_t)today : SIM_FIRST_DAY;
}

static void execute_one(struct history *history)
{
	if (!has_room(history)) {
		return;
	}
	const uint16_t today = first_day(history);
	if (today > SIM_FIRST_DAY && history->model.purged_before_day < today) {
		/* The last purge was lost, and the days that are over are there again: the first thing is to purge them. */
		execute(history, (struct sim_command){.verb = SIM_PURGE, .psychologist = 1, .day = today});
		return;
	}
	struct sim_command command = sim_command_random(&history->prng, today);
	choose_sessions(history, &command);
	execute(history, command);
}

/* ----------------------------------------------------------------------------------------------------------- lives */

static void release(struct history *history)
{
	const uint64_t durable = history->canary == CANARY_EAGER_GATE ? UINT64_MAX : wal_durable_lsn(history->wal);
	for (uint32_t i = 0; i < GATES; i++) {
		struct gate *gate = &history->gates[i];
		if (!gate_release(gate, durable)) {
			continue;
		}
		for (size_t at = 0; at < gate->leaving.size; at += sizeof(uint32_t)) {
			history->commands[load32(gate->leaving.at + at)].told = true;
		}
		gate_sent(gate);
	}
}

/* Begins a snapshot, or does its next step; in one of some the power goes in the middle. */
static void snapshot_some(struct history *history)
{
	struct error error = {0};
	if (prng_one_in(&history->prng, 40)) {
		history->disk.power_cut_in = 1 + prng_below(&history->prng, 2);
	}
	if (history->writer == NULL) {
		const struct snapshot_options options = {
		    .disk = &history->disk.port,
		    .clock = &history->clock,
		    .wal = history->wal,
		    .table = &history->table,
		    .piece_size = DISK_ALIGN,
		    .previous_lsn = history->snapshot_lsn,
		};
		history->writer = snapshot_begin(&options, &error);
	} else {
		const enum snapshot_step step = snapshot_step(history->writer, &error);
		if (step == SNAPSHOT_DONE) {
			history->snapshot_lsn = snapshot_writer_info(history->writer)->lsn;
			history->counts.snapshots++;
			snapshot_close(history->writer);
			history->writer = NULL;
		}
	}
	if (!history->disk.powerless) {
		history->disk.power_cut_in = 0;
		if (error.code != ERROR_NONE) {
			violated(history, "a snapshot failed: %s", error.text);
		}
	}
}

/* A moment passes, or some seconds, or up to two hours; never midnight: a purge says when a day is over. */
static void let_time_pass(struct history *history)
{
	const uint64_t last_ms = DAY_MS - 2 * MINUTE_MS;
	const uint64_t of_day_ms = history->now_ms % DAY_MS;
	uint64_t step_ms = prng_one_in(&history->prng, 8) ? prng_below(&history->prng, 15000) : 1;
	if (prng_one_in(&history->prng, 40)) {
		step_ms = prng_below(&history->prng, 120) * MINUTE_MS;
	}
	if (history->now_ms < SIM_FIRST_DAY * DAY_MS && prng_one_in(&history->prng, 100)) {
		history->now_ms = SIM_FIRST_DAY * DAY_MS + MINUTE_MS;
	} else if (of_day_ms < last_ms) {
		history->now_ms += step_ms < last_ms - of_day_ms ? step_ms : last_ms - of_day_ms;
	}
}

/* Somebody sets the wall clock: back or forth, by less than a minute. The desk looks at it at once; what nobody saw did not
 * happen. */
static void set_clock(struct history *history)
{
	history->skew_ms = (int64_t)prng_below(&history->prng, 40000) - 20000;
	history->ahead_ms = history->skew_ms > history->ahead_ms ? history->skew_ms : history->ahead_ms;
	desk_now_ms(&history->desk);
}

/* The sweeper comes by, or does not for a long time. */
static void sweep(struct history *history)
{
	if (has_room(history)) {
		struct sim_command now;
		tell_time(history, &now);
		desk_sweep_holds(&history->desk);
		note_expired(history);
	}
}

/* Takes some of what a purge left; the server's counters would follow. */
static void reclaim_some(struct history *history)
{
	const struct purge_cursor before = history->cursor;
	const struct purge_cursor *now = &history->cursor;
	history->reclaiming = table_purge_reclaim(&history->table, &history->cursor, RECLAIM_SLICE);
	history->counted.open -= now->removed_open - before.removed_open;
	history->counted.booked -= now->removed_booked - before.removed_booked;
	history->counted.held -= now->removed_held - before.removed_held;
	history->counted.blocked -= now->removed_blocked - before.removed_blocked;
}

/* Do the counters of INFO say what the table has? */
static void compare_counts(struct history *history)
{
	struct table_counts counts;
	const struct counters *counters = &history->service.counters[0];
	const struct table_counts *from = &history->counted;
	table_count(&history->table, &counts);
	/* Relaxed: one thread. */
	const int64_t open = atomic_load_explicit(&counters->slots_open, memory_order_relaxed);
	const int64_t booked = atomic_load_explicit(&counters->slots_booked, memory_order_relaxed);
	const int64_t held = atomic_load_explicit(&counters->slots_held, memory_order_relaxed);
	const int64_t blocked = atomic_load_explicit(&counters->slots_blocked, memory_order_relaxed);
	if (from->open + (uint64_t)open != counts.open || from->booked + (uint64_t)booked != counts.booked ||
	    from->held + (uint64_t)held != counts.held || from->blocked + (uint64_t)blocked != counts.blocked) {
		violated(history,
			 "the counters say that since the start there are %" PRId64 " slots open, %" PRId64
			 " booked, %" PRId64 " held and %" PRId64 " blocked, which is not what the table has",
			 open, booked, held, blocked);
	}
}

static void live(struct history *history)
{
	const uint32_t steps = prng_below(&history->prng, STEPS_MAX);
	for (uint32_t i = 0; i < steps && history->violation[0] == '\0' && !history->disk.powerless; i++) {
		const uint32_t draw = prng_below(&history->prng, 12);
		let_time_pass(history);
		if (prng_one_in(&history->prng, 30)) {
			set_clock(history);
		}
		if (prng_one_in(&history->prng, 20)) {
			sweep(history);
		}
		if (history->reclaiming && prng_one_in(&history->prng, 4)) {
			reclaim_some(history);
		} else if (draw < 5) {
			execute_one(history);
		} else if (draw < 6) {
			wal_pump(history->wal);
		} else if (draw < 8) {
			sim_disk_step(&history->disk);
		} else {
			snapshot_some(history);
		}
		release(history);
	}
	/* In the middle of a purge there are slots that nobody sees any more. */
	if (history->violation[0] == '\0' && !history->reclaiming) {
		compare_counts(history);
	}
}

/* Does a planted bug lose this record? Never the last one that a snapshot may have or not: with it the redo ends. */
static bool is_lost(const struct history *history, const struct record *record, uint64_t lsn)
{
	const struct snapshot_info *snapshot = &history->rebuild.found.info;
	if (lsn == snapshot->end_lsn) {
		return false;
	}
	switch (history->canary) {
	case CANARY_LOST_CANCEL:
		return record->type == RECORD_CANCEL;
	case CANARY_LOST_STATUS:
		return record->type == RECORD_STATUS;
	case CANARY_LOST_MOVE:
		return record->type == RECORD_MOVE;
	case CANARY_LOST_BUSY:
		return record->type == RECORD_BUSY;
	case CANARY_LOST_PURGE:
		return record->type == RECORD_PURGE;
	case CANARY_LOST_REDO:
		return lsn > snapshot->lsn && lsn < snapshot->end_lsn;
	default:
		return false;
	}
}

static bool on_record(void *context, const struct record *record, uint64_t lsn, struct error *error)
{
	struct history *history = context;
	struct span members = record->members;
	struct record first;
	if (history->canary == CANARY_HALF_GROUP && record_next_member(&members, &first)) {
		return rebuild_record(&history->rebuild, &first, lsn, error);
	}
	return is_lost(history, record, lsn) || rebuild_record(&history->rebuild, record, lsn, error);
}

static void begin_model(struct history *history)
{
	model_init(&history->model, false);
	history->model.hold_total_ms = HOLD_TOTAL_S * UINT64_C(1000);
	history->model.holds_per_client = history->holds_per_client;
}

/* What survived of the commands: told ones must be there in full; the model starts again from the recovered ones. */
static void judge(struct history *history, uint64_t recovered_lsn)
{
	model_fini(&history->model);
	begin_model(history);
	memset(history->slot_changed, 0, sizeof history->slot_changed);
	memset(history->slot_session, 0, sizeof history->slot_session);
	memset(history->busy_changed, 0, sizeof history->busy_changed);
	history->purged_lsn = 0;
	history->reclaiming = false;
	uint32_t kept = 0;
	for (uint32_t i = 0; i < history->command_count; i++) {
		struct sim_command *command = &history->commands[i];
		if (command->told && (command->truth > recovered_lsn || command->lsn > recovered_lsn)) {
			violated(history,
				 "the answer to command %" PRIu32 " was told and depends on lsn %" PRIu64
				 ", but the log ends with %" PRIu64,
				 i, command->truth, recovered_lsn);
			return;
		}
		if (command->lsn == 0 || command->lsn > recovered_lsn) {
			continue;
		}
		enum model_outcome outcome;
		CHECK(sim_command_model(command, &history->model, &outcome));
		note_change(history, command);
		command->told = false; /* judged */
		history->commands[kept++] = *command;
	}
	history->command_count = kept;
}

static void compare_slot(struct history *history, const struct sim_command *at)
{
	uint64_t session;
	uint64_t expected_session;
	uint64_t lsn;
	const bool there = sim_desk_slot(&history->desk, at, &session, &lsn);
	const bool expected_there = sim_model_slot(&history->model, at, &expected_session);
	if (there != expected_there || session != expected_session) {
		violated(history,
			 "after recovery dr-%" PRIu32 ", day %" PRIu32 ", %02u:00 is %s, session %" PRIu64
			 "; the model says %s, session %" PRIu64,
			 at->psychologist, sim_day_of(at), at->minute / 60u, there ? "there" : "none", session,
			 expected_there ? "there" : "none", expected_session);
	}
}

/* The table after recovery is the model after the same commands. */
static void compare(struct history *history)
{
	struct sim_command now;
	tell_time(history, &now);
	struct sim_command at = {0};
	for (at.psychologist = 1; at.psychologist <= SIM_PSYCHOLOGISTS; at.psychologist++) {
		for (uint32_t i = 0; i < SIM_DAYS * SIM_TIMES; i++) {
			at.day = (uint16_t)(SIM_FIRST_DAY + i / SIM_TIMES);
			at.minute = (uint16_t)(540 + 60 * (i % SIM_TIMES));
			compare_slot(history, &at);
		}
	}
	note_expired(history);
	holds_check(&history->desk.holds);
	for (size_t i = 0; i < history->model.session_count; i++) {
		const uint64_t id = history->model.sessions[i].id;
		uint64_t lsn;
		if (!sim_same_session(&history->desk, &history->model, id, &lsn)) {
			violated(history, "after recovery session %" PRIu64 " is not as the model has it", id);
		}
	}
	table_check(&history->table);
}

/* The hold clock goes on from the newest moment that was recovered. */
static void follow_clock(struct history *history)
{
	const uint64_t now_ms = desk_now_ms(&history->desk);
	for (size_t i = 0; i < history->model.session_count && history->canary == CANARY_NONE; i++) {
		const struct model_session *session = &history->model.sessions[i];
		if (session->status == SESSION_HELD && session->created_ms > now_ms) {
			violated(history, "the hold clock went back before the hold of session %" PRIu64, session->id);
		}
	}
	history->ahead_ms = (int64_t)(now_ms - history->now_ms);
}

static bool open_server(struct history *history)
{
	memset(&history->service, 0, sizeof history->service);
	memory_init(&history->memory, MEMORY);
	struct error error = {0};
	const struct table_options table_options = {.stripe_count = 1, .seed = prng_next(&history->prng)};
	CHECK(table_init(&history->table, &history->memory, &table_options, &error));
	history->service.clock = &history->clock;
	config_defaults(&history->config);
	history->config.hold_total_max = HOLD_TOTAL_S;
	history->config.holds_per_client = history->holds_per_client;
	history->service.config = &history->config;
	history->desk = (struct desk){.service = &history->service,
				      .memory = &history->memory,
				      .table = &history->table,
				      .clock = &history->clock};
	/* Segments small enough that a life crosses some of their ends. */
	struct wal_options options = {
	    .segment_size = 12 * DISK_ALIGN, .batch_size = DISK_ALIGN, .appenders = 1, .flush = true};
	struct wal_recovery found;
	const struct snapshot_target into = {.table = &history->table, .crew = 1};
	if (!rebuild_begin(&history->rebuild, &into, &history->disk.port, &options.start, &error) ||
	    !wal_open(&history->wal, &options, &history->disk.port, &history->clock, on_record, history, &found,
		      &error)) {
		table_fini(&history->table);
		return violated(history, "a sound log was refused: %s", error.text);
	}
	table_restore_done(&history->table);
	CHECK(desk_restore_holds(&history->desk, history->rebuild.newest_ms, &error));
	history->snapshot_lsn = history->rebuild.found.info.lsn;
	history->counts.loaded += history->snapshot_lsn != 0;
	if (history->rebuild.found.damaged > 0) {
		violated(history, "a snapshot that was named is damaged: %s", history->rebuild.found.damage.text);
	}
	atomic_store_explicit(&history->desk.wal, history->wal, memory_order_release);
	table_count(&history->table, &history->counted);
	judge(history, found.last_lsn);
	follow_clock(history);
	if (history->violation[0] == '\0') {
		compare(history);
	}
	return true;
}

static void crash(struct history *history)
{
	if (history->writer != NULL) {
		/* Its end must not tidy up: nobody does that in a crash. */
		history->disk.powerless = true;
		snapshot_close(history->writer);
		history->writer = NULL;
	}
	if (prng_one_in(&history->prng, 3)) {
		sim_disk_kill(&history->disk);
	} else {
		sim_disk_crash(&history->disk);
	}
	wal_close(history->wal);
	holds_fini(&history->desk.holds);
	table_fini(&history->table);
	for (uint32_t i = 0; i < GATES; i++) {
		gate_fini(&history->gates[i]);
		history->gates[i] = (struct gate){0};
	}
}

/* One history; false on a violation. */
static bool run_history(void *context, uint64_t seed)
{
	struct history *history = context;
	history->prng.state = seed;
	history->command_count = 0;
	history->now_ms = UINT64_C(1800000000000); /* 2027 */
	history->skew_ms = history->ahead_ms = 0;
	history->clock = (struct clock){history, sim_wall_ms, sim_monotonic_ns};
	history->violation[0] = '\0';
	sim_disk_reset(&history->disk, prng_next(&history->prng));
	history->holds_per_client = 1 + prng_below(&history->prng, HOLDS_PER_CLIENT);
	begin_model(history);
	for (uint32_t i = 0; i < LIVES_MAX && history->violation[0] == '\0'; i++) {
		if (!open_server(history)) {
			break;
		}
		live(history);
		crash(history);
		history->counts.crashes++;
	}
	model_fini(&history->model);
	return history->violation[0] == '\0';
}

/* ------------------------------------------------------------------------------------------------------------- program */

static struct history history; /* some hundred KiB */

static struct sim_crew crew_of(uint64_t seed, uint32_t processes)
{
	return (struct sim_crew){
	    .run = run_history,
	    .context = &history,
	    .violation = history.violation,
	    .counts = &history.counts.crashes,
	    .count_size = sizeof history.counts / sizeof(uint64_t),
	    .processes = processes,
	    .seed = seed,
	};
}

static bool find_canary(enum canary canary, uint64_t seed)
{
	struct sim_crew crew = crew_of(seed, 1);
	crew.count_limit = CANARY_CRASHES_MAX;
	history.canary = canary;
	const bool found = !sim_crew_run(&crew);
	printf("canary %s: %s %" PRIu64 " crashes", canary_names[canary], found ? "found after" : "NOT found in",
	       history.counts.crashes);
	if (found) {
		printf(": %s\nagain: desk_sim --canary %s --seed %" PRIu64, history.violation, canary_names[canary],
		       crew.violated_seed);
	}
	putchar('\n');
	return found;
}

static int simulate(uint64_t seconds, uint64_t crashes, uint64_t seed, uint32_t processes)
{
	struct sim_crew crew = crew_of(seed, processes);
	crew.seconds = seconds;
	crew.count_limit = crashes;
	history.canary = CANARY_NONE;
	if (!sim_crew_run(&crew)) {
		printf("VIOLATION: %s\nagain: desk_sim --canary none --crashes 1 --processes 1 --seed %" PRIu64 "\n",
		       history.violation, crew.violated_seed);
		return EXIT_FAILURE;
	}
	const struct counts *counts = &history.counts;
	printf("sim: %" PRIu64 " crashes of the desk (%" PRIu64 " a second on %" PRIu32 " cores, %" PRIu64
	       " in a second of each), 0 violations; %" PRIu64 " snapshots written, %" PRIu64 " starts from one\n",
	       counts->crashes, counts->crashes * 1000 / (crew.took_ms + 1), processes,
	       counts->crashes * 1000 / (crew.used_ms + 1), counts->snapshots, counts->loaded);
	return EXIT_SUCCESS;
}

static int usage(void)
{
	fprintf(stderr, "usage: desk_sim [--seconds N] [--crashes N] [--seed N] [--processes N] [--canary NAME|all]\n");
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"seconds", required_argument, NULL, 's'}, {"crashes", required_argument, NULL, 'c'},
	    {"seed", required_argument, NULL, 'r'},    {"processes", required_argument, NULL, 'p'},
	    {"canary", required_argument, NULL, 'k'},  {0}};
	uint64_t seconds = 0;
	uint64_t crashes = UINT64_MAX;
	uint64_t seed = hash_seed_random() % 1000000000;
	uint64_t processes = sim_crew_cores();
	const char *canary = NULL;
	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		uint64_t *number = option == 's'   ? &seconds
				   : option == 'c' ? &crashes
				   : option == 'r' ? &seed
						   : &processes;
		if (option == 'k') {
			canary = optarg;
		} else if (option == '?' || !span_number(span_of(optarg), UINT64_MAX, number)) {
			return usage();
		}
	}
	if (processes == 0 || processes > SIM_PROCESSES_MAX) {
		return usage();
	}
	sim_region_use();
	sim_disk_init(&history.disk, seed);
	for (enum canary c = CANARY_EAGER_GATE; c < CANARIES; c++) {
		const bool wanted =
		    canary == NULL || strcmp(canary, "all") == 0 || strcmp(canary, canary_names[c]) == 0;
		if (wanted && !find_canary(c, seed)) {
			return EXIT_FAILURE;
		}
	}
	seconds = seconds == 0 && crashes == UINT64_MAX ? 10 : seconds;
	const bool real = canary == NULL || strcmp(canary, canary_names[CANARY_NONE]) == 0;
	const int status = real ? simulate(seconds, crashes, seed, (uint32_t)processes) : EXIT_SUCCESS;
	sim_disk_fini(&history.disk);
	return status;
}
