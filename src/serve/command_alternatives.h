/*
 * command_alternatives: ALT n, for the commands that claim a slot.
 *
 * Threads: the worker of the request.
 */
#pragma once

#include <serve/command.h>
#include <serve/desk.h>

/* Reads the number of "ALT n", whose n is `word`. */
bool argument_alternatives(struct reply *reply, struct span word, uint64_t *count);

/* Reads "ALT n" from word `first` on, to the end of the request; *count is 0 if there is none. */
bool argument_only_alternatives(struct reply *reply, const struct request *request, uint32_t first, uint64_t *count);

/* Writes the refusal of a claim. If up to `count` alternatives are wanted and it is one to which there are any (TAKEN HELD
 * BLOCKED NOSLOT), they stand behind its text. Returns as command_execute; may set client->task. */
uint64_t command_refuse_claim(struct service *service, struct client *client, struct reply *reply,
			      const struct place *place, const struct outcome *outcome, uint64_t count);
