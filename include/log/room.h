/*
 * room: how much a batch may collect so that its place is certain [I5].
 *
 * A place is certain in the current segment, or in a spare that is ready. A batch that was promised room may get one more
 * record of each appender, which asked just before it was full; and an appender may be so slow that its record lands in a
 * batch further on, alone (not the owner's: it does not send batches between asking and appending). Behind all of these
 * there is to be a place for the heartbeat.
 *
 *   offset |== batch, one more record each ==|== late records, a block each ==|= heartbeat =| ...
 *
 * `record_size` is that of the largest record they append.
 *
 * Threads: any; nothing here has state.
 */
#pragma once

#include <log/block.h>

/* Where the next block goes, as long as nothing more is prepared. */
struct room_position {
	uint64_t offset;
	uint64_t size;       /* of the segment */
	uint64_t spare_size; /* of the one behind it; 0: none is ready */
};

/* Goes on behind a batch of so many bytes of records, which was promised room. */
void room_pass(struct room_position *position, uint64_t payload_bytes);

/* Bytes of records at which a batch takes no further request, at most `batch_size`; 0: it takes none at all. */
uint64_t room_of_batch(const struct room_position *position, uint32_t batch_size, uint32_t appenders,
		       uint32_t record_size);
/* Is a block without records certain of its place, and the late records behind it? */
bool room_takes_heartbeat(const struct room_position *position, uint32_t appenders, uint32_t record_size);

/* What a batch may come to: `batch_size`, and one more record of each appender. */
uint64_t room_payload_max(uint32_t batch_size, uint32_t appenders, uint32_t record_size);
/* The size of a segment that, when it is empty, has room for a batch. */
uint64_t room_segment_least(uint32_t batch_size, uint32_t appenders, uint32_t record_size);
