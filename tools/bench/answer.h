/*
 * answer: one RESP2 reply of the server, cut into words.
 *
 * The tree of a reply is flattened: `kind` is its first byte, the words are its leaves in order. That is enough here: a
 * map is name, value, name, value; a list of slots is date, time, minutes, status, date, ...
 *
 * Threads: same thread only.
 */
#pragma once

#include <base/bytes.h>
#include <stdbool.h>
#include <stdint.h>

#define ANSWER_WORDS_MAX 256

struct answer {
	char kind; /* '+', '-', ':', '$' or '*' */
	uint32_t count;
	struct span words[ANSWER_WORDS_MAX]; /* borrowed from the bytes that were parsed; a null is an empty word */
};

enum answer_result {
	ANSWER_WHOLE,   /* *used bytes belong to it */
	ANSWER_PARTIAL, /* more bytes are needed */
	ANSWER_BROKEN,  /* no RESP2, or more than ANSWER_WORDS_MAX words */
};

enum answer_result answer_parse(struct answer *answer, struct span input, size_t *used);

/* Is it of this kind, and one word, equal to the text? */
bool answer_is(const struct answer *answer, char kind, const char *text);
/* The number of an integer reply; false if it is none, or negative. */
bool answer_number(const struct answer *answer, uint64_t *number);
/* The value behind this name in a map; an empty span if there is none. */
struct span answer_field(const struct answer *answer, const char *name);
