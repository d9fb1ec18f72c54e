/*
 * sim_command: see sim_command.h.
 */
#include <sim/sim_command.h>

#include <base/check.h>
#include <inttypes.h>
#include <sim/sim_busy.h>
#include <sim/sim_group.h>
#include <sim/sim_read.h>
#include <stdio.h>

struct sim_at sim_at_random(struct prng *prng, uint16_t first_day)
{
	return (struct sim_at){
	    .psychologist = 1 + prng_below(prng, SIM_PSYCHOLOGISTS),
	    .day = prng_one_in(prng, 4) ? (uint16_t)(SIM_FIRST_DAY + prng_below(prng, SIM_DAYS)) : first_day,
	    .minute = (uint16_t)(540 + 60 * prng_below(prng, SIM_TIMES)),
	};
}

#define DAY_MS    UINT64_C(86400000)
#define MINUTE_MS UINT64_C(60000)

enum life_command sim_life_random(struct prng *prng)
{
	static const enum life_command commands[] = {LIFE_CANCEL,  LIFE_CANCEL,   LIFE_CANCEL,  LIFE_COMMIT,
						     LIFE_CONFIRM, LIFE_COMPLETE, LIFE_NO_SHOW, LIFE_CANCEL};
	return commands[prng_below(prng, sizeof commands / sizeof commands[0])];
}

struct sim_command sim_command_random(struct prng *prng, uint16_t first_day)
{
	/* Of 62 commands, so many are of each verb. */
	static const uint8_t weights[] = {7, 8, 6, 3, 5, 3, 3, 2, 2, 2, 2, 1, 4, 8, 6};
	uint32_t draw = prng_below(prng, 62);
	enum sim_verb verb = SIM_BOOK;
	while (draw >= weights[verb]) {
		draw -= weights[verb++];
	}
	const uint16_t last_day = SIM_FIRST_DAY + SIM_DAYS - 1;
	const struct sim_at at = sim_at_random(prng, first_day);
	struct sim_command command = {
	    .verb = verb,
	    .psychologist = at.psychologist,
	    .client = 1 + prng_below(prng, SIM_CLIENTS),
	    .day = at.day,
	    .minute = at.minute,
	    .minutes = prng_one_in(prng, 6) ? 70 : 50, /* so long that it reaches into the next */
	};
	if (verb == SIM_CHANGE) {
		command.command = sim_life_random(prng);
	}
	if (verb == SIM_HOLD || verb == SIM_RENEW) {
		command.seconds = (uint16_t)(1 + prng_below(prng, 20));
	}
	if (verb == SIM_GROUP) {
		sim_group_random(prng, first_day, &command);
	}
	if (verb == SIM_BUSY) {
		sim_busy_random(prng, first_day, &command);
	}
	command.count = 1 + prng_below(prng, SIM_TIMES);
	if (verb == SIM_SLOTS || verb == SIM_SESSIONS) {
		command.days = (uint16_t)(1 + prng_below(prng, last_day - command.day + 1u));
	}
	if (verb == SIM_PURGE) {
		command.day = first_day < last_day ? first_day + 1 : last_day;
	}
	return command;
}

/* The model numbers psychologists and clients as the commands do. */
static uint64_t model_key(const struct sim_command *command)
{
	return key_make(command->psychologist, command->day, command->minute);
}

struct place sim_place(const struct sim_command *command, char name[8])
{
	snprintf(name, 8, "dr-%" PRIu32, command->psychologist);
	return (struct place){.psychologist = span_of(name), .day = command->day, .minute = command->minute};
}

/* ------------------------------------------------------------------------------------------------------ executing twice */

struct outcome sim_command_desk(struct sim_command *command, struct desk *desk, struct model *model, bool *agrees)
{
	char psychologist[8];
	char client[8];
	snprintf(client, sizeof client, "c-%" PRIu32, command->client);
	const struct place place = sim_place(command, psychologist);
	uint64_t occupied;
	struct outcome outcome = {.code = OUTCOME_DONE};
	*agrees = true;
	switch (command->verb) {
	case SIM_BOOK:
		return desk_book(desk, &place, span_of(client));
	case SIM_CHANGE:
		return command->command == LIFE_CANCEL ? desk_cancel(desk, command->session, span_of("because"))
						       : desk_change(desk, command->session, command->command);
	case SIM_HOLD:
		return desk_hold(desk, &place, span_of(client), command->seconds);
	case SIM_RENEW:
		return desk_renew(desk, command->session, command->seconds);
	case SIM_MOVE:
		return desk_reschedule(desk, command->session, &place);
	case SIM_OPEN:
		return desk_open(desk, &place, command->minutes, 1, 50);
	case SIM_CLOSE:
		return desk_close(desk, &place, &occupied);
	case SIM_PURGE:
		return desk_purge(desk, command->day);
	case SIM_GROUP:
		return sim_group_desk(command, desk);
	case SIM_BUSY:
		return sim_busy_desk(command, desk);
	default:
		*agrees = sim_read(command, desk, model, &outcome.lsn);
		return outcome;
	}
}

struct sim_at sim_session_at(struct model *model, uint64_t id)
{
	struct model_session session;
	if (!model_session(model, id, &session)) {
		return (struct sim_at){0};
	}
	return (struct sim_at){key_psychologist(session.key), key_day(session.key), key_minute(session.key)};
}

bool sim_command_model(struct sim_command *command, struct model *model, enum model_outcome *outcome)
{
	bool started;
	bool changed = false;
	bool opened = false;
	const uint64_t key = model_key(command);
	*outcome = MODEL_DONE;
	model->now_day = (uint16_t)(command->now_ms / DAY_MS);
	model->now_minute = (uint16_t)(command->now_ms % DAY_MS / MINUTE_MS);
	model->hold_now_ms = command->hold_ms;
	switch (command->verb) {
	case SIM_BOOK:
		*outcome = model_book(model, key, command->client, &command->session, &changed);
		return changed;
	case SIM_HOLD:
		*outcome = model_hold(model, key, command->client, command->seconds, &command->session, &changed);
		return changed;
	case SIM_RENEW:
		*outcome = model_renew(model, command->session, command->seconds);
		return *outcome == MODEL_DONE;
	case SIM_EXPIRE:
		return model_expire(model, command->session);
	case SIM_CHANGE:
		started = model_has_started(model, key);
		*outcome =
		    model_change(model, command->session, command->command, started ? LIFE_HAS_STARTED : 0, &changed);
		return changed;
	case SIM_MOVE:
		command->from = sim_session_at(model, command->session);
		*outcome = model_move(model, command->session, key, &changed);
		return changed;
	case SIM_OPEN:
		*outcome = model_open(model, key, command->minutes, &opened);
		return opened;
	case SIM_CLOSE:
		*outcome = model_close(model, key);
		return *outcome == MODEL_DONE;
	case SIM_PURGE:
		if (command->day <= model->purged_before_day) {
			return false;
		}
		model_purge(model, command->day);
		return true;
	case SIM_GROUP:
		return sim_group_model(command, model);
	case SIM_BUSY:
		return sim_busy_model(command, model);
	default:
		return false;
	}
}

bool sim_command_agrees(const struct sim_command *command, const struct outcome *outcome, enum model_outcome expected)
{
	if (command->verb == SIM_GROUP) {
		return sim_group_agrees(command, outcome);
	}
	if (command->verb == SIM_BUSY) {
		return sim_busy_agrees(command, outcome);
	}
	const bool done = outcome->code == OUTCOME_DONE;
	switch (expected) {
	case MODEL_DONE:
		return done && (!sim_command_claims(command) || outcome->value == command->session);
	case MODEL_TAKEN:
		return outcome->code == OUTCOME_TAKEN;
	case MODEL_NOSLOT:
		return command->verb == SIM_CLOSE ? done && outcome->value == 0 : outcome->code == OUTCOME_NOSLOT;
	case MODEL_OCCUPIED:
		return done && outcome->value == 0;
	case MODEL_NOSESSION:
		return outcome->code == OUTCOME_NOSESSION;
	case MODEL_STATE:
		return outcome->code == OUTCOME_STATE;
	case MODEL_EXPIRED:
		return outcome->code == OUTCOME_EXPIRED;
	case MODEL_HELD:
		return outcome->code == OUTCOME_HELD;
	case MODEL_BLOCKED:
		return outcome->code == OUTCOME_BLOCKED;
	case MODEL_LIMIT:
		return outcome->code == OUTCOME_CLIENT_HOLDS || outcome->code == OUTCOME_HOLD_TOTAL;
	case MODEL_THERE:
		return outcome->code == OUTCOME_THERE;
	case MODEL_EARLY:
		return outcome->code == OUTCOME_EARLY;
	case MODEL_OVERLAP:
		return outcome->code == OUTCOME_OVERLAP;
	case MODEL_TWICE:
		return outcome->code == OUTCOME_TWICE;
	case MODEL_PAST:
		if (command->verb == SIM_CLOSE) {
			return done && outcome->value == 0;
		}
		/* Of a psychologist nobody ever named, the desk says that first, which depends on nothing but the session. */
		return outcome->code == OUTCOME_PAST ||
		       (outcome->code == OUTCOME_NOSLOT && (outcome->lsn == 0 || command->verb == SIM_MOVE));
	}
	return false;
}
