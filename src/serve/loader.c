/*
 * loader: replay at start-up. Keeps I4 (replay_apply refuses a log that contradicts itself) and I7 (wal_open refuses a
 * damaged one); either way the process ends with the reason, and nothing was served from it.
 */
#include <base/crew.h>
#include <inttypes.h>
#include <log/block.h>
#include <log/replay.h>
#include <log/room.h>
#include <serve/housekeeping.h>
#include <serve/loader.h>
#include <serve/log_line.h>
#include <stdlib.h>

/* How often progress is looked at, and told. */
#define PROGRESS_RECORDS 16384
#define PROGRESS_NS      UINT64_C(2000000000)

static bool on_record(void *context, const struct record *record, uint64_t lsn, struct error *error)
{
	struct loader *loader = context;
	if (!rebuild_record(&loader->rebuild, record, lsn, error)) {
		return false;
	}
	loader->bytes += record_size(record);
	if (++loader->records % PROGRESS_RECORDS == 0) {
		/* Relaxed: only shown. */
		atomic_store_explicit(&loader->desk->service->loaded_bytes, loader->bytes, memory_order_relaxed);
		const uint64_t now_ns = clock_monotonic_ns(loader->desk->clock);
		if (now_ns - loader->told_ns > PROGRESS_NS) {
			loader->told_ns = now_ns;
			log_line(LOG_INFO, "replaying the log", "records=%" PRIu64, loader->records);
		}
	}
	return true;
}

static void on_ahead(void *context, const struct record *records, size_t count)
{
	const struct loader *loader = context;
	rebuild_ahead(&loader->rebuild, records, count);
}

/* Slots by state, as the counters of INFO know them: counted once here, by differences from then on. */
static void count_slots(const struct desk *desk)
{
	struct table_counts found;
	table_count(desk->table, &found);
	struct counters *counters = service_counters(desk->service);
	count(&counters->slots_open, (int64_t)found.open);
	count(&counters->slots_booked, (int64_t)found.booked);
	count(&counters->slots_held, (int64_t)found.held);
	count(&counters->slots_blocked, (int64_t)found.blocked);
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

/* How much log there is to read at most: what INFO shows progress against. The last segment is not full. */
static uint64_t log_bytes(struct disk *disk)
{
	struct disk_entry *entries = NULL;
	size_t count = 0;
	uint64_t bytes = 0;
	if (!disk->list(disk->context, &entries, &count, NULL)) {
		return 0; /* wal_open meets the same and says so */
	}
	for (size_t i = 0; i < count; i++) {
		uint64_t number;
		bytes += segment_parse_name(entries[i].name, &number) ? entries[i].size : 0;
	}
	free(entries);
	return bytes;
}

/* What is left of an unfinished snapshot goes, the newest sound one is loaded, damaged ones are said. */
static bool load_snapshot(struct loader *loader, struct log_start *start, struct error *error)
{
	struct desk *desk = loader->desk;
	const uint64_t began_ns = clock_monotonic_ns(desk->clock);
	const struct snapshot_target into = {.table = desk->table, .crew = crew_size()};
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

static void *load(void *argument)
{
	struct loader *loader = argument;
	struct service *service = loader->desk->service;
	const struct config *config = service->config;
	service_worker = service->worker_count;
	struct wal_options options = {
	    .segment_size = config->segment_size,
	    .batch_size = batch_size(config),
	    .appenders = config->threads,
	    .record_size = largest_record(config),
	    .ahead = on_ahead,
	    .flush = config->fsync,
	    .commit_timeout_ns = config->commit_timeout * UINT64_C(1000000000),
	    .commit_delay_ns = config->commit_delay * UINT64_C(1000),
	    .advanced = worker_advanced,
	    .appended = worker_appended,
	    .context = loader->owner,
	};
	const uint64_t began_ns = clock_monotonic_ns(service->clock);
	loader->told_ns = began_ns;
	/* Relaxed: only shown. */
	atomic_store_explicit(&service->loading_bytes, log_bytes(loader->disk), memory_order_relaxed);
	struct wal_recovery found = {0};
	struct error error = {0};
	if (!load_snapshot(loader, &options.start, &error) ||
	    !wal_open(&loader->wal, &options, loader->disk, service->clock, on_record, loader, &found, &error)) {
		log_line(LOG_ERROR, "the log was refused", "dir=%s error=\"%s\"", config->dir, error.text);
		loader->failed(error.code == ERROR_DAMAGED || error.code == ERROR_NEWER ? EXIT_LOG_REFUSED : 1);
		return NULL;
	}
	if (found.cut_bytes > 0) {
		log_line(LOG_WARNING, "cut a torn tail, which was never acknowledged",
			 "file=%s offset=%" PRIu64 " bytes=%" PRIu64, found.cut_file, found.cut_offset,
			 found.cut_bytes);
	}
	table_restore_done(loader->desk->table);
	if (!desk_restore_holds(loader->desk, loader->rebuild.newest_ms, &error)) {
		log_line(LOG_ERROR, "cannot start", "error=\"%s\"", error.text);
		loader->failed(1);
		return NULL;
	}
	count_slots(loader->desk);
	const uint64_t took_ms = (clock_monotonic_ns(service->clock) - began_ns) / 1000000;
	log_line(LOG_INFO, "replayed the log", "records=%" PRIu64 " bytes=%" PRIu64 " ms=%" PRIu64,
		 loader->rebuild.records, found.bytes, took_ms);
	loader->housekeeper->uncovered_bytes = found.uncovered;
	/* Relaxed: a figure; the housekeeper reads it behind desk_wal. */
	atomic_store_explicit(&loader->housekeeper->snapshot_lsn, loader->rebuild.found.info.lsn, memory_order_relaxed);
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
