/*
 * server: a slotd process under test, with a data directory of its own.
 *
 *   server_init -> server_start -> { server_stop | server_wait } -> server_start ... -> server_fini
 *
 * It is started on a port nobody uses, with small log segments, and dies with the test. What it prints goes to a file
 * beside its data directory.
 *
 * Threads: one, the one that started it.
 */
#pragma once

#include <base/error.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SERVER_PATH_SIZE  256
#define SERVER_WORDS_SIZE 512

struct server {
	char root[SERVER_PATH_SIZE]; /* a temporary directory; holds the data and the output */
	char dir[SERVER_PATH_SIZE + 8];
	char output[SERVER_PATH_SIZE + 8];
	char bin[SERVER_PATH_SIZE];      /* the folder of the programs */
	char options[SERVER_WORDS_SIZE]; /* further options, as on a command line, parted by spaces */
	int io_uring_errno;              /* what it gets for every io_uring call; 0: io_uring works (drive/confine.h) */
	bool unprivileged;               /* it runs as nobody, who may lock little memory; the data are nobody's, too */
	uint16_t port;
	pid_t pid;   /* 0: not running */
	int process; /* pidfd_open(2) of it */
};

/* Makes the directory and finds a port. `bin` is the folder of the programs. */
bool server_init(struct server *server, const char *bin, struct error *error);
/* The same for a unit test, build/<variant>/unit/<layer>/<test>: with the programs of that variant. */
bool server_init_for_unit(struct server *server, struct error *error);
/* Ends the server if it runs, and removes the directory unless `keep`. */
void server_fini(struct server *server, bool keep);

/* Removes the data: the next start begins a new log. It does not run. */
void server_forget(struct server *server);

/* Starts it and waits until it answers +PONG. */
bool server_start(struct server *server, struct error *error);
/* Waits until it answers +PONG. */
bool server_wait_ready(struct server *server, struct error *error);

/* Sends a signal and waits for the end. */
bool server_stop(struct server *server, int signal, int *status, struct error *error);
/* Waits for the end; *status as of waitpid(2). */
bool server_wait(struct server *server, int *status, struct error *error);
