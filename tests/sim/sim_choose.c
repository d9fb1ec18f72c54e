/* Which sessions a random command is about; see sim_history_parts.h. */
#include <sim/sim_history_parts.h>

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
static uint64_t choose_session(struct sim_history *history, struct sim_at *at)
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
static uint64_t choose_member(struct sim_history *history, struct sim_at *at, uint32_t *client)
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
static void choose_for_members(struct sim_history *history, struct sim_command *command)
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

void sim_choose_sessions(struct sim_history *history, struct sim_command *command)
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
