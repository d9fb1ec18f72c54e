/*
 * peer: what a server under load speaks, behind one interface, so that every server meets the same client.
 *
 *              ask            flush                  fill              next
 *   request ---------> link ---------> socket ... socket ---> link ----------> reply, in the order of the requests
 *
 * A link is one connection. Nothing waits: flush sends what the socket takes, fill receives what it has. What a peer needs
 * beyond that hangs on link->own.
 *
 * Threads: a link belongs to one thread.
 */
#pragma once

#include <bench/connection.h>
#include <bench/draw.h>
#include <stdbool.h>
#include <stdint.h>

enum request_kind {
	REQUEST_PING,
	REQUEST_CLAIM,  /* of the drawn slot, for the drawn client */
	REQUEST_LIST,   /* the day of the drawn slot */
	REQUEST_CANCEL, /* the session this link won last: link->session, which is not 0 */
};

enum reply {
	REPLY_NONE, /* not there yet */
	REPLY_DONE, /* as it should be; a claim: won */
	REPLY_LOST, /* somebody else has the slot */
	REPLY_WRONG,
};

struct link;

struct peer {
	const char *name;
	/* `server` is HOST:PORT. */
	bool (*open)(struct link *link, const char *server, struct error *error);
	void (*close)(struct link *link);
	bool (*can)(enum request_kind kind);
	void (*ask)(struct link *link, enum request_kind kind, const struct draw *draw);
	bool (*flush)(struct link *link, struct error *error);
	bool (*fill)(struct link *link, struct error *error);
	enum reply (*next)(struct link *link);
};

struct link {
	const struct peer *peer;
	int descriptor;
	uint64_t session; /* of slotd: won last and not cancelled; 0 is none */
	uint64_t asked;
	uint64_t answered;
	struct buffer output;
	size_t sent; /* of output */
	struct buffer input;
	size_t taken; /* of input */
	void *own;
};

extern const struct peer peer_slotd; /* RESP arrays, as client libraries send them */
extern const struct peer peer_redis; /* Redis, Valkey: SET psychologist:date:time client NX */
