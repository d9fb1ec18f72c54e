/*
 * request_array: requests that are a RESP array of bulk strings, read in one pass.
 *
 * Every word leaves a mark (offset, size), as the input may be elsewhere when the rest comes; the marks become words
 * when all are there. What is too much is known from the header of a word, before its bytes come.
 *
 * See: processMultibulkBuffer in Redis, whose error texts these are where it has one.
 */
#include "request_parts.h"
#include <stdio.h>

/* Longest number in a header, and the fewest bytes a word of an array can have: "$0\r\n\r\n". */
#define HEADER_DIGITS_MAX   10
#define ARRAY_WORD_SIZE_MIN 6

static const char error_count[] = "ERR Protocol error: invalid multibulk length";
static const char error_length[] = "ERR Protocol error: invalid bulk length";
static const char error_end[] = "ERR Protocol error: expected CRLF after a bulk string";
static const char error_size[] =
    "ERR a request has at most " REQUEST_DIGITS(LINE_SIZE_MAX) " bytes (" REQUEST_WIDE_NAMES
							       ": " REQUEST_DIGITS(WIDE_LINE_SIZE_MAX) ")";

enum header {
	HEADER_WHOLE,
	HEADER_SHORT, /* the rest is still to come */
	HEADER_WRONG,
};

/* Reads the number and the CRLF behind the byte at `at`; *next is what follows. */
static enum header read_header(struct span input, size_t at, int64_t *number, size_t *next)
{
	size_t i = at + 1;
	const bool negative = i < input.size && input.at[i] == '-';
	i += negative;
	const size_t first = i;
	int64_t value = 0;
	while (i < input.size && input.at[i] >= '0' && input.at[i] <= '9' && i - first < HEADER_DIGITS_MAX) {
		value = value * 10 + (input.at[i] - '0');
		i++;
	}
	const size_t digits = i - first;
	if (digits > 0 && input.at[first] == '0' && (digits > 1 || negative)) {
		return HEADER_WRONG;
	}
	if (i == input.size) {
		return HEADER_SHORT;
	}
	if (digits == 0 || input.at[i] != '\r') {
		return HEADER_WRONG;
	}
	if (i + 1 == input.size) {
		return HEADER_SHORT;
	}
	*number = negative ? -value : value;
	*next = i + 2;
	return input.at[i + 1] == '\n' ? HEADER_WHOLE : HEADER_WRONG;
}

/* Reads the header of the array's next word, at `at`. READY: its bytes are the `size` from *start on. */
static enum request_result read_length(struct request *request, struct span input, size_t at, size_t *start,
				       size_t *size, const char **error)
{
	if (at == input.size) {
		return REQUEST_INCOMPLETE;
	}
	const uint8_t byte = input.at[at];
	if (byte != '$') {
		snprintf(request->error, sizeof request->error, "ERR Protocol error: expected '$', got '%c'",
			 byte > ' ' && byte < 0x7f ? byte : '?');
		return request_break_off(request->error, error);
	}
	int64_t number;
	switch (read_header(input, at, &number, start)) {
	case HEADER_SHORT:
		return REQUEST_INCOMPLETE;
	case HEADER_WRONG:
		return request_break_off(error_length, error);
	case HEADER_WHOLE:
		break;
	}
	if (number < 0 || request->skipped + *start + (uint64_t)number + 2 > REQUEST_SKIP_SIZE_MAX) {
		return request_break_off(error_length, error);
	}
	*size = (size_t)number;
	return REQUEST_READY;
}

/* Refuses the array from request->scanned on, with the words still pending. */
static enum request_result refuse_array(struct request *request, size_t *used, const char *text, const char **error)
{
	request->state = REQUEST_IN_LONG_ARRAY;
	request->skipped = request->scanned;
	request->skip = 0;
	*used = request->scanned;
	request->scanned = 0;
	return request_refuse(text, error);
}

enum request_result request_skip_array(struct request *request, struct span input, size_t *used, const char **error)
{
	size_t at = 0;
	for (;;) {
		const size_t left = input.size - at;
		const size_t step = request->skip < left ? request->skip : left;
		request->skip -= step;
		at += step;
		if (request->skip > 0 || request->pending == 0) {
			break;
		}
		size_t start;
		size_t size;
		const enum request_result result = read_length(request, input, at, &start, &size, error);
		if (result == REQUEST_BROKEN) {
			return result;
		}
		if (result == REQUEST_INCOMPLETE) {
			break;
		}
		request->pending--;
		request->skip = size + 2; /* and its CRLF, unseen: the next header tells whether the frame is kept */
		at = start;
	}
	if (request->skip == 0 && request->pending == 0) {
		request->state = REQUEST_AT_START;
	}
	request->skipped += at;
	*used = at;
	return at > 0 ? REQUEST_EMPTY : REQUEST_INCOMPLETE;
}

/* Reads the words that are there, one mark each. */
static enum request_result read_words(struct request *request, struct span input, size_t *used, const char **error)
{
	while (request->pending > 0) {
		size_t start;
		size_t size;
		const enum request_result result = read_length(request, input, request->scanned, &start, &size, error);
		if (result != REQUEST_READY) {
			return result;
		}
		if (size > WORD_SIZE_MAX) {
			return refuse_array(request, used, REQUEST_ERROR_WORD, error);
		}
		const size_t end = start + size + 2;
		/* Word 0 itself is never the one that is too much: two headers and 512 bytes. */
		if (end > LINE_SIZE_MAX &&
		    !request_allows_size((struct span){input.at + request->marks[0].offset, request->marks[0].size},
					 end)) {
			return refuse_array(request, used, error_size, error);
		}
		if (end > input.size) {
			return REQUEST_INCOMPLETE;
		}
		if (input.at[end - 2] != '\r' || input.at[end - 1] != '\n') {
			return request_break_off(error_end, error);
		}
		request_grow(request);
		request->marks[request->count++] = (struct request_mark){(uint32_t)start, (uint32_t)size};
		request->scanned = end;
		const uint32_t words = request->pending--;
		if (request->count == 1 && !request_allows_words((struct span){input.at + start, size}, words)) {
			return refuse_array(request, used, REQUEST_ERROR_WORDS, error);
		}
	}
	return REQUEST_READY;
}

/* Reads the header of an array. READY: its words are next. */
static enum request_result begin_array(struct request *request, struct span input, size_t *used, const char **error)
{
	int64_t words;
	size_t next;
	switch (read_header(input, 0, &words, &next)) {
	case HEADER_SHORT:
		return REQUEST_INCOMPLETE;
	case HEADER_WRONG:
		return request_break_off(error_count, error);
	case HEADER_WHOLE:
		break;
	}
	if (words <= 0) {
		*used = next;
		return REQUEST_EMPTY;
	}
	if (words > REQUEST_SKIP_SIZE_MAX / ARRAY_WORD_SIZE_MIN) {
		return request_break_off(error_count, error);
	}
	request->state = REQUEST_IN_ARRAY;
	request->count = 0;
	request->pending = (uint32_t)words;
	request->scanned = next;
	request->skipped = 0;
	return words <= WIDE_WORDS_MAX ? REQUEST_READY : refuse_array(request, used, REQUEST_ERROR_WORDS, error);
}

enum request_result request_parse_array(struct request *request, struct span input, size_t *used, const char **error)
{
	enum request_result result = REQUEST_READY;
	if (request->state == REQUEST_AT_START) {
		result = begin_array(request, input, used, error);
	}
	if (result == REQUEST_READY) {
		result = read_words(request, input, used, error);
	}
	if (result != REQUEST_READY) {
		return result;
	}
	for (uint32_t i = 0; i < request->count; i++) {
		const struct request_mark *mark = &request->marks[i];
		request->words[i] = (struct span){input.at + mark->offset, mark->size};
	}
	*used = request->scanned;
	request->scanned = 0;
	request->state = REQUEST_AT_START;
	return REQUEST_READY;
}
