/*
 * reply: each value is put together in the room the buffer gives, with its numbers written by hand: integers and
 * statuses are what a booking is answered with, a million times a second.
 */
#include <base/check.h>
#include <stdarg.h>
#include <stdio.h>
#include <wire/reply.h>

/* Longest error line; what is longer is cut. */
#define ERROR_SIZE_MAX 1024

/* Digits of the longest integer, its sign, the kind byte before and CRLF behind. */
#define NUMBER_SIZE_MAX 24

static uint8_t *put_decimal(uint8_t *at, int64_t value)
{
	uint8_t digits[20];
	size_t count = 0;
	uint64_t rest = (uint64_t)value;
	if (value < 0) {
		*at++ = '-';
		rest = -rest;
	}
	do {
		digits[count++] = (uint8_t)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	while (count > 0) {
		*at++ = digits[--count];
	}
	return at;
}

static uint8_t *put_end(uint8_t *at)
{
	*at++ = '\r';
	*at++ = '\n';
	return at;
}

/* ":5\r\n", "*5\r\n": a kind byte and a number. */
static void add_number(struct buffer *out, char kind, int64_t value)
{
	uint8_t *const start = buffer_room(out, NUMBER_SIZE_MAX);
	*start = (uint8_t)kind;
	const uint8_t *end = put_end(put_decimal(start + 1, value));
	out->size += (size_t)(end - start);
}

/* "$5\r\nhello\r\n"; `lead` comes before the bytes and counts as theirs. */
static void add_string(struct buffer *out, char kind, struct span lead, struct span bytes)
{
	const size_t size = lead.size + bytes.size;
	uint8_t *const start = buffer_room(out, NUMBER_SIZE_MAX + size + 2);
	*start = (uint8_t)kind;
	uint8_t *at = put_end(put_decimal(start + 1, (int64_t)size));
	if (lead.size > 0) {
		memcpy(at, lead.at, lead.size);
		at += lead.size;
	}
	if (bytes.size > 0) {
		memcpy(at, bytes.at, bytes.size);
		at += bytes.size;
	}
	at = put_end(at);
	out->size += (size_t)(at - start);
}

/* "+OK\r\n": a kind byte and one line of text. */
static void add_line(struct buffer *out, char kind, const char *text, size_t size)
{
	uint8_t *const start = buffer_room(out, size + 3);
	*start = (uint8_t)kind;
	memcpy(start + 1, text, size);
	put_end(start + 1 + size);
	out->size += size + 3;
}

static bool resp3(const struct reply *reply)
{
	CHECK(reply->protocol == 2 || reply->protocol == 3);
	return reply->protocol == 3;
}

void reply_status(struct reply *reply, const char *text)
{
	add_line(reply->out, '+', text, strlen(text));
}

void reply_error(struct reply *reply, const char *format, ...)
{
	char text[ERROR_SIZE_MAX];
	va_list arguments;
	va_start(arguments, format);
	const int wanted = vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	CHECK(wanted > 0);
	const size_t size = (size_t)wanted < sizeof text ? (size_t)wanted : sizeof text - 1;
	reply_error_text(reply, (struct span){(const uint8_t *)text, size});
}

void reply_error_text(struct reply *reply, struct span text)
{
	const size_t start = reply->out->size + 1;
	add_line(reply->out, '-', (const char *)text.at, text.size);
	for (uint8_t *byte = reply->out->at + start; byte < reply->out->at + start + text.size; byte++) {
		if (*byte < ' ' || *byte == 0x7f) {
			*byte = ' ';
		}
	}
}

void reply_integer(struct reply *reply, int64_t value)
{
	add_number(reply->out, ':', value);
}

void reply_bulk(struct reply *reply, struct span bytes)
{
	add_string(reply->out, '$', (struct span){NULL, 0}, bytes);
}

void reply_text(struct reply *reply, const char *text)
{
	reply_bulk(reply, span_of(text));
}

void reply_null(struct reply *reply)
{
	if (resp3(reply)) {
		add_line(reply->out, '_', "", 0);
	} else {
		add_number(reply->out, '$', -1);
	}
}

void reply_array(struct reply *reply, size_t count)
{
	add_number(reply->out, '*', (int64_t)count);
}

void reply_map(struct reply *reply, size_t pairs)
{
	if (resp3(reply)) {
		add_number(reply->out, '%', (int64_t)pairs);
	} else {
		reply_array(reply, 2 * pairs);
	}
}

void reply_set(struct reply *reply, size_t count)
{
	add_number(reply->out, resp3(reply) ? '~' : '*', (int64_t)count);
}

void reply_verbatim(struct reply *reply, struct span text)
{
	if (resp3(reply)) {
		add_string(reply->out, '=', span_of("txt:"), text);
	} else {
		reply_bulk(reply, text);
	}
}
