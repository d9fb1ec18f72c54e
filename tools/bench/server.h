/*
 * server: the slotd under test, started here in a directory of its own, or one that runs already.
 *
 * One that is started here gets a free loopback port and 2 GB maxmemory, and is stopped with SIGTERM, which it must
 * obey in time and with exit status 0: a server that cannot stop in order has failed the run. Its directory is removed
 * afterwards, unless it was named, or the run has failed and somebody will want to look at it.
 *
 * Threads: the main thread.
 */
#pragma once

#include <bench/connection.h>
#include <bench/options.h>
#include <bench/process.h>
#include <limits.h>

struct server {
	char name[300]; /* HOST:PORT */
	struct address address;
	bool started_here;
	struct process process;
	char directory[PATH_MAX]; /* the data directory; "" is unknown */
	char temporary[PATH_MAX]; /* what server_discard removes; "" is nothing */
};

/* Starts it and waits until it answers PING with PONG; or makes sure that the one named with --server does. */
bool server_start(struct server *server, const struct options *options, struct error *error);
/* Stops it if it was started here. */
bool server_stop(struct server *server, struct error *error);
/* Kills it, if it was started here and still runs, and removes the temporary directory, or says where it is kept. */
void server_discard(struct server *server, bool keep);

/* Its resident memory: from /proc if it was started here, else from its INFO. */
bool server_rss_bytes(const struct server *server, struct connection *connection, uint64_t *bytes, struct error *error);

/* The number behind `name:` in its INFO. */
bool server_info_number(struct connection *connection, const char *name, uint64_t *number, struct error *error);

/* Is its directory, if known, on a file system that keeps nothing? Latencies then say nothing about a real one. */
bool server_log_is_in_memory(const struct server *server);
