/*
 * reply: answers of a server, read off a connection and taken apart.
 *
 * A reply is kept as the lines it is framed in, of RESP 2, each ended by '\n'; no word of a test has a line end in it.
 *
 * Threads: one.
 */
#pragma once

#include <base/bytes.h>
#include <drive/connection.h>

/* Adds the next whole reply to `out`. False: the connection is closed, or silent for too long. */
bool reply_read(struct connection *connection, struct buffer *out);

/* One element, in the order they come: an array is followed by its elements. */
struct reply_item {
	char kind;        /* '+' '-' ':' '$' '*'; 0: there is none */
	struct span text; /* of '+', '-', '$' */
	uint64_t number;  /* of ':'; of '*', how many follow */
};

/* Takes the next element off the front of a reply's lines. */
struct reply_item reply_next(struct span *rest);
/* The same; false: it is not of this kind. */
bool reply_expect(struct span *rest, char kind, struct reply_item *item);
