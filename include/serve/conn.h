/*
 * conn: one connection: bytes in, requests executed in order, replies held by its gate, bytes out.
 *
 * conn_step does whatever can be done now, and is called whenever something changed: bytes came, replies were sent, the log
 * got further. A connection stops executing, and then receiving, while
 *   - a request of its own goes on (client.task), or its next one waits for a turn (serve/background.h),
 *   - the log has no room (the disk does not keep up; on a full or stuck disk it goes on, and what writes is refused),
 *   - it does not read its replies (output-limit), or it is about to be closed,
 * so that no peer can make memory grow. When the log has failed, what waits and what still comes is answered with an error.
 *
 * Threads: owned by its worker.
 */
#pragma once

#include <io/net.h>
#include <serve/background.h>
#include <serve/client.h>
#include <serve/gate.h>
#include <wire/request.h>

struct worker;

struct conn {
	struct net_link link;
	struct client client;
	struct request request;
	struct buffer input; /* received and not executed yet */
	size_t input_used;   /* of it executed */
	struct gate gate;
	struct worker *worker;
	uint64_t request_since_ns; /* when the first bytes of half a request came; 0: there is none */
	uint64_t active_ns;        /* when bytes last came */
	bool sending;              /* gate.leaving is the port's */
	bool paused;               /* the port does not receive */
	bool peer_done;            /* the peer sends no more */
	bool broken;               /* the stream lost its frame, or is cut: nothing more is executed */
	bool lingering;            /* answered for the last time; what still comes is dropped */
	bool closing;              /* net.close was called */
	bool attended;             /* in worker->attention */
	bool queued;               /* in a queue of worker->background */
	enum background_class background_class;
	struct conn *queue_next;
	struct conn *queue_previous;
	struct conn *attention_next;
	struct conn *attention_previous;
	struct conn *next; /* in worker->conns */
	struct conn *previous;
};

/* A new connection of the worker over this socket. NULL when there is no memory; the socket is then closed. */
struct conn *conn_open(struct worker *worker, int descriptor);
/* The port has let go of it: frees it. */
void conn_free(struct conn *conn);

/* Bytes from the peer; none: it sends no more. */
void conn_received(struct conn *conn, struct span bytes);
void conn_sent(struct conn *conn);
void conn_broken(struct conn *conn);

/* Does what can be done now. */
void conn_step(struct conn *conn);
/* The same in its turn (background_run): goes on with its request, or executes what waited. */
void conn_go_on(struct conn *conn);
/* Looks at its deadlines (timeout, request-timeout) and closes it where they passed. */
void conn_check_deadlines(struct conn *conn);
/* Closes it now, whatever is under way. */
void conn_close(struct conn *conn);
