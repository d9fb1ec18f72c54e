/*
 * request_line: requests that are one line. LF is looked for from where the last look ended; then one pass cuts it.
 *
 * Words without a quote are spans of the input; others are undone into `unquoted`, which has room for the whole line
 * beforehand, so that it does not move.
 *
 * See: processInlineBuffer, sdssplitargs in Redis, whose error texts these are where it has one.
 */
#include "request_parts.h"

static const char error_too_big_line[] = "ERR Protocol error: too big inline request";
static const char error_quotes[] = "ERR Protocol error: unbalanced quotes in request";
static const char error_http[] = "ERR Protocol error: this is not HTTP";

static bool is_blank(uint8_t byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r';
}

/* Reads a hex digit; -1 if it is none. */
static int hex_value(uint8_t byte)
{
	if (byte >= '0' && byte <= '9') {
		return byte - '0';
	}
	byte |= 0x20;
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* Reads what follows a backslash inside "...". Moves *at behind it. */
static uint8_t escaped(struct span line, size_t *at)
{
	static const char letters[] = "nrtba";
	static const char meanings[] = "\n\r\t\b\a";
	const uint8_t byte = line.at[*at];
	if (byte == 'x' && line.size - *at > 2) {
		const int high = hex_value(line.at[*at + 1]);
		const int low = hex_value(line.at[*at + 2]);
		if (high >= 0 && low >= 0) {
			*at += 3;
			return (uint8_t)(high << 4 | low);
		}
	}
	*at += 1;
	const char *letter = byte != 0 ? strchr(letters, byte) : NULL;
	return letter != NULL ? (uint8_t)meanings[letter - letters] : byte;
}

/* Undoes a quoted part that starts at *at, and moves *at behind it. False: no closing quote, or not the end of a word.
 * */
static bool unquote(struct buffer *word, struct span line, size_t *at)
{
	const uint8_t quote = line.at[*at];
	size_t i = *at + 1;
	while (i < line.size && line.at[i] != quote) {
		uint8_t byte = line.at[i];
		const bool more = i + 1 < line.size;
		if (byte == '\\' && more && quote == '"') {
			i++;
			byte = escaped(line, &i);
		} else if (byte == '\\' && more && line.at[i + 1] == '\'') {
			byte = '\'';
			i += 2;
		} else {
			i++;
		}
		word->at[word->size++] = byte; /* read_word made room for the line */
	}
	*at = i + 1;
	return i < line.size && (*at == line.size || is_blank(line.at[*at]));
}

/* Reads the word at *at, which is not blank, and moves *at behind it. False: unbalanced quotes. */
static bool read_word(struct request *request, struct span line, size_t *at, struct span *word)
{
	size_t i = *at;
	while (i < line.size && !is_blank(line.at[i]) && line.at[i] != '"' && line.at[i] != '\'') {
		i++;
	}
	*word = (struct span){line.at + *at, i - *at};
	*at = i;
	if (i == line.size || is_blank(line.at[i])) {
		return true;
	}
	/* A quote: what came before it and what is inside are one word, and the closing quote ends it. */
	struct buffer *unquoted = &request->unquoted;
	const size_t start = unquoted->size;
	/* Room for the whole line at once: words already there must not move. */
	buffer_room(unquoted, line.size - start);
	if (word->size > 0) {
		memcpy(unquoted->at + unquoted->size, word->at, word->size);
		unquoted->size += word->size;
	}
	if (!unquote(unquoted, line, at)) {
		return false;
	}
	*word = (struct span){unquoted->at + start, unquoted->size - start};
	return true;
}

enum request_result request_split(struct request *request, struct span line, const char **error)
{
	request->count = 0;
	request->unquoted.size = 0;
	size_t at = 0;
	for (;;) {
		while (at < line.size && is_blank(line.at[at])) {
			at++;
		}
		if (at == line.size) {
			return request->count > 0 ? REQUEST_READY : REQUEST_EMPTY;
		}
		struct span word;
		if (!read_word(request, line, &at, &word)) {
			return request_refuse(error_quotes, error);
		}
		const struct span name = request->count > 0 ? request->words[0] : word;
		/* A web page can make a browser send lines of its choice to a local port, but not without these. */
		if (request->count == 0 && (span_is(name, "POST") || span_is(name, "Host:"))) {
			return request_break_off(error_http, error);
		}
		if (word.size > WORD_SIZE_MAX) {
			return request_refuse(REQUEST_ERROR_WORD, error);
		}
		if (!request_allows_words(name, request->count + 1)) {
			return request_refuse(REQUEST_ERROR_WORDS, error);
		}
		request_grow(request);
		request->words[request->count++] = word;
	}
}

/* The first word of a line as it was sent; looked for where every line may have it, however long the line is. */
static struct span line_name(struct span line)
{
	const size_t size = line.size < LINE_SIZE_MAX ? line.size : LINE_SIZE_MAX;
	size_t from = 0;
	while (from < size && is_blank(line.at[from])) {
		from++;
	}
	size_t to = from;
	while (to < size && !is_blank(line.at[to])) {
		to++;
	}
	return (struct span){line.at + from, to - from};
}

enum request_result request_parse_line(struct request *request, struct span input, size_t *used, const char **error)
{
	const uint8_t *end = memchr(input.at + request->scanned, '\n', input.size - request->scanned);
	const struct span line = {input.at, end != NULL ? (size_t)(end - input.at) : input.size};
	if (line.size > LINE_SIZE_MAX && !request_allows_size(line_name(line), line.size)) {
		request->state = end != NULL ? REQUEST_AT_START : REQUEST_IN_LONG_LINE;
		request->scanned = 0;
		*used = line.size + (end != NULL);
		return request_refuse(error_too_big_line, error);
	}
	if (end == NULL) {
		request->scanned = line.size;
		return REQUEST_INCOMPLETE;
	}
	request->scanned = 0;
	*used = line.size + 1;
	return request_split(request, line, error);
}

enum request_result request_skip_line(struct request *request, struct span input, size_t *used)
{
	const uint8_t *end = memchr(input.at, '\n', input.size);
	if (end != NULL) {
		request->state = REQUEST_AT_START;
	}
	*used = end != NULL ? (size_t)(end - input.at) + 1 : input.size;
	return REQUEST_EMPTY;
}
