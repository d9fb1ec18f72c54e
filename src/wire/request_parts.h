/*
 * request_parts: what lines (request_line.c) and arrays (request_array.c) share, and how request.c reaches them.
 *
 * Threads: one connection, one thread.
 */
#pragma once

#include <wire/request.h>

#define REQUEST_TEXT(number)  #number
#define REQUEST_DIGITS(limit) REQUEST_TEXT(limit)

#define REQUEST_WIDE_NAMES "BOOKALL, BOOKANY, BUSY, HOURS, IMPORT"
#define REQUEST_ERROR_WORDS                                                                                            \
	"ERR a request has at most " REQUEST_DIGITS(LINE_WORDS_MAX) " words (" REQUEST_WIDE_NAMES                      \
								    ": " REQUEST_DIGITS(WIDE_WORDS_MAX) ")"
#define REQUEST_ERROR_WORD "ERR a word has at most " REQUEST_DIGITS(WORD_SIZE_MAX) " bytes"

static inline enum request_result request_refuse(const char *text, const char **error)
{
	*error = text;
	return REQUEST_REFUSED;
}

static inline enum request_result request_break_off(const char *text, const char **error)
{
	*error = text;
	return REQUEST_BROKEN;
}

/* Makes room for one more word. Never more than WIDE_WORDS_MAX, as callers refuse before. */
void request_grow(struct request *request);

/* May the request of this name have so many words, so many bytes? */
bool request_allows_words(struct span name, uint64_t words);
bool request_allows_size(struct span name, size_t size);

/* A request that starts with this line, or goes on with it. */
enum request_result request_parse_line(struct request *request, struct span input, size_t *used, const char **error);
enum request_result request_parse_array(struct request *request, struct span input, size_t *used, const char **error);

/* The rest of one that was refused. */
enum request_result request_skip_line(struct request *request, struct span input, size_t *used);
enum request_result request_skip_array(struct request *request, struct span input, size_t *used, const char **error);
