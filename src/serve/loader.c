/*
 * loader: replay at start-up. Keeps I4 (replay_apply refuses a log that contradicts itself) and I7 (wal_open refuses a
 * damaged one); either way the process ends with the reason, and nothing was served from it.
 */
#include "loader_parts.h"

#include <base/crew.h>
#include <base/ready.h>
#include <inttypes.h>
#include <log/block.h>
#include <log/replay.h>
#include <log/room.h>
#include <serve/housekeeping.h>
#include <serve/log_line.h>
#include <stdlib.h>

/* How often progress is told. */
#define PROGRESS_NS UINT64_C(2000000000)

void loader_progress(void *context, uint64_t bytes)
{
	struct loader *loader = context;
	struct service *service = loader->desk->service;
	/* Relaxed, all: only shown. */
	const uint64_t before = atomic_fetch_add_explicit(&service->loaded_bytes, bytes, memory_order_relaxed);
	const uint64_t now_ns = clock_monotonic_ns(service->clock);
	uint64_t told_ns = atomic_load_explicit(&loader->told_ns, memory_order_relaxed);
	if (now_ns - told_ns > PROGRESS_NS &&
	    atomic_compare_exchange_strong_explicit(&loader->told_ns, &told_ns, now_ns, memory_order_relaxed,
						    memory_order_relaxed)) {
		log_line(LOG_INFO, "loading", "bytes=%" PRIu64 " of=%" PRIu64, before + bytes,
			 atomic_load_explicit(&service->loading_bytes, memory_order_relaxed));
	}
}

static void on_progress(void *context, uint64_t bytes)
{
	struct loader *loader = context;
	loader->log_read_bytes += bytes;
	if (loader->relay != NULL && loader->log_read_bytes > loader->log_half_bytes) {
		table_hurry(loader->desk->table, false); /* what is left may be no more than changes */
	}
	loader_progress(loader, bytes);
}

/* Once the table has what the snapshot has. */
static bool begin_relay(struct loader *loader, struct error *error)
{
	if (loader->relay != NULL) {
		return true;
	}
	if (!loader_snapshot_wait(loader, error)) {
		return false;
	}
	loader->relay = relay_begin(&loader->rebuild, loader->relay_threads, error);
	if (loader->relay == NULL) {
		return false;
	}
	/* As long as there is more of the log to come than was read, so is, most likely, of what it brings. */
	loader->log_half_bytes = loader->log_read_bytes + (loader->log_bytes - loader->log_read_bytes) / 2;
	table_hurry(loader->desk->table, true);
	return true;
}

static bool on_record(void *context, const struct record *record, uint64_t lsn, struct error *error)
{
	struct loader *loader = context;
	return begin_relay(loader, error) && relay_record(loader->relay, record, lsn, error);
}

static void on_ahead(void *context, const struct record *records, size_t count)
{
	struct loader *loader = context;
	if (loader->relay != NULL) {
		relay_ahead(loader->relay, records, count);
	}
}

static bool on_replayed(void *context, struct error *error)
{
	struct loader *loader = context;
	return begin_relay(loader, error) && relay_finish(loader->relay, error);
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
static void look_at_sizes(struct loader *loader)
{
	const struct disk *disk = loader->disk;
	struct disk_entry *entries = NULL;
	size_t count = 0;
	uint64_t snapshot = 0;
	loader->log_bytes = 0;
	/* If it is refused: wal_open meets the same and says so. Sorted by name, so snapshots by age. */
	if (disk->list(disk->context, &entries, &count, NULL)) {
		for (size_t i = 0; i < count; i++) {
			uint64_t number;
			loader->log_bytes += segment_parse_name(entries[i].name, &number) ? entries[i].size : 0;
			snapshot = snapshot_parse_name(entries[i].name, &number) ? entries[i].size : snapshot;
		}
		free(entries);
	}
	/* Relaxed: only shown. */
	atomic_store_explicit(&loader->desk->service->loading_bytes, snapshot + loader->log_bytes,
			      memory_order_relaxed);
}

/* The snapshot, and the log. */
static bool open_log(struct loader *loader, const struct loader_way *way, struct wal_recovery *found,
		     struct error *error)
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
	loader->relay_threads = way->threads;
	loader->log_read_bytes = 0;
	atomic_store_explicit(&service->loaded_bytes, 0, memory_order_relaxed); /* only shown */
	look_at_sizes(loader);
	struct error trouble;
	if (!loader_snapshot_begin(loader, way, &options.start, error)) {
		return false;
	}
	const bool opened =
	    wal_open(&loader->wal, &options, loader->disk, service->clock, on_record, loader, found, error);
	if (loader->relay != NULL) {
		relay_end(loader->relay);
		loader->relay = NULL;
	}
	(void)loader_snapshot_wait(loader, &trouble); /* after a log that was refused before anybody waited */
	return opened;
}

/* What several threads refuse is judged again by one, from the start: its words count (log/relay.h). Before that by several,
 * first the snapshot and then the log, if it may be only that the newest snapshot is not sound. */
static bool open_log_surely(struct loader *loader, struct wal_recovery *found, struct error *error)
{
	struct loader_way way = {.threads = crew_size(), .beside = true};
	while (!open_log(loader, &way, found, error)) {
		if (way.threads == 1 || !table_clear(loader->desk->table, error)) {
			return false;
		}
		way.threads = loader->beside.threads > 0 ? way.threads : 1;
		way.beside = false;
	}
	return true;
}

static void *load(void *argument)
{
	struct loader *loader = argument;
	struct service *service = loader->desk->service;
	const struct config *config = service->config;
	service_worker = service->worker_count;
	const uint64_t began_ns = clock_monotonic_ns(service->clock);
	atomic_init(&loader->told_ns, began_ns);
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
