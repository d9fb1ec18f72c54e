/*
 * bytes: comparing and reading spans, growing buffers. See base/bytes.h.
 */
#include <base/bytes.h>
#include <base/check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Most buffers hold one reply; this is a few of them. */
#define BUFFER_CAPACITY_MIN 256

/* Not tolower(3): what a command is called must not depend on a locale. */
static uint8_t lower(uint8_t byte)
{
	return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte - 'A' + 'a') : byte;
}

bool span_is(struct span span, const char *text)
{
	if (strlen(text) != span.size) {
		return false;
	}
	for (size_t i = 0; i < span.size; i++) {
		if (lower(span.at[i]) != lower((uint8_t)text[i])) {
			return false;
		}
	}
	return true;
}

bool span_number(struct span span, uint64_t max, uint64_t *number)
{
	if (span.size == 0 || (span.at[0] == '0' && span.size > 1)) {
		return false;
	}
	uint64_t value = 0;
	for (size_t i = 0; i < span.size; i++) {
		if (span.at[i] < '0' || span.at[i] > '9') {
			return false;
		}
		const uint64_t digit = (uint64_t)(span.at[i] - '0');
		if (digit > max || value > (max - digit) / 10) {
			return false;
		}
		value = value * 10 + digit;
	}
	*number = value;
	return true;
}

uint8_t *buffer_room(struct buffer *buffer, size_t size)
{
	CHECK(buffer->size <= buffer->capacity);
	CHECK(size <= SIZE_MAX / 4 - buffer->size);
	const size_t needed = buffer->size + size;
	if (needed > buffer->capacity || buffer->at == NULL) {
		size_t capacity = buffer->capacity < BUFFER_CAPACITY_MIN ? BUFFER_CAPACITY_MIN : buffer->capacity;
		while (capacity < needed) {
			capacity *= 2;
		}
		uint8_t *at = realloc(buffer->at, capacity);
		CHECK(at != NULL);
		buffer->at = at;
		buffer->capacity = capacity;
	}
	return buffer->at + buffer->size;
}

void buffer_add(struct buffer *buffer, const void *bytes, size_t size)
{
	uint8_t *room = buffer_room(buffer, size);
	if (size != 0) {
		memcpy(room, bytes, size); /* bytes may be NULL when there are none */
	}
	buffer->size += size;
}

void buffer_format(struct buffer *buffer, const char *format, ...)
{
	va_list arguments;
	va_list again;
	va_start(arguments, format);
	va_copy(again, arguments);
	uint8_t *room = buffer_room(buffer, 1);
	const size_t capacity = buffer->capacity - buffer->size;
	const int size = vsnprintf((char *)room, capacity, format, arguments);
	CHECK(size >= 0);
	if ((size_t)size >= capacity) {
		/* It was cut off. vsnprintf wants room for its NUL as well. */
		room = buffer_room(buffer, (size_t)size + 1);
		vsnprintf((char *)room, (size_t)size + 1, format, again);
	}
	buffer->size += (size_t)size;
	va_end(again);
	va_end(arguments);
}

void buffer_drop(struct buffer *buffer, size_t size)
{
	CHECK(size <= buffer->size);
	buffer->size -= size;
	if (buffer->size != 0 && size != 0) {
		memmove(buffer->at, buffer->at + size, buffer->size);
	}
}

void buffer_empty(struct buffer *buffer)
{
	if (buffer->capacity > BUFFER_KEEP) {
		buffer_fini(buffer);
	}
	buffer->size = 0;
}

void buffer_fini(struct buffer *buffer)
{
	free(buffer->at);
	*buffer = (struct buffer){0};
}
