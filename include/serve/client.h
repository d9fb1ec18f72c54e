/*
 * client: what commands know about the connection a request came over.
 *
 * Threads: owned by the worker of the connection. CLIENT LIST reads those of its own worker only.
 */
#pragma once

#include <base/limits.h>
#include <serve/log_state.h>
#include <serve/multi.h>
#include <stdbool.h>
#include <stdint.h>

struct client;
struct command;
struct reply;
struct service;

#define CLIENT_NAME_SIZE 65

/* Work of a request that goes on in slices, in its turns (serve/background.h): PURGE, say. Called until it returns true, having
 * written the reply; *lsn as in command_execute. The connection's next request waits meanwhile. */
typedef bool client_task_f(struct service *service, struct client *client, struct reply *reply, uint64_t *lsn);

struct client {
	uint64_t id;      /* CLIENT ID: 1, 2, 3, ... */
	int protocol;     /* 2, or 3 after HELLO 3 */
	bool close_asked; /* QUIT: close once the replies are out */
	bool
	    cut_asked; /* the same, though it goes on sending: what comes is dropped, so that it can read the replies */
	bool imports;  /* an import of its own is under way (serve/import.h) */
	enum log_state log; /* set by the connection before each request */
	bool in_multi;      /* between MULTI and EXEC or DISCARD: requests are queued */
	struct multi multi;
	uint64_t created_ms;
	uint64_t last_ms; /* wall clock of the last request */
	uint64_t requests;
	char address[96]; /* "127.0.0.1:40312", or "unix" */
	char local_address[96];
	char name[CLIENT_NAME_SIZE]; /* CLIENT SETNAME; "" is none */
	char library[CLIENT_NAME_SIZE];
	char library_version[CLIENT_NAME_SIZE];
	const struct command *last_command; /* NULL before the first */
	bool postpones; /* set by the connection before each request: what can wait is not executed, */
	bool postponed; /* but this is set: the request is to come again (serve/background.h) */
	/* an unfinished request, or NULL */
	client_task_f *task;
	bool task_waits;  /* for another thread, which ends with wake_all: it is not called in between */
	void *task_state; /* the task's, freed by it; if the connection goes first, with free(), */
	/* after this, unless it is NULL: ends what must not be left half-done */
	void (*task_abandoned)(struct service *service, void *task_state);
	struct client *next; /* other clients of the worker, for CLIENT LIST */
	struct client *previous;
};
