/*
 * request: bytes from a connection, cut into requests of words.
 *
 * A request is a line of words (LF or CRLF, quoting as in Redis inline commands: "..." with \n \r \t \b \a \\ \" \xHH,
 * '...' with \') or a RESP array of bulk strings. The first byte decides: '*' is an array. An empty line, and an array
 * of no words, is no request.
 *
 * What is too much (a line too long, an array with too many words or a word too long) is refused at once, then dropped
 * up to its end over as many reads as it takes, without being kept:
 *
 *   AT_START --some words--> IN_ARRAY --all words--> AT_START
 *   AT_START --line too long--> IN_LONG_LINE --its LF--> AT_START
 *   AT_START, IN_ARRAY --too much--> IN_LONG_ARRAY --its last word--> AT_START
 *
 * The parser keeps its place in a half-received request, so that no word is looked at twice, and allocates nothing from
 * a length that was only announced. Whatever the pieces are in which the bytes come, the requests are the same.
 *
 * Threads: one connection, one thread.
 * See: https://redis.io/docs/reference/protocol-spec/, docs/PROTOCOL.md
 */
#pragma once

#include <base/bytes.h>
#include <base/limits.h>

/* Largest RESP array that is skipped rather than held to be nonsense. Bytes. */
#define REQUEST_SKIP_SIZE_MAX (1 << 20)

enum request_state {
	REQUEST_AT_START,
	REQUEST_IN_ARRAY,      /* some words of an array are there */
	REQUEST_IN_LONG_LINE,  /* refused; dropping up to its LF */
	REQUEST_IN_LONG_ARRAY, /* refused; dropping up to its last word */
};

struct request_mark {
	uint32_t offset; /* from the start of the request */
	uint32_t size;
};

/* Zero-initialised is ready. Words are borrowed from the input and, where a quote had to be undone, from the request
 * itself; they are good until the next request_parse. */
struct request {
	struct span *words;
	uint32_t count;
	/* owned by request.c */
	uint32_t capacity;          /* of words and marks: grows with the words that came, up to WIDE_WORDS_MAX */
	struct request_mark *marks; /* words of a half-received array: the input may move before the rest comes */
	enum request_state state;
	uint32_t pending;       /* array: words still to come */
	size_t scanned;         /* bytes of a half-received request that need not be looked at again */
	size_t skipped;         /* long array: bytes of it that were dropped */
	size_t skip;            /* long array: bytes of the present word still to drop */
	struct buffer unquoted; /* words of a line whose quotes were undone */
	char error[48];         /* an error text with a byte of the input in it */
};

enum request_result {
	/* Words are there; *used bytes belong to it. */
	REQUEST_READY,
	/* More bytes are needed; those that are there are to be kept, *used is 0. */
	REQUEST_INCOMPLETE,
	/* An empty line, or bytes of a request refused before: *used bytes are to be dropped, there is no reply. */
	REQUEST_EMPTY,
	/* A line too long, unbalanced quotes, too many words: *used bytes are to be dropped, *error is the reply, the
	 * connection lives. */
	REQUEST_REFUSED,
	/* The stream has lost its frame (bad RESP): reply *error, then close; parse no more. */
	REQUEST_BROKEN,
};

/* Is a request of this name allowed WIDE_LINE_SIZE_MAX and WIDE_WORDS_MAX? (BOOKALL, BOOKANY, BUSY, HOURS, IMPORT.) */
bool request_is_wide(struct span name);

/* Looks for the next request at the start of `input`, which starts where the last one's *used ended. *used: see the
 * results. *error: a whole error text without the leading '-', good until the next request_parse. */
enum request_result request_parse(struct request *request, struct span input, size_t *used, const char **error);

/* Cuts one line (without its LF) into words as request_parse does: READY, EMPTY, REFUSED or BROKEN. For lines that come
 * from elsewhere, as those of the config file. */
enum request_result request_split(struct request *request, struct span line, const char **error);

/* Has nothing of the next request come yet, nor anything to be dropped before it? */
static inline bool request_is_at_start(const struct request *request)
{
	return request->state == REQUEST_AT_START && request->scanned == 0;
}

/* Forgets a request of which only a part came, as if none had begun. */
void request_restart(struct request *request);

void request_fini(struct request *request);
