/*
 * answer: see answer.h.
 *
 * An array adds its length to the number of replies still to come, so nesting needs no stack. A reply that is not whole
 * yet is parsed again from its start when more bytes have come: replies here are small.
 */
#include <bench/answer.h>

/* Cuts the line at *at, without its CRLF. */
static bool take_line(struct span input, size_t *at, struct span *line)
{
	if (*at == input.size) {
		return false;
	}
	const uint8_t *start = input.at + *at;
	const uint8_t *end = memmem(start, input.size - *at, "\r\n", 2);
	if (end == NULL) {
		return false;
	}
	*line = (struct span){start, (size_t)(end - start)};
	*at += line->size + 2;
	return true;
}

/* Takes one node of the tree: a leaf becomes a word, an array adds to *pending. */
static enum answer_result take_node(struct answer *answer, char kind, struct span rest, struct span input, size_t *at,
				    uint64_t *pending)
{
	struct span word = rest;
	if (kind == '$' || kind == '*') {
		const bool null = span_equal(rest, span_of("-1"));
		uint64_t length = 0;
		if (!null && !span_number(rest, UINT32_MAX, &length)) {
			return ANSWER_BROKEN;
		}
		if (kind == '*' && !null) {
			*pending += length;
			return ANSWER_WHOLE;
		}
		const size_t size = null ? 0 : length + 2; /* with its CRLF */
		if (input.size - *at < size) {
			return ANSWER_PARTIAL;
		}
		word = (struct span){input.at + *at, length};
		*at += size;
	}
	if (answer->count == ANSWER_WORDS_MAX) {
		return ANSWER_BROKEN;
	}
	answer->words[answer->count++] = word;
	return ANSWER_WHOLE;
}

enum answer_result answer_parse(struct answer *answer, struct span input, size_t *used)
{
	answer->count = 0;
	size_t at = 0;
	for (uint64_t pending = 1; pending > 0; pending--) {
		struct span line;
		const size_t start = at;
		if (!take_line(input, &at, &line)) {
			return ANSWER_PARTIAL;
		}
		if (line.size == 0 || memchr("+-:$*", line.at[0], 5) == NULL) {
			return ANSWER_BROKEN;
		}
		const char kind = (char)line.at[0];
		if (start == 0) {
			answer->kind = kind;
		}
		const struct span rest = {line.at + 1, line.size - 1};
		const enum answer_result result = take_node(answer, kind, rest, input, &at, &pending);
		if (result != ANSWER_WHOLE) {
			return result;
		}
	}
	*used = at;
	return ANSWER_WHOLE;
}

bool answer_is(const struct answer *answer, char kind, const char *text)
{
	return answer->kind == kind && answer->count == 1 && span_equal(answer->words[0], span_of(text));
}

bool answer_number(const struct answer *answer, uint64_t *number)
{
	return answer->kind == ':' && span_number(answer->words[0], INT64_MAX, number);
}

struct span answer_field(const struct answer *answer, const char *name)
{
	for (uint32_t i = 0; i + 1 < answer->count; i += 2) {
		if (span_equal(answer->words[i], span_of(name))) {
			return answer->words[i + 1];
		}
	}
	return (struct span){0};
}
