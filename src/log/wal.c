/*
 * wal: staging, sealing, and what is durable.
 *
 * Batches form a ring. Those from `first` on are on their way to the device, the one behind them is open:
 *
 *      first            first + flight_count
 *        |                     |
 *   | in flight | ... |      open      | unused |
 *
 * There is one more batch than may be in flight (WAL_DEPTH), so there always is an open one. Appending encodes into it
 * under the staging lock. Pumping, by the owner, seals it and moves on; completions come back in any order, and
 * durable_lsn follows the batches that are done from `first` on, so only a contiguous prefix counts.
 *
 * Keeps I3 (CHECKed wherever one of the three moves), I5 (the reserve in each batch) and I6.
 */
#include "gather.h"
#include "patience.h"
#include "segments.h"

#include <base/check.h>
#include <base/lock.h>
#include <log/wal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Batches in flight at most. With one, the next leaves when the one before is durable, and collects for one flush. */
#define WAL_DEPTH   1
#define WAL_BATCHES (WAL_DEPTH + 1)

struct wal_batch {
	struct log_batch log;
	bool finished; /* it is durable, but one before it may not be */
};

struct wal {
	/* const after wal_open */
	struct wal_options options;
	const struct clock *clock;
	struct log_device device;
	size_t batch_capacity; /* bytes of each batch, room around the records included */

	/* guarded by staging */
	alignas(64) struct lock staging;
	struct wal_batch batches[WAL_BATCHES]; /* the open one; those in flight are the owner's */
	uint32_t first;
	uint32_t flight_count;

	/* shared: written under staging; any thread reads */
	alignas(64) _Atomic uint64_t appended_lsn;
	_Atomic uint32_t open_bytes; /* of records in the open batch */
	_Atomic uint32_t open_limit; /* at which it takes no further request */

	/* shared: written by the owner, only grow; any thread reads */
	alignas(64) _Atomic uint64_t durable_lsn;
	_Atomic uint64_t commits;
	_Atomic uint64_t records;
	_Atomic uint64_t bytes;
	_Atomic bool failed; /* release, pairs with wal_failed: `failure` is filled in */
	struct error failure;

	/* owned by: the owner */
	uint64_t written_lsn; /* last lsn handed to the device */
	uint64_t vouched_lsn; /* durable_lsn as the newest durable block has it */
	uint64_t quiet_lsn;   /* durable_lsn since quiet_ns */
	uint64_t quiet_ns;
	struct patience patience; /* with the device */
	struct gather gather;     /* of a batch, for those the last commit answered */
	uint64_t
	    gather_until_ns; /* when to look again whether the open one is to be sent; WAL_NEVER: it does not wait */
};

/* Relaxed loads and stores below: of numbers that one thread at a time writes (the owner, or whoever holds staging),
 * and that are either read back under the same exclusion or only bound and show something. */
static uint64_t load_relaxed(const _Atomic uint64_t *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

static void add_relaxed(_Atomic uint64_t *value, uint64_t by)
{
	atomic_store_explicit(value, load_relaxed(value) + by, memory_order_relaxed);
}

static struct wal_batch *open_batch(struct wal *wal) REQUIRES(wal->staging)
{
	return &wal->batches[(wal->first + wal->flight_count) % WAL_BATCHES];
}

bool wal_has_room(const struct wal *wal)
{
	/* Relaxed: an outdated answer admits at most one record per appender, since appending brings a thread up to
	 * date; the batch has room for these. */
	return atomic_load_explicit(&wal->open_bytes, memory_order_relaxed) <
		   atomic_load_explicit(&wal->open_limit, memory_order_relaxed) &&
	       !atomic_load_explicit(&wal->failed, memory_order_relaxed);
}

enum wal_space wal_space(const struct wal *wal)
{
	struct log_device_state state;
	wal->device.describe(wal->device.context, &state);
	if (!state.starved) {
		return WAL_SPACE_ENOUGH;
	}
	/* Relaxed: as in wal_has_room. A limit that is reached but is not 0 is a batch that waits for the one before. */
	return atomic_load_explicit(&wal->open_limit, memory_order_relaxed) > 0 ? WAL_SPACE_LOW : WAL_SPACE_NONE;
}

bool wal_stuck(const struct wal *wal, uint64_t *since_ns)
{
	return patience_stuck(&wal->patience, since_ns);
}

/* How much the open batch may collect, when `before` is on its way. */
static void set_limit(struct wal *wal, const struct log_batch *before) REQUIRES(wal->staging)
{
	const uint64_t room = wal->device.room(wal->device.context, before);
	atomic_store_explicit(&wal->open_limit, (uint32_t)room, memory_order_relaxed);
}

uint64_t wal_append(struct wal *wal, const struct record *record)
{
	lock_take(&wal->staging);
	struct wal_batch *batch = open_batch(wal);
	struct log_batch *log = &batch->log;
	/* What a request appends comes to record_size at most, be it one record or many. */
	CHECK(LOG_BATCH_HEADROOM + log->payload_bytes + record_size(record) <= wal->batch_capacity);
	uint8_t *const bytes = log->bytes + LOG_BATCH_HEADROOM + log->payload_bytes;
	write_ahead(bytes);
	const size_t size = record_encode(record, bytes);
	const uint64_t lsn = load_relaxed(&wal->appended_lsn) + 1;
	const bool idle = log->record_count == 0 && wal->flight_count == 0;
	log->payload_bytes += (uint32_t)size;
	log->record_count++;
	atomic_store_explicit(&wal->open_bytes, log->payload_bytes, memory_order_relaxed);
	atomic_store_explicit(&wal->appended_lsn, lsn, memory_order_relaxed);
	lock_give(&wal->staging);

	/* With a batch in flight the owner looks again anyway, when that is durable. */
	if (idle && wal->options.appended != NULL) {
		wal->options.appended(wal->options.context);
	}
	return lsn;
}

/* True the first time. */
static bool poison(struct wal *wal, const struct error *failure)
{
	/* Relaxed: only this thread sets it. */
	if (atomic_load_explicit(&wal->failed, memory_order_relaxed)) {
		return false;
	}
	wal->failure = *failure;
	atomic_store_explicit(&wal->failed, true, memory_order_release); /* pairs with wal_failed */
	return true;
}

/* What the batches say that were taken off the ring. */
struct retired {
	uint64_t last_lsn; /* 0: there are none */
	uint64_t vouched_lsn;
	uint64_t records;
};

/* Takes the batches that are done off the front of the ring. */
static struct retired retire(struct wal *wal)
{
	struct retired retired = {0};
	lock_take(&wal->staging);
	while (wal->flight_count > 0 && wal->batches[wal->first].finished) {
		struct wal_batch *batch = &wal->batches[wal->first];
		retired.last_lsn = batch->log.first_lsn + batch->log.record_count - 1;
		retired.vouched_lsn = batch->log.durable_lsn;
		retired.records += batch->log.record_count;
		add_relaxed(&wal->commits, batch->log.record_count > 0);
		add_relaxed(&wal->records, batch->log.record_count);
		add_relaxed(&wal->bytes, batch->log.written_bytes);
		batch->finished = false;
		batch->log.payload_bytes = 0;
		batch->log.record_count = 0;
		wal->first = (wal->first + 1) % WAL_BATCHES;
		wal->flight_count--;
	}
	lock_give(&wal->staging);
	return retired;
}

static void send_all(struct wal *wal);

static void tell(const struct wal *wal)
{
	if (wal->options.advanced != NULL) {
		wal->options.advanced(wal->options.context);
	}
}

static void on_done(struct log_batch *log, const struct error *failure)
{
	struct wal *wal = log->context;
	struct wal_batch *batch = (struct wal_batch *)(void *)((char *)log - offsetof(struct wal_batch, log));
	batch->finished = true;
	const bool was_stuck = wal_stuck(wal, NULL);
	patience_answered(&wal->patience);
	const struct retired retired = retire(wal);
	if (failure != NULL) {
		if (poison(wal, failure)) {
			tell(wal);
		}
		return;
	}
	if (retired.last_lsn == 0) {
		return; /* an earlier one is not done yet */
	}
	const uint64_t before = load_relaxed(&wal->durable_lsn);
	CHECK(retired.last_lsn >= before); /* a heartbeat takes it no further */
	CHECK(retired.last_lsn <= wal->written_lsn);
	wal->vouched_lsn = retired.vouched_lsn;
	atomic_store_explicit(&wal->durable_lsn, retired.last_lsn,
			      memory_order_release); /* pairs with wal_durable_lsn */
	const uint64_t waiting = load_relaxed(&wal->appended_lsn) - wal->written_lsn;
	gather_ended(&wal->gather, retired.records, waiting, clock_monotonic_ns(wal->clock));
	if (waiting >= GATHER_ENOUGH || !wal_has_room(wal)) {
		/* A batch that has enough gains nothing by waiting for the end of the loop, and `advanced` is to find room. */
		send_all(wal);
	}
	if (retired.last_lsn > before || was_stuck) {
		tell(wal);
	}
}

/* Closes the open batch, so that appends go to the next one. NULL if enough are in flight, or it is empty and nobody wants
 * a heartbeat. */
static struct wal_batch *seal(struct wal *wal, bool heartbeat)
{
	lock_take(&wal->staging);
	struct wal_batch *batch = open_batch(wal);
	if ((batch->log.record_count == 0 && !heartbeat) || wal->flight_count == WAL_DEPTH) {
		batch = NULL;
	} else {
		wal->flight_count++;
		CHECK(open_batch(wal)->log.record_count == 0);
		atomic_store_explicit(&wal->open_bytes, 0, memory_order_relaxed);
		set_limit(wal, &batch->log);
	}
	lock_give(&wal->staging);
	return batch;
}

static void send_open(struct wal *wal, bool heartbeat)
{
	/* Relaxed: this is the thread that sets it. */
	if (atomic_load_explicit(&wal->failed, memory_order_relaxed)) {
		return;
	}
	struct wal_batch *batch = seal(wal, heartbeat);
	if (batch == NULL) {
		return;
	}
	struct log_batch *log = &batch->log;
	log->first_lsn = wal->written_lsn + 1;
	log->durable_lsn = load_relaxed(&wal->durable_lsn);
	log->sealed_at_ms = clock_wall_ms(wal->clock);
	wal->written_lsn += log->record_count;
	CHECK(log->durable_lsn < log->first_lsn);
	CHECK(wal->written_lsn <= load_relaxed(&wal->appended_lsn));
	gather_sent(&wal->gather, clock_monotonic_ns(wal->clock));
	wal->device.append(wal->device.context, log);
}

static void send_all(struct wal *wal)
{
	send_open(wal, false);
	if (!wal_has_room(wal)) {
		wal->device.make_room(wal->device.context);
	}
}

void wal_pump(struct wal *wal)
{
	wal->gather_until_ns = WAL_NEVER;
	const uint64_t waiting = load_relaxed(&wal->appended_lsn) - wal->written_lsn;
	if (wal->gather.limit_ns > 0 && wal->flight_count == 0 && waiting > 0 && wal_has_room(wal)) {
		const uint64_t until_ns = gather_until(&wal->gather, waiting, clock_monotonic_ns(wal->clock));
		if (until_ns > 0) {
			wal->gather_until_ns = until_ns;
			return;
		}
	}
	send_all(wal);
}

/* The device has more room. */
static void on_room(void *context)
{
	struct wal *wal = context;
	const bool had_room = wal_has_room(wal);
	const bool was_stuck = wal_stuck(wal, NULL);
	patience_answered(&wal->patience);
	lock_take(&wal->staging);
	set_limit(wal, NULL);
	lock_give(&wal->staging);
	if (was_stuck || (!had_room && wal_has_room(wal))) {
		tell(wal);
	}
}

/* Is there nothing to do but to vouch for the newest records? What others append from here on may get into the heartbeat,
 * which then is a batch like any other. */
static bool wants_heartbeat(const struct wal *wal)
{
	const uint64_t durable_lsn = load_relaxed(&wal->durable_lsn);
	return wal->vouched_lsn < durable_lsn && durable_lsn == wal_appended_lsn(wal) && !wal_failed(wal, NULL) &&
	       wal->device.takes_heartbeat(wal->device.context);
}

/* The heartbeat's part of wal_rest. */
static uint64_t rest_heartbeat(struct wal *wal, uint64_t now_ns)
{
	if (!wants_heartbeat(wal)) {
		return WAL_NEVER;
	}
	const uint64_t durable_lsn = load_relaxed(&wal->durable_lsn);
	if (wal->quiet_lsn != durable_lsn) {
		wal->quiet_lsn = durable_lsn;
		wal->quiet_ns = now_ns;
	}
	if (now_ns - wal->quiet_ns < WAL_REST_NS) {
		return wal->quiet_ns + WAL_REST_NS;
	}
	send_open(wal, true);
	return WAL_NEVER;
}

/* Is a batch on its way, or no room although there is space? Who sends and retires batches is this thread. */
static bool awaits_device(const struct wal *wal)
{
	return !wal_failed(wal, NULL) &&
	       (wal->flight_count > 0 || (!wal_has_room(wal) && wal_space(wal) != WAL_SPACE_NONE));
}

static uint64_t rest_patience(struct wal *wal, uint64_t now_ns)
{
	const bool was_stuck = wal_stuck(wal, NULL);
	const uint64_t again_ns = patience_look(&wal->patience, awaits_device(wal), now_ns);
	if (wal_stuck(wal, NULL) != was_stuck) {
		tell(wal);
	}
	return again_ns;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t wal_rest(struct wal *wal, uint64_t now_ns)
{
	const uint64_t heartbeat_ns = rest_heartbeat(wal, now_ns);
	const uint64_t device_ns = wal->device.rest(wal->device.context, now_ns);
	const uint64_t again_ns = earlier(heartbeat_ns, earlier(device_ns, wal->gather_until_ns));
	return earlier(again_ns, rest_patience(wal, now_ns));
}

bool wal_finish(struct wal *wal)
{
	send_all(wal);
	if (wants_heartbeat(wal)) {
		send_open(wal, true);
	}
	return wal_idle(wal) && !wants_heartbeat(wal);
}

uint32_t wal_record_size(const struct wal *wal)
{
	return wal->options.record_size;
}

uint64_t wal_vouched_lsn(const struct wal *wal)
{
	return wal->vouched_lsn;
}

uint64_t wal_appended_lsn(const struct wal *wal)
{
	/* Relaxed: a thread sees its own appends; of others it is told by whatever they publish. */
	return load_relaxed(&wal->appended_lsn);
}

uint64_t wal_durable_lsn(const struct wal *wal)
{
	return atomic_load_explicit(&wal->durable_lsn, memory_order_acquire); /* pairs with on_done */
}

bool wal_failed(const struct wal *wal, struct error *error)
{
	if (!atomic_load_explicit(&wal->failed, memory_order_acquire)) { /* pairs with poison */
		return false;
	}
	if (error != NULL) {
		*error = wal->failure;
	}
	return true;
}

bool wal_idle(const struct wal *wal)
{
	return wal_durable_lsn(wal) == wal_appended_lsn(wal) && wal->device.idle(wal->device.context);
}

void wal_stats(const struct wal *wal, struct wal_stats *stats)
{
	struct log_device_state state;
	wal->device.describe(wal->device.context, &state);
	*stats = (struct wal_stats){
	    .commits = load_relaxed(&wal->commits),
	    .records = load_relaxed(&wal->records),
	    .bytes = load_relaxed(&wal->bytes),
	    .segments = state.segments,
	    .log_id = state.log_id,
	    .engine = state.engine,
	};
}

void wal_adopt(struct wal *wal, struct disk *disk)
{
	CHECK(wal->written_lsn == load_relaxed(&wal->durable_lsn));
	wal->device.adopt(wal->device.context, disk);
}

/* What a batch may hold: what wal_has_room admits, and one more record of each appender. */
static uint64_t payload_max(const struct wal_options *options)
{
	return (uint64_t)options->batch_size + (uint64_t)options->appenders * options->record_size;
}

static size_t batch_capacity(const struct wal_options *options)
{
	const uint64_t size = LOG_BATCH_HEADROOM + payload_max(options);
	return (size_t)((size + DISK_ALIGN - 1) & ~(uint64_t)(DISK_ALIGN - 1));
}

static void destroy(struct wal *wal)
{
	for (size_t i = 0; i < WAL_BATCHES; i++) {
		free(wal->batches[i].log.bytes);
	}
	lock_fini(&wal->staging);
	free(wal);
}

static struct wal *create(const struct wal_options *options, const struct clock *clock, struct error *error)
{
	struct wal *wal = aligned_alloc(alignof(struct wal), sizeof *wal);
	if (wal == NULL) {
		error_set(error, ERROR_NO_MEMORY, "no memory for the log");
		return NULL;
	}
	*wal = (struct wal){
	    .options = *options,
	    .clock = clock,
	    .patience.limit_ns = options->commit_timeout_ns,
	    .gather.limit_ns = options->commit_delay_ns,
	    .gather_until_ns = WAL_NEVER,
	};
	if (wal->options.record_size == 0) {
		wal->options.record_size = RECORD_PLAIN_SIZE_MAX;
	}
	wal->batch_capacity = batch_capacity(&wal->options);
	lock_init(&wal->staging);
	for (size_t i = 0; i < WAL_BATCHES; i++) {
		wal->batches[i].log = (struct log_batch){
		    .done = on_done,
		    .context = wal,
		    .bytes = aligned_alloc(DISK_ALIGN, wal->batch_capacity),
		};
		if (wal->batches[i].log.bytes == NULL) {
			error_set(error, ERROR_NO_MEMORY, "no memory for batches of %zu bytes", wal->batch_capacity);
			destroy(wal);
			return NULL;
		}
	}
	return wal;
}

bool wal_open(struct wal **wal, const struct wal_options *options, struct disk *disk, const struct clock *clock,
	      wal_replay_f *replay, void *replay_context, struct wal_recovery *recovery, struct error *error)
{
	*wal = NULL;
	CHECK(options->appenders > 0);
	CHECK(options->batch_size > 0);
	struct wal *opened = create(options, clock, error);
	if (opened == NULL) {
		return false;
	}
	const struct segments_options segments = {
	    .segment_size = options->segment_size,
	    .batch_size = options->batch_size,
	    .appenders = options->appenders,
	    .record_size = opened->options.record_size,
	    .start = options->start,
	    .ahead = options->ahead,
	    .replayed = options->replayed,
	    .progress = options->progress,
	    .changed = on_room,
	    .context = opened,
	    .flush = options->flush,
	};
	if (!segments_open(&opened->device, &segments, disk, clock, replay, replay_context, recovery, error)) {
		destroy(opened);
		return false;
	}
	opened->written_lsn = recovery->last_lsn;
	opened->vouched_lsn = recovery->vouched_lsn;
	atomic_init(&opened->durable_lsn, recovery->last_lsn);
	atomic_init(&opened->appended_lsn, recovery->last_lsn);
	lock_take(&opened->staging);
	set_limit(opened, NULL);
	lock_give(&opened->staging);
	*wal = opened;
	return true;
}

void wal_close(struct wal *wal)
{
	lock_take(&wal->staging);
	CHECK(wal->flight_count == 0);
	lock_give(&wal->staging);
	wal->device.close(wal->device.context);
	destroy(wal);
}
