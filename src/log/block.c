/*
 * block: sealing and checking blocks and segment headers. Keeps the format part of I7.
 *
 * See: log/block.h for the idea, docs/LOG_FORMAT.md for the bytes.
 */
#include <assert.h>
#include <base/check.h>
#include <base/hash.h>
#include <base/limits.h>
#include <inttypes.h>
#include <log/block.h>
#include <stdio.h>

static_assert(sizeof(struct block_header) == BLOCK_HEADER_SIZE, "no padding");
static_assert(offsetof(struct block_header, magic) == 0, "docs/LOG_FORMAT.md");
static_assert(offsetof(struct block_header, version) == 4, "docs/LOG_FORMAT.md");
static_assert(offsetof(struct block_header, flags) == 6, "docs/LOG_FORMAT.md");
static_assert(offsetof(struct block_header, segment) == 8, "docs/LOG_FORMAT.md");
static_assert(offsetof(struct block_header, first_lsn) == 16, "docs/LOG_FORMAT.md");
static_assert(offsetof(struct block_header, record_count) == 24, "docs/LOG_FORMAT.md");
static_assert(offsetof(struct block_header, payload_bytes) == 28, "docs/LOG_FORMAT.md");
static_assert(offsetof(struct block_header, durable_lsn) == 32, "docs/LOG_FORMAT.md");
static_assert(offsetof(struct block_header, sealed_at_ms) == 40, "docs/LOG_FORMAT.md");
static_assert(offsetof(struct block_header, previous) == 48, "docs/LOG_FORMAT.md");
static_assert(offsetof(struct block_header, hash) == 56, "docs/LOG_FORMAT.md");

static_assert(sizeof(struct segment_header) == 64, "no padding");
static_assert(offsetof(struct segment_header, magic) == 0, "docs/LOG_FORMAT.md");
static_assert(offsetof(struct segment_header, version) == 4, "docs/LOG_FORMAT.md");
static_assert(offsetof(struct segment_header, flags) == 6, "docs/LOG_FORMAT.md");
static_assert(offsetof(struct segment_header, log_id) == 8, "docs/LOG_FORMAT.md");
static_assert(offsetof(struct segment_header, segment) == 16, "docs/LOG_FORMAT.md");
static_assert(offsetof(struct segment_header, first_lsn) == 24, "docs/LOG_FORMAT.md");
static_assert(offsetof(struct segment_header, size) == 32, "docs/LOG_FORMAT.md");
static_assert(offsetof(struct segment_header, created_at_ms) == 40, "docs/LOG_FORMAT.md");
static_assert(offsetof(struct segment_header, previous) == 48, "docs/LOG_FORMAT.md");
static_assert(offsetof(struct segment_header, hash) == 56, "docs/LOG_FORMAT.md");

#define HASH_OFFSET  56
#define SEGMENT_NAME "wal-%016" PRIx64 ".slotd"

static uint64_t hash_at(const uint8_t *bytes, size_t size, struct block_place place)
{
	return hash_bytes(bytes, size, hash_bytes(&place, sizeof place, 0));
}

uint64_t block_seal(uint8_t *bytes, const struct block_header *header, struct block_place place)
{
	CHECK(place.offset % BLOCK_ALIGN == 0);
	CHECK((header->record_count == 0) == (header->payload_bytes == 0));
	struct block_header sealed = *header;
	sealed.magic = BLOCK_MAGIC;
	sealed.version = FORMAT_VERSION;
	sealed.flags = 0;
	sealed.segment = place.segment;
	sealed.hash = 0;
	const size_t used = BLOCK_HEADER_SIZE + (size_t)sealed.payload_bytes;
	const size_t size = (size_t)block_size(sealed.payload_bytes);
	memcpy(bytes, &sealed, sizeof sealed);
	memset(bytes + used, 0, size - used);
	const uint64_t hash = hash_at(bytes, size, place);
	store64(bytes + HASH_OFFSET, hash);
	return hash;
}

enum block_state block_look(const uint8_t *bytes, uint64_t room, struct block_header *header)
{
	memcpy(header, bytes, sizeof *header);
	if (header->magic != BLOCK_MAGIC) {
		return BLOCK_NONE;
	}
	if (header->version > FORMAT_VERSION) {
		return BLOCK_NEWER;
	}
	/* No record is smaller than 8 bytes; the bounds keep a wrong size from being read or allocated. */
	const bool heartbeat = header->record_count == 0 && header->payload_bytes == 0 && header->version >= 2;
	const bool counted = header->record_count > 0 && header->payload_bytes / 8 >= header->record_count;
	const bool possible = header->version >= FORMAT_VERSION_FIRST && header->flags == 0 && (heartbeat || counted) &&
			      block_size(header->payload_bytes) <= room;
	return possible ? BLOCK_WHOLE : BLOCK_NONE;
}

bool block_matches(uint8_t *bytes, const struct block_header *header, struct block_place place)
{
	if (header->segment != place.segment) {
		return false;
	}
	store64(bytes + HASH_OFFSET, 0);
	const uint64_t hash = hash_at(bytes, (size_t)block_size(header->payload_bytes), place);
	store64(bytes + HASH_OFFSET, header->hash);
	return hash == header->hash;
}

static struct block_place header_place(const struct segment_header *header)
{
	return (struct block_place){.log_id = header->log_id, .segment = header->segment, .offset = 0};
}

uint64_t segment_header_seal(uint8_t *bytes, const struct segment_header *header)
{
	CHECK(header->size % BLOCK_ALIGN == 0);
	struct segment_header sealed = *header;
	sealed.magic = SEGMENT_MAGIC;
	sealed.version = FORMAT_VERSION;
	sealed.flags = 0;
	sealed.hash = 0;
	memset(bytes, 0, SEGMENT_HEADER_SIZE);
	memcpy(bytes, &sealed, sizeof sealed);
	const uint64_t hash = hash_at(bytes, SEGMENT_HEADER_SIZE, header_place(&sealed));
	store64(bytes + HASH_OFFSET, hash);
	return hash;
}

enum block_state segment_header_look(uint8_t *bytes, struct segment_header *header)
{
	memcpy(header, bytes, sizeof *header);
	if (header->magic != SEGMENT_MAGIC) {
		return BLOCK_NONE;
	}
	if (header->version > FORMAT_VERSION) {
		return BLOCK_NEWER;
	}
	store64(bytes + HASH_OFFSET, 0);
	const uint64_t hash = hash_at(bytes, SEGMENT_HEADER_SIZE, header_place(header));
	store64(bytes + HASH_OFFSET, header->hash);
	return hash == header->hash ? BLOCK_WHOLE : BLOCK_NONE;
}

bool bytes_are_zero(const uint8_t *bytes, size_t size)
{
	/* If the first byte is zero and each equals the one before, all are; memcmp does that at the speed of memory.
	 * */
	return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

void segment_format_name(uint64_t segment, char name[static DISK_NAME_SIZE])
{
	snprintf(name, DISK_NAME_SIZE, SEGMENT_NAME, segment);
}

bool segment_parse_name(const char *name, uint64_t *segment)
{
	char again[DISK_NAME_SIZE];
	if (sscanf(name, "wal-%16" SCNx64 ".slotd", segment) != 1) {
		return false;
	}
	segment_format_name(*segment, again);
	return strcmp(name, again) == 0;
}
