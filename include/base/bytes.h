/*
 * bytes: spans of borrowed bytes, a growing buffer, and little-endian loads and stores.
 *
 * Threads: same thread only, as any plain value.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the log format is little-endian and is stored by copying; this machine is not"
#endif

/* Bytes that belong to somebody else; whoever hands out a span says how long it stays good. */
struct span {
	const uint8_t *at;
	size_t size;
};

/* The span over a C string, without its NUL. */
static inline struct span span_of(const char *text)
{
	return (struct span){(const uint8_t *)text, strlen(text)};
}

static inline bool span_equal(struct span a, struct span b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.at, b.at, a.size) == 0);
}

/* As span_equal to a C string, letter case ignored (ASCII only): how command and option names compare. */
bool span_is(struct span span, const char *text);

/* Reads a plain decimal number: digits only, no sign, no leading zero but "0" itself, at most `max`. */
bool span_number(struct span span, uint64_t max, uint64_t *number);

static inline uint16_t load16(const uint8_t *at)
{
	uint16_t value;
	memcpy(&value, at, sizeof value);
	return value;
}

static inline uint32_t load32(const uint8_t *at)
{
	uint32_t value;
	memcpy(&value, at, sizeof value);
	return value;
}

static inline uint64_t load64(const uint8_t *at)
{
	uint64_t value;
	memcpy(&value, at, sizeof value);
	return value;
}

static inline void store16(uint8_t *at, uint16_t value)
{
	memcpy(at, &value, sizeof value);
}

static inline void store32(uint8_t *at, uint32_t value)
{
	memcpy(at, &value, sizeof value);
}

static inline void store64(uint8_t *at, uint64_t value)
{
	memcpy(at, &value, sizeof value);
}

/* Asks for the line that will be written after some more, by who writes one record behind the other and is at `at`. Such lines
 * are far: the device, or the thread that made the memory ready, had them last; and at the next lock all stores must have
 * theirs. Only a hint: it may lie beyond the memory there is. */
#define WRITE_AHEAD 256
static inline void write_ahead(const void *at)
{
	__builtin_prefetch((const uint8_t *)at + WRITE_AHEAD, 1);
}

/* A growing buffer. Zero-initialised is empty. Growth that malloc refuses aborts: what a peer can make grow is bounded
 * by its owner before it comes here. */
struct buffer {
	uint8_t *at;
	size_t size;
	size_t capacity;
};

/* Makes room for `size` more bytes and returns where they go; the caller adds to buffer->size what it wrote. */
uint8_t *buffer_room(struct buffer *buffer, size_t size);
void buffer_add(struct buffer *buffer, const void *bytes, size_t size);
void buffer_format(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Drops the first `size` bytes, moving the rest to the front. */
void buffer_drop(struct buffer *buffer, size_t size);
/* Empties it, keeping no more than BUFFER_KEEP bytes of memory: what one burst needed is not kept for ever. */
#define BUFFER_KEEP 65536
void buffer_empty(struct buffer *buffer);
void buffer_fini(struct buffer *buffer);
