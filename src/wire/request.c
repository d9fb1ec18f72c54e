/*
 * request: see the header for what a request is and for the states. Here a connection's bytes go to whoever reads them:
 * request_line.c, request_array.c.
 *
 * Refusals depend on the bytes from the start of the request up to the offending one and on nothing else, so they are
 * the same however the bytes are cut into pieces (tests/fuzz/request_fuzz.c).
 */
#include "request_parts.h"
#include <base/check.h>
#include <stdlib.h>

bool request_is_wide(struct span name)
{
	return span_is(name, "BOOKALL") || span_is(name, "BOOKANY") || span_is(name, "BUSY") ||
	       span_is(name, "HOURS") || span_is(name, "IMPORT");
}

void request_grow(struct request *request)
{
	if (request->count < request->capacity) {
		return;
	}
	CHECK(request->count < WIDE_WORDS_MAX);
	request->capacity = request->capacity == 0 ? 8 : request->capacity * 2;
	request->words = realloc(request->words, request->capacity * sizeof *request->words);
	CHECK(request->words != NULL);
	request->marks = realloc(request->marks, request->capacity * sizeof *request->marks);
	CHECK(request->marks != NULL);
}

bool request_allows_words(struct span name, uint64_t words)
{
	return words <= LINE_WORDS_MAX || (words <= WIDE_WORDS_MAX && request_is_wide(name));
}

bool request_allows_size(struct span name, size_t size)
{
	return size <= LINE_SIZE_MAX || (size <= WIDE_LINE_SIZE_MAX && request_is_wide(name));
}

enum request_result request_parse(struct request *request, struct span input, size_t *used, const char **error)
{
	*used = 0;
	if (input.size == 0) {
		return REQUEST_INCOMPLETE;
	}
	switch (request->state) {
	case REQUEST_AT_START:
		return input.at[0] == '*' ? request_parse_array(request, input, used, error)
					  : request_parse_line(request, input, used, error);
	case REQUEST_IN_ARRAY:
		return request_parse_array(request, input, used, error);
	case REQUEST_IN_LONG_LINE:
		return request_skip_line(request, input, used);
	case REQUEST_IN_LONG_ARRAY:
		return request_skip_array(request, input, used, error);
	}
	WRONG("a request is in one of its states");
}

void request_restart(struct request *request)
{
	request->state = REQUEST_AT_START;
	request->scanned = 0;
}

void request_fini(struct request *request)
{
	free(request->words);
	free(request->marks);
	buffer_fini(&request->unquoted);
	*request = (struct request){0};
}
