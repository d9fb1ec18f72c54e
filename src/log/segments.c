/*
 * segments: see the header.
 *
 *   append --> queue --[fits]--> place --> on its way --> on_written --> done
 *                |
 *             [does not]--> (spare ready, nothing on its way) --> begin_segment --> header on its way --> on_begun
 *                ^                                                                                           |
 *                +-------------------------------------------------------------------------------------------+
 *
 * Keeps I3 (blocks are placed in the order of their lsn) and I6 (after the first failure every batch fails).
 */
#include "segments.h"
#include "recover.h"
#include "spare.h"
#include "zeros.h"

#include <base/check.h>
#include <base/hash.h>
#include <inttypes.h>
#include <log/room.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>

static_assert(LOG_BATCH_HEADROOM == BLOCK_HEADER_SIZE, "the headroom is for the block header");

/* Between two attempts to get space for the spare. */
#define RETRY_NS UINT64_C(1000000000)

struct segments {
	alignas(DISK_ALIGN) uint8_t header_bytes[SEGMENT_HEADER_SIZE]; /* of the segment that is begun */
	/* const after segments_open */
	struct segments_options options;
	const struct clock *clock;
	uint64_t log_id;
	/* owned by: the log's thread */
	struct disk *disk;
	struct segment_file current;
	uint64_t offset;   /* where the next block goes */
	uint64_t previous; /* hash of the last block, or of the header */
	struct log_batch *queue_head;
	struct log_batch **queue_tail;
	uint32_t on_their_way;
	bool beginning; /* the header of `next` is on its way */
	struct segment_file next;
	struct disk_op header_op;
	struct spare spare;
	uint64_t spare_from; /* `offset` when the spare was begun */
	bool spare_waits;    /* for space: nothing is tried before retry_ns */
	uint64_t retry_ns;   /* 0: no attempt was made yet */
	bool failed;
	struct error failure;
	bool closing;
	/* shared: any thread reads; relaxed, since they are only shown */
	_Atomic uint64_t count;
	_Atomic(const char *) engine;
	_Atomic bool starved; /* from the first attempt that found no space until a spare is ready */
};

static void advance(struct segments *segments);

static void fail(struct segments *segments, const struct error *failure)
{
	if (!segments->failed) {
		segments->failed = true;
		segments->failure = *failure;
	}
	while (segments->queue_head != NULL) {
		struct log_batch *batch = segments->queue_head;
		segments->queue_head = batch->next;
		batch->done(batch, &segments->failure);
	}
	segments->queue_tail = &segments->queue_head;
}

static void destroy(struct segments *segments)
{
	struct disk *disk = segments->disk;
	if (segments->current.file >= 0) {
		disk->close(disk->context, segments->current.file);
	}
	if (segments->spare.segment.file >= 0) {
		disk->close(disk->context, segments->spare.segment.file);
	}
	free(segments);
}

/* Where the next block goes once all that waits has found its place. */
static struct room_position position_behind(const struct segments *segments)
{
	struct room_position position = {
	    .offset = segments->offset,
	    .size = segments->current.size,
	    .spare_size = segments->spare.state == SPARE_READY ? segments->spare.segment.size : 0,
	};
	if (segments->beginning) {
		position.offset = SEGMENT_HEADER_SIZE;
		position.size = segments->next.size;
	}
	for (const struct log_batch *batch = segments->queue_head; batch != NULL; batch = batch->next) {
		room_pass(&position, batch->payload_bytes);
	}
	return position;
}

static uint64_t segments_room(const void *context, const struct log_batch *before)
{
	const struct segments *segments = context;
	struct room_position position = position_behind(segments);
	if (before != NULL) {
		room_pass(&position, before->payload_bytes);
	}
	return room_of_batch(&position, segments->options.batch_size, segments->options.appenders,
			     segments->options.record_size);
}

static bool segments_takes_heartbeat(const void *context)
{
	const struct segments *segments = context;
	const struct room_position position = position_behind(segments);
	return room_takes_heartbeat(&position, segments->options.appenders, segments->options.record_size);
}

static void wait_for_space(struct segments *segments)
{
	segments->spare_waits = true;
	/* Relaxed: one writer, and nothing hangs on when it is seen. */
	atomic_store_explicit(&segments->starved, true, memory_order_relaxed);
}

/* How far the spare should be: ready when half of what was left of this segment at its beginning is filled. After a restart
 * that may be little, and then each batch brings it further. */
static uint64_t spare_goal(const struct segments *segments)
{
	const uint64_t left = segments->current.size - segments->spare_from;
	const uint64_t filled = segments->offset - segments->spare_from;
	const uint64_t size = segments->spare.segment.size;
	/* In pages, so that no product is too large. */
	return filled < left / 2 ? size / DISK_ALIGN * 2 * filled / left * DISK_ALIGN : size;
}

/* False: there is none. */
static bool begin_spare(struct segments *segments)
{
	struct error error = {0};
	segments->spare_from = segments->offset;
	if (spare_begin(&segments->spare, segments->current.number + 1, segments->options.segment_size, &error)) {
		return true;
	}
	if (error.code == ERROR_NO_SPACE) {
		wait_for_space(segments);
	} else {
		fail(segments, &error);
	}
	return false;
}

/* Prepares the next segment as this one fills; at once when there is no room for a full batch. Called when a batch has become
 * durable and not when it is appended: creating the file should not hold up a batch. */
static void prepare(struct segments *segments)
{
	struct spare *spare = &segments->spare;
	if (segments->failed || segments->spare_waits) {
		return;
	}
	if (spare->state == SPARE_NONE && !segments->beginning && !begin_spare(segments)) {
		return;
	}
	const bool hurry = segments_room(segments, NULL) < segments->options.batch_size;
	spare_pace(spare, hurry ? UINT64_MAX : spare_goal(segments));
}

static void segments_make_room(void *context)
{
	prepare(context);
}

static uint64_t segments_rest(void *context, uint64_t now_ns)
{
	struct segments *segments = context;
	if (!segments->spare_waits || segments->failed) {
		return WAL_NEVER;
	}
	if (segments->retry_ns == 0) {
		segments->retry_ns = now_ns + RETRY_NS;
	}
	if (now_ns < segments->retry_ns) {
		return segments->retry_ns;
	}
	segments->retry_ns = now_ns + RETRY_NS;
	segments->spare_waits = false;
	prepare(segments);
	return segments->spare_waits ? segments->retry_ns : WAL_NEVER;
}

static void on_spare(void *context, const struct error *failure)
{
	struct segments *segments = context;
	if (segments->closing) {
		destroy(segments);
	} else if (failure != NULL && failure->code == ERROR_NO_SPACE) {
		wait_for_space(segments);
	} else if (failure != NULL) {
		fail(segments, failure);
	} else {
		segments->retry_ns = 0;
		/* Relaxed: as in wait_for_space. */
		atomic_store_explicit(&segments->starved, false, memory_order_relaxed);
		advance(segments);
		segments->options.changed(segments->options.context);
	}
}

static void on_written(struct disk_op *op, const struct error *failure)
{
	struct log_batch *batch = (struct log_batch *)(void *)((char *)op - offsetof(struct log_batch, op));
	struct segments *segments = batch->device;
	segments->on_their_way--;
	if (failure != NULL) {
		fail(segments, failure);
	}
	batch->done(batch, segments->failed ? &segments->failure : NULL);
	prepare(segments);
	advance(segments);
}

static void place(struct segments *segments, struct log_batch *batch)
{
	const struct block_header header = {
	    .first_lsn = batch->first_lsn,
	    .record_count = batch->record_count,
	    .payload_bytes = batch->payload_bytes,
	    .durable_lsn = batch->durable_lsn,
	    .sealed_at_ms = batch->sealed_at_ms,
	    .previous = segments->previous,
	};
	const struct block_place place = {segments->log_id, segments->current.number, segments->offset};
	segments->previous = block_seal(batch->bytes, &header, place);
	batch->written_bytes = block_size(batch->payload_bytes);
	batch->op.done = on_written;
	segments->offset += batch->written_bytes;
	segments->on_their_way++;
	struct disk *disk = segments->disk;
	disk->write(disk->context, &batch->op, segments->current.file, place.offset, batch->bytes,
		    (size_t)batch->written_bytes, segments->options.flush);
}

static void on_begun(struct disk_op *op, const struct error *failure)
{
	struct segments *segments = (struct segments *)(void *)((char *)op - offsetof(struct segments, header_op));
	segments->beginning = false;
	struct disk *disk = segments->disk;
	disk->close(disk->context, segments->current.file);
	segments->current = segments->next;
	segments->offset = SEGMENT_HEADER_SIZE;
	/* Relaxed: one writer, only shown. */
	atomic_fetch_add_explicit(&segments->count, 1, memory_order_relaxed);
	if (failure != NULL) {
		fail(segments, failure);
	}
	advance(segments);
}

static void begin_segment(struct segments *segments)
{
	segments->beginning = true;
	segments->next = spare_take(&segments->spare);
	const struct segment_header header = {
	    .log_id = segments->log_id,
	    .segment = segments->next.number,
	    .first_lsn = segments->queue_head->first_lsn,
	    .size = segments->next.size,
	    .created_at_ms = clock_wall_ms(segments->clock),
	    .previous = segments->previous,
	};
	segments->previous = segment_header_seal(segments->header_bytes, &header);
	segments->header_op.done = on_begun;
	struct disk *disk = segments->disk;
	disk->write(disk->context, &segments->header_op, segments->next.file, 0, segments->header_bytes,
		    SEGMENT_HEADER_SIZE, segments->options.flush);
}

/* Sends what can be sent. */
static void advance(struct segments *segments)
{
	while (segments->queue_head != NULL && !segments->beginning) {
		struct log_batch *batch = segments->queue_head;
		if (segments->offset + block_size(batch->payload_bytes) > segments->current.size) {
			CHECK(segments->spare.state == SPARE_READY); /* it was promised room */
			if (segments->on_their_way == 0) {
				begin_segment(segments);
			}
			return;
		}
		segments->queue_head = batch->next;
		if (segments->queue_head == NULL) {
			segments->queue_tail = &segments->queue_head;
		}
		place(segments, batch);
	}
}

static void segments_append(void *context, struct log_batch *batch)
{
	struct segments *segments = context;
	CHECK(!segments->closing);
	CHECK(batch->payload_bytes <= room_payload_max(segments->options.batch_size, segments->options.appenders,
						       segments->options.record_size));
	if (segments->failed) {
		batch->done(batch, &segments->failure);
		return;
	}
	batch->device = segments;
	batch->next = NULL;
	*segments->queue_tail = batch;
	segments->queue_tail = &batch->next;
	advance(segments);
}

static bool reopen(struct segment_file *segment, struct disk *from, struct disk *to, struct error *error)
{
	if (segment->file < 0) {
		return true;
	}
	char name[DISK_NAME_SIZE];
	segment_format_name(segment->number, name);
	from->close(from->context, segment->file);
	segment->file = -1;
	return to->open(to->context, name, false, &segment->file, error);
}

static void segments_adopt(void *context, struct disk *disk)
{
	struct segments *segments = context;
	CHECK(segments->on_their_way == 0);
	CHECK(!segments->spare.under_way);
	struct error error = {0};
	const bool adopted = reopen(&segments->current, segments->disk, disk, &error) &&
			     reopen(&segments->spare.segment, segments->disk, disk, &error);
	segments->disk = disk;
	segments->spare.disk = disk;
	atomic_store_explicit(&segments->engine, disk->engine, memory_order_relaxed);
	if (!adopted) {
		fail(segments, &error);
	}
}

static bool segments_idle(const void *context)
{
	const struct segments *segments = context;
	return segments->queue_head == NULL && segments->on_their_way == 0 && !segments->beginning &&
	       !segments->spare.under_way;
}

static void segments_describe(const void *context, struct log_device_state *state)
{
	const struct segments *segments = context;
	*state = (struct log_device_state){
	    .engine = atomic_load_explicit(&segments->engine, memory_order_relaxed),
	    .segments = atomic_load_explicit(&segments->count, memory_order_relaxed),
	    .starved = atomic_load_explicit(&segments->starved, memory_order_relaxed),
	    .log_id = segments->log_id,
	};
}

/* The disk may still be writing a piece of the spare. Then its file and this memory must outlive that: the port lets go
 * of them through on_spare, or ends with the process. */
static void segments_close(void *context)
{
	struct segments *segments = context;
	CHECK(segments->queue_head == NULL);
	CHECK(segments->on_their_way == 0);
	CHECK(!segments->beginning);
	segments->closing = true;
	if (spare_abandon(&segments->spare)) {
		destroy(segments);
	}
}

/* Zeros first, then the header, then the name: whatever has the name of a first segment has a header. */
static bool create_first(struct segments *segments, struct error *error)
{
	struct disk *disk = segments->disk;
	struct segment_file *first = &segments->current;
	if (!disk->open(disk->context, FIRST_SEGMENT_NAME, true, &first->file, error)) {
		return false;
	}
	const struct segment_header header = {
	    .log_id = segments->log_id,
	    .segment = first->number,
	    .first_lsn = 1,
	    .size = first->size,
	    .created_at_ms = clock_wall_ms(segments->clock),
	};
	segments->previous = segment_header_seal(segments->header_bytes, &header);
	char name[DISK_NAME_SIZE];
	segment_format_name(first->number, name);
	return zeros_write_now(disk, first->file, SEGMENT_HEADER_SIZE, first->size, error) &&
	       disk->write_now(disk->context, first->file, 0, segments->header_bytes, SEGMENT_HEADER_SIZE, error) &&
	       disk->sync_now(disk->context, first->file, error) &&
	       disk->rename(disk->context, FIRST_SEGMENT_NAME, name, error) &&
	       disk->sync_directory(disk->context, error);
}

/* Opens the segment the log goes on in, making it if there is no log yet. */
static bool go_on(struct segments *segments, const struct recovered *recovered, struct error *error)
{
	struct disk *disk = segments->disk;
	if (recovered->segment.segment == 0) {
		segments->log_id = hash_seed_random();
		segments->current = (struct segment_file){
		    .number = 1,
		    .size = segments->options.segment_size,
		    .file = -1,
		};
		segments->offset = SEGMENT_HEADER_SIZE;
		return create_first(segments, error);
	}
	segments->log_id = recovered->segment.log_id;
	segments->previous = recovered->previous;
	segments->offset = recovered->offset;
	segments->current = (struct segment_file){
	    .number = recovered->segment.segment,
	    .size = recovered->segment.size,
	    .file = -1,
	};
	char name[DISK_NAME_SIZE];
	segment_format_name(segments->current.number, name);
	return disk->open(disk->context, name, false, &segments->current.file, error);
}

static bool check_options(const struct segments_options *options, struct error *error)
{
	if (options->segment_size % BLOCK_ALIGN != 0) {
		return error_set(error, ERROR_INVALID, "segment-size must be a multiple of %d bytes", BLOCK_ALIGN);
	}
	const uint64_t least = room_segment_least(options->batch_size, options->appenders, options->record_size);
	if (options->segment_size < least) {
		return error_set(error, ERROR_INVALID,
				 "segment-size %" PRIu64 " is too small for this batch-size and number of threads: "
				 "at least %" PRIu64 " bytes are needed",
				 options->segment_size, least);
	}
	return true;
}

bool segments_open(struct log_device *device, const struct segments_options *options, struct disk *disk,
		   const struct clock *clock, wal_replay_f *replay, void *context, struct wal_recovery *found,
		   struct error *error)
{
	struct recovered recovered;
	const struct recover_visit visit = {.record = replay,
					    .ahead = options->ahead,
					    .end = options->replayed,
					    .progress = options->progress,
					    .context = context};
	if (!check_options(options, error) || !recover(disk, &options->start, &visit, &recovered, found, error)) {
		return false;
	}
	struct segments *segments = aligned_alloc(alignof(struct segments), sizeof *segments);
	if (segments == NULL) {
		return error_set(error, ERROR_NO_MEMORY, "no memory for the log");
	}
	*segments = (struct segments){
	    .options = *options,
	    .clock = clock,
	    .disk = disk,
	    .current.file = -1,
	    .queue_tail = &segments->queue_head,
	};
	spare_init(&segments->spare, disk, on_spare, segments);
	/* The spare's name now, since that blocks; its bytes when the log fills. With no space for it there still is what is
	 * left of the current segment, and all there is to read. */
	if (!go_on(segments, &recovered, error) ||
	    (!spare_begin_now(&segments->spare, segments->current.number + 1, options->segment_size, error) &&
	     error->code != ERROR_NO_SPACE)) {
		destroy(segments);
		return false;
	}
	segments->spare_from = segments->offset;
	if (segments->spare.state == SPARE_NONE) {
		wait_for_space(segments);
	}
	atomic_init(&segments->count, segments->current.number);
	atomic_init(&segments->engine, disk->engine);
	*device = (struct log_device){
	    .context = segments,
	    .append = segments_append,
	    .adopt = segments_adopt,
	    .room = segments_room,
	    .takes_heartbeat = segments_takes_heartbeat,
	    .make_room = segments_make_room,
	    .rest = segments_rest,
	    .idle = segments_idle,
	    .describe = segments_describe,
	    .close = segments_close,
	};
	return true;
}
