/*
 * block: how batches of records and the segments that hold them look on disk.
 *
 *   segment file   | segment header 4 KiB | block | block | block | zeros to the end
 *   block          | block header 64 bytes | records back to back | zeros to a multiple of 4 KiB
 *
 * A block is one sealed batch: it becomes durable whole or not at all. Its hash is XXH3 over all its bytes, padding
 * included, seeded with the log, the segment and the offset it belongs to, so that bytes of another log, of a recycled
 * segment or of the wrong place do not pass. `previous` is the hash of the block before (of the segment header for the
 * first block, and of the last block of the segment before for a segment header), so that a block follows one history
 * only.
 *
 * A block without records is a heartbeat: all it says is how far the log was durable. It is written when the log rests, so
 * that the newest records, too, have a later block that vouches for them.
 *
 * Keeps I7: what a crash can leave behind is told from what was never written so.
 *
 * Threads: any; nothing here has state.
 * See: docs/LOG_FORMAT.md for the byte tables.
 */
#pragma once

#include <io/disk.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCK_ALIGN   DISK_ALIGN
#define BLOCK_MAGIC   0x42544c53u /* "SLTB" */
#define SEGMENT_MAGIC 0x53544c53u /* "SLTS" */

/* Version 2 has blocks without records (heartbeats); a reader of version 1 would cut them, and what follows them. Version 3
 * has more types of records (several changes at once, holds, what becomes of a session), which a reader of version 2 would take
 * for damage. Version 4 has one more, of sessions that move, and in version 5 that may be one of several changes at once; it
 * also has what is set for psychologists, and sessions that come from another log. */
#define FORMAT_VERSION       5
#define FORMAT_VERSION_FIRST 1 /* the oldest that is read */

#define BLOCK_HEADER_SIZE   64
#define SEGMENT_HEADER_SIZE BLOCK_ALIGN

struct block_header {
	uint32_t magic;
	uint16_t version;
	uint16_t flags; /* none yet: zero */
	uint64_t segment;
	uint64_t first_lsn;
	uint32_t record_count; /* 0: a heartbeat */
	uint32_t payload_bytes;
	uint64_t durable_lsn; /* when the batch was sealed */
	uint64_t sealed_at_ms;
	uint64_t previous;
	uint64_t hash; /* of the whole block, this field zero */
};

/* The rest of its 4 KiB is zero. */
struct segment_header {
	uint32_t magic;
	uint16_t version;
	uint16_t flags;
	uint64_t log_id; /* random, the same in all segments of a log */
	uint64_t segment;
	uint64_t first_lsn;
	uint64_t size; /* of the file, header included */
	uint64_t created_at_ms;
	uint64_t previous;
	uint64_t hash; /* of all 4 KiB, this field zero */
};

/* Where bytes belong. */
struct block_place {
	uint64_t log_id;
	uint64_t segment;
	uint64_t offset; /* in the segment file */
};

/* Bytes of the block that holds so many bytes of records. */
static inline uint64_t block_size(uint64_t payload_bytes)
{
	return (BLOCK_HEADER_SIZE + payload_bytes + BLOCK_ALIGN - 1) & ~(uint64_t)(BLOCK_ALIGN - 1);
}

/* Makes a block of the `header->payload_bytes` at bytes + BLOCK_HEADER_SIZE: puts the header before them, zeros behind
 * them, and computes the hash. Of `header`, magic, version, flags, segment and hash are filled in here. Returns the
 * hash. */
uint64_t block_seal(uint8_t *bytes, const struct block_header *header, struct block_place place);
uint64_t segment_header_seal(uint8_t *bytes, const struct segment_header *header);

enum block_state {
	BLOCK_NONE,  /* not the start of a block: zeros, part of another, or torn */
	BLOCK_NEWER, /* of a format we do not know */
	BLOCK_WHOLE, /* a block that was written to this very place, every byte of it */
};

/* Is there the start of a block that fits in `room` bytes (up to the end of the segment)? Looks at the header only:
 * BLOCK_WHOLE means that block_matches is worth asking. */
enum block_state block_look(const uint8_t *bytes, uint64_t room, struct block_header *header);
/* Does the hash of the whole block say that it was written to this place? The bytes are the caller's own: the hash
 * field is zero for a moment. */
bool block_matches(uint8_t *bytes, const struct block_header *header, struct block_place place);

/* The same for the header of a segment, which says itself of which log it is. */
enum block_state segment_header_look(uint8_t *bytes, struct segment_header *header);

/* Are all of these bytes zero? */
bool bytes_are_zero(const uint8_t *bytes, size_t size);

/* "wal-0000000000000001.slotd". */
void segment_format_name(uint64_t segment, char name[static DISK_NAME_SIZE]);
/* The number in such a name; false for any other name. */
bool segment_parse_name(const char *name, uint64_t *segment);
