/*
 * loader: replay at start-up. Keeps I4 (replay_apply refuses a log that contradicts itself) and I7 (wal_open refuses a
 * damaged one); either way the process ends with the reason, and nothing was served from it.
 */
#include <base/crew.h>
#include <base/ready.h>
#include <inttypes.h>
#include <log/block.h>
#include <log/replay.h>
#include <log/room.h>
#include <serve/housekeeping.h>
#include <serve/loader.h>
#include <serve/log_line.h>
#include <stdlib.h>

/* How often progress is told. */
#define PROGRESS_NS UINT64_C(2000000000)

static void on_progress(void *context, uint64_t bytes)
{
	struct loader *loader = context;
	struct service *service = loader->desk->service;
	loader->bytes += bytes;
	if (loader->relay != NULL && loader->bytes > loader->half_bytes) {
		table_hurry(loader->desk->table, false); /* what is left may be no more than changes */
	}
	/* Relaxed: only shown. */
	atomic_store_explicit(&service->loaded_bytes, loader->bytes, memory_order_relaxed);
	const uint64_t now_ns = clock_monotonic_ns(service->clock);
	if (now_ns - loader->told_ns > PROGRESS_NS) {
		loader->told_ns = now_ns;
		log_line(LOG_INFO, "loading", "bytes=%" PRIu64 " of=%" PRIu64, loader->bytes,
			 atomic_load_explicit(&service->loading_bytes, memory_order_relaxed));
	}
}

static bool on_record(void *context, const struct record *record, uint64_t lsn, struct error *error)
{
	return relay_record(((struct loader *)context)->relay, record, lsn, error);
}

static void on_ahead(void *context, const struct record *records, size_t count)
{
	const struct loader *loader = context;
	relay_ahead(loader->relay, records, count);
}

static bool on_replayed(void *context, struct error *error)
{
	struct loader *loader = context;
	return relay_finish(loader->relay, error);
}

/* A batch never spans segments, so small segments mean small batches. */
static uint32_t batch_size(const struct config *config)
{
	const uint64_t most = config->segment_size / 4;
	return config->batch_size < most ? config->batch_size : (uint32_t)most;
}

/* Small segments for many threads cannot keep room for the largest groups; such groups are refused then. */
static uint32_t largest_record(const struct config *config)
{
	const uint64_t least = room_segment_least(batch_size(config), config->threads, RECORD_SIZE_MAX);
	return least <= config->segment_size ? RECORD_SIZE_MAX : RECORD_PLAIN_SIZE_MAX;
}

/* How much there is to read at most, the newest snapshot and the log: what INFO shows progress against. The last segment is not
 * full. */
static uint64_t bytes_to_load(struct disk *disk)
{
	struct disk_entry *entries = NULL;
	size_t count = 0;
	uint64_t log = 0;
	uint64_t snapshot = 0;
	if (!disk->list(disk->context, &entries, &count, NULL)) {
		return 0; /* wal_open meets the same and says so */
	}
	/* Sorted by name, so snapshots by age. */
	for (size_t i = 0; i < count; i++) {
		uint64_t number;
		log += segment_parse_name(entries[i].name, &number) ? entries[i].size : 0;
		snapshot = snapshot_parse_name(entries[i].name, &number) ? entries[i].size : snapshot;
	}
	free(entries);
	return snapshot + log;
}

/* What is left of an unfinished snapshot goes, the newest sound one is loaded, damaged ones are said. */
static bool load_snapshot(struct loader *loader, uint32_t threads, struct log_start *start, struct error *error)
{
	struct desk *desk = loader->desk;
	const uint64_t began_ns = clock_monotonic_ns(desk->clock);
	const struct snapshot_target into = {
	    .table = desk->table, .crew = threads, .progress = on_progress, .context = loader};
	if (!snapshot_tidy(loader->disk, error) ||
	    !rebuild_begin(&loader->rebuild, &into, loader->disk, start, error)) {
		return false;
	}
	const struct snapshot_found *found = &loader->rebuild.found;
	if (found->damaged > 0) {
		log_line(LOG_WARNING, "damaged snapshots, going on from what is before them",
			 "snapshots=%" PRIu32 " error=\"%s\"", found->damaged, found->damage.text);
	}
	if (found->info.lsn != 0) {
		log_line(LOG_INFO, "loaded a snapshot",
			 "lsn=%" PRIu64 " slots=%" PRIu64 " sessions=%" PRIu64 " bytes=%" PRIu64 " ms=%" PRIu64,
			 found->info.lsn, found->info.slots, found->info.sessions, found->info.bytes,
			 (clock_monotonic_ns(desk->clock) - began_ns) / 1000000);
	}
	return true;
}

/* The snapshot, then the log, by so many threads. */
static bool open_log(struct loader *loader, uint32_t threads, struct wal_recovery *found, struct error *error)
{
	struct service *service = loader->desk->service;
	const struct config *config = service->config;
	struct wal_options options = {
	    .segment_size = config->segment_size,
	    .batch_size = batch_size(config),
	    .appenders = config->threads,
	    .record_size = largest_record(config),
	    .ahead = on_ahead,
	    .replayed = on_replayed,
	    .progress = on_progress,
	    .flush = config->fsync,
	    .commit_timeout_ns = config->commit_timeout * UINT64_C(1000000000),
	    .commit_delay_ns = config->commit_delay * UINT64_C(1000),
	    .advanced = worker_advanced,
	    .appended = worker_appended,
	    .context = loader->owner,
	};
	if (!load_snapshot(loader, threads, &options.start, error)) {
		return false;
	}
	loader->relay = relay_begin(&loader->rebuild, threads, error);
	if (loader->relay == NULL) {
		return false;
	}
	/* As long as there is more of the log to come than was read, so is, most likely, of what it brings. */
	const uint64_t all = atomic_load_explicit(&service->loading_bytes, memory_order_relaxed);
	loader->half_bytes = loader->bytes + (all > loader->bytes ? all - loader->bytes : 0) / 2;
	table_hurry(loader->desk->table, true);
	const bool opened =
	    wal_open(&loader->wal, &options, loader->disk, service->clock, on_record, loader, found, error);
	relay_end(loader->relay);
	loader->relay = NULL;
	return opened;
}

/* What several threads refuse is judged again by one, from the start: its words count (log/relay.h). */
static bool open_log_surely(struct loader *loader, struct wal_recovery *found, struct error *error)
{
	const uint32_t threads = crew_size();
	if (open_log(loader, threads, found, error)) {
		return true;
	}
	if (threads == 1 || !table_clear(loader->desk->table, error)) {
		return false;
	}
	loader->bytes = 0;
	return open_log(loader, 1, found, error);
}

static void *load(void *argument)
{
	struct loader *loader = argument;
	struct service *service = loader->desk->service;
	const struct config *config = service->config;
	service_worker = service->worker_count;
	const uint64_t began_ns = clock_monotonic_ns(service->clock);
	loader->told_ns = began_ns;
	/* Relaxed: only shown. */
	atomic_store_explicit(&service->loading_bytes, bytes_to_load(loader->disk), memory_order_relaxed);
	struct wal_recovery found = {0};
	struct error error = {0};
	if (!open_log_surely(loader, &found, &error)) {
		log_line(LOG_ERROR, "the log was refused", "dir=%s error=\"%s\"", config->dir, error.text);
		loader->failed(error.code == ERROR_DAMAGED || error.code == ERROR_NEWER ? EXIT_LOG_REFUSED : 1);
		return NULL;
	}
	if (found.cut_bytes > 0) {
		log_line(LOG_WARNING, "cut a torn tail, which was never acknowledged",
			 "file=%s offset=%" PRIu64 " bytes=%" PRIu64, found.cut_file, found.cut_offset,
			 found.cut_bytes);
	}
	if (!desk_restore(loader->desk, loader->rebuild.newest_ms, &error)) {
		log_line(LOG_ERROR, "cannot start", "error=\"%s\"", error.text);
		loader->failed(1);
		return NULL;
	}
	const uint64_t took_ms = (clock_monotonic_ns(service->clock) - began_ns) / 1000000;
	log_line(LOG_INFO, "replayed the log", "records=%" PRIu64 " bytes=%" PRIu64 " ms=%" PRIu64,
		 loader->rebuild.records, found.bytes, took_ms);
	loader->housekeeper->uncovered_bytes = found.uncovered;
	/* Relaxed: a figure; the housekeeper reads it behind desk_wal. */
	atomic_store_explicit(&loader->housekeeper->snapshot_lsn, loader->rebuild.found.info.lsn, memory_order_relaxed);
	/* Not before: who loads uses memory as fast as it can be touched. */
	if (!ready_start(&error)) {
		log_line(LOG_WARNING, "claims wait for the first touch of new memory", "reason=\"%s\"", error.text);
	}
	worker_hand_over(loader->owner, loader->wal);
	return NULL;
}

bool loader_start(struct loader *loader, struct error *error)
{
	const int refused = pthread_create(&loader->thread, NULL, load, loader);
	return refused == 0 || error_errno(error, refused, "cannot start the thread that replays the log");
}

void loader_join(struct loader *loader)
{
	pthread_join(loader->thread, NULL);
}
