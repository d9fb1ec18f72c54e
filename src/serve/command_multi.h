/*
 * command_multi: what the one door (command.c) and RESET need of MULTI.
 *
 * Threads: the worker of the request.
 */
#pragma once

#include <serve/command.h>
#include <serve/desk.h>

/* Queues a request instead of executing it, and replies so; or says why not, and breaks the transaction. */
void multi_enqueue(const struct service *service, struct client *client, const struct command *command,
		   const struct request *request, struct reply *reply);
/* Ends what MULTI began; nothing of it is executed. */
void multi_leave(struct client *client);
