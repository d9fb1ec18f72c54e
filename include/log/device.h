/*
 * device: the port to what keeps the log, so that the write-ahead log does not know whether that is a file.
 *
 * A batch is records back to back with room around them; how it is framed, where it goes and what makes it durable is
 * the device's affair. Batches are appended in the order of their lsn and become durable in that order. Opening a
 * device is its own function, which first hands every durable record to the opener.
 *
 * Implementation: the local segments (src/log/segments.h).
 *
 * Threads: the thread that owns the log, but for describe, which is any thread's.
 */
#pragma once

#include <io/disk.h>

/* What a device may put before the records of a batch. */
#define LOG_BATCH_HEADROOM 64

struct log_batch;
/* `failure` is NULL when the batch is durable, else good until `done` returns. After a failure nothing becomes durable
 * any more [I6]. */
typedef void log_batch_done_f(struct log_batch *batch, const struct error *failure);

struct log_batch {
	/* the appender's; unchanged until done */
	log_batch_done_f *done;
	void *context;  /* for `done` */
	uint8_t *bytes; /* aligned to DISK_ALIGN: headroom, payload, and room up to the next multiple of DISK_ALIGN */
	uint32_t payload_bytes;
	uint32_t record_count;
	uint64_t first_lsn;
	uint64_t durable_lsn; /* when the batch was sealed */
	uint64_t sealed_at_ms;
	/* the device's, from append to done */
	void *device;
	struct log_batch *next;
	struct disk_op op;
	uint64_t written_bytes; /* in the end: what it took */
};

struct log_device_state {
	const char *engine; /* "io_uring", "pwrite", ... */
	uint64_t segments;
	bool starved;    /* there is no space for more than what is prepared already */
	uint64_t log_id; /* random, of this log alone */
};

struct log_device {
	void *context;
	/* Takes the batch; `done` follows, possibly from within this call if the device has failed before. */
	void (*append)(void *context, struct log_batch *batch);
	/* From here on `disk` does the work. No batch may be on its way. */
	void (*adopt)(void *context, struct disk *disk);
	/* Bytes of records a batch may have to be certain of its place, with every appender's next record on top; 0: none may
	 * be admitted. With `before`, the batch that comes behind that one. Grows only when the device says so (its opener's
	 * `changed`), so what it said once can be relied on. */
	uint64_t (*room)(const void *context, const struct log_batch *before);
	/* Is a batch without records certain of its place, and every appender's next record behind it? */
	bool (*takes_heartbeat)(const void *context);
	/* There is no room: makes some as fast as it can. */
	void (*make_room)(void *context);
	/* Once a loop, with the monotonic clock: tries again what found no space. Returns when to call it again, WAL_NEVER if
	 * that does not matter. */
	uint64_t (*rest)(void *context, uint64_t now_ns);
	/* Is nothing under way, in the background neither? */
	bool (*idle)(const void *context);
	void (*describe)(const void *context, struct log_device_state *state);
	/* No batch may be on its way. */
	void (*close)(void *context);
};
