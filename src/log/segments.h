/*
 * segments: the log device that is files in a directory.
 *
 *   wal-...1.slotd (full)   wal-...2.slotd (current)   wal-...3.slotd (spare)
 *
 * A batch is framed as a block and written behind the one before it. When it does not fit, the spare is begun: once all
 * batches before are durable, its header is written and flushed, and only then a block. So the header of a segment
 * proves that everything before it was durable.
 *
 * Space is secured before it is needed: writing into a segment that was zero-written cannot run out of it, only preparing
 * the spare can, and that is tried again every second (log/wal.h: wal_space). So segments_room admits no more than what
 * finds its place in the current segment, or in a spare that is ready.
 *
 * Threads: the one that owns the log.
 */
#pragma once

#include <base/clock.h>
#include <log/device.h>
#include <log/wal.h>

struct segments_options {
	uint64_t segment_size; /* of segments made from now on */
	uint32_t batch_size;   /* as in wal_options */
	uint32_t appenders;
	uint32_t record_size;
	struct log_start start;   /* for reading it */
	record_ahead_f *ahead;    /* the same; may be NULL */
	record_end_f *replayed;   /* the same */
	log_progress_f *progress; /* the same */
	/* Called when there is more room, on the log's thread. */
	void (*changed)(void *context);
	void *context;
	bool flush; /* false: written counts as durable */
};

/* Recovers what is in the directory (log/wal.h: wal_open), or creates the first segment of a new log. `disk` and
 * `clock` are borrowed until close; on false nothing is left to close. */
bool segments_open(struct log_device *device, const struct segments_options *options, struct disk *disk,
		   const struct clock *clock, wal_replay_f *replay, void *context, struct wal_recovery *found,
		   struct error *error);
