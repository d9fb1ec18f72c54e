/*
 * reply: answers in RESP2, or RESP3 after HELLO 3.
 *
 * Each function appends one value to a buffer. Aggregates announce their length, then their elements follow.
 *
 * Threads: a buffer belongs to one thread.
 * See: https://github.com/redis/redis-specifications/blob/master/protocol/RESP3.md
 */
#pragma once

#include <base/bytes.h>

struct reply {
	struct buffer *out;
	int protocol; /* 2 or 3 */
};

void reply_status(struct reply *reply, const char *text); /* +OK */
/* "-CODE text". Control bytes in it become spaces: an error is one line. */
void reply_error(struct reply *reply, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same of a text that may be long; reply_error cuts what is over a KiB. */
void reply_error_text(struct reply *reply, struct span text);
void reply_integer(struct reply *reply, int64_t value);
void reply_bulk(struct reply *reply, struct span bytes);
void reply_text(struct reply *reply, const char *text); /* a bulk string */
void reply_null(struct reply *reply);                   /* _ or $-1 */
void reply_array(struct reply *reply, size_t count);
void reply_map(struct reply *reply, size_t pairs);          /* RESP2: an array of 2 * pairs */
void reply_set(struct reply *reply, size_t count);          /* RESP2: an array */
void reply_verbatim(struct reply *reply, struct span text); /* RESP3 =...txt:, RESP2 a bulk string */
