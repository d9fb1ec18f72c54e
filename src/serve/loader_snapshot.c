/*
 * loader_snapshot: the snapshot's part of a start, beside the log's (loader_parts.h).
 *
 * What the newest snapshot says of itself in its name, its first piece and its last is enough to begin with the log, and
 * is what it is found to be if it is sound. If it turns out to be another, all of it is thrown away, the log's part too, and
 * the start begins again, one behind the other. Nothing on the disk is changed before both have come to their end.
 *
 * The thread here has a disk port of its own, and all of the table until it is joined.
 */
#include "loader_parts.h"

#include <base/check.h>
#include <inttypes.h>
#include <io/disk_posix.h>
#include <serve/log_line.h>

/* What is left of an unfinished snapshot goes, the newest sound one is loaded. */
static bool load(struct loader *loader, struct disk *disk, uint32_t threads, struct log_start *start,
		 struct error *error)
{
	struct desk *desk = loader->desk;
	const uint64_t began_ns = clock_monotonic_ns(desk->clock);
	const struct snapshot_target into = {
	    .table = desk->table, .crew = threads, .progress = loader_progress, .context = loader};
	const bool loaded = rebuild_begin(&loader->rebuild, &into, disk, start, error);
	loader->snapshot_ms = (clock_monotonic_ns(desk->clock) - began_ns) / 1000000;
	return loaded;
}

/* Damaged ones are said. */
static void tell(const struct loader *loader)
{
	const struct snapshot_found *found = &loader->rebuild.found;
	if (found->damaged > 0) {
		log_line(LOG_WARNING, "damaged snapshots, going on from what is before them",
			 "snapshots=%" PRIu32 " error=\"%s\"", found->damaged, found->damage.text);
	}
	if (found->info.lsn != 0) {
		log_line(LOG_INFO, "loaded a snapshot",
			 "lsn=%" PRIu64 " slots=%" PRIu64 " sessions=%" PRIu64 " bytes=%" PRIu64 " ms=%" PRIu64,
			 found->info.lsn, found->info.slots, found->info.sessions, found->info.bytes,
			 loader->snapshot_ms);
	}
}

static void *run(void *argument)
{
	struct loader *loader = argument;
	struct loader_snapshot *beside = &loader->beside;
	struct log_start found;
	beside->loaded = load(loader, &beside->disk, beside->threads, &found, &beside->error);
	const struct log_start *expected = &beside->expected;
	if (beside->loaded && (found.covered_lsn != expected->covered_lsn ||
			       found.durable_lsn != expected->durable_lsn || found.log_id != expected->log_id)) {
		beside->loaded = error_set(&beside->error, ERROR_DAMAGED, "the newest snapshot is not sound");
	}
	return NULL;
}

/* False: there is none to be loaded beside the log, or no thread for it. */
static bool load_beside(struct loader *loader, uint32_t threads)
{
	struct loader_snapshot *beside = &loader->beside;
	struct error ignored;
	if (!snapshot_expect(loader->disk, &beside->expected) ||
	    !disk_posix_open(&beside->disk, loader->desk->service->config->dir, DISK_READ_ONLY, &ignored)) {
		return false;
	}
	beside->threads = threads;
	beside->under_way = pthread_create(&beside->thread, NULL, run, loader) == 0;
	if (!beside->under_way) {
		beside->threads = 0;
		disk_posix_close(&beside->disk);
	}
	return beside->under_way;
}

bool loader_snapshot_begin(struct loader *loader, const struct loader_way *way, struct log_start *start,
			   struct error *error)
{
	loader->beside.threads = 0;
	if (!snapshot_tidy(loader->disk, error)) {
		return false;
	}
	if (way->threads > 1 && way->beside && load_beside(loader, way->threads)) {
		*start = loader->beside.expected;
		return true;
	}
	if (!load(loader, loader->disk, way->threads, start, error)) {
		return false;
	}
	tell(loader);
	return true;
}

bool loader_snapshot_wait(struct loader *loader, struct error *error)
{
	struct loader_snapshot *beside = &loader->beside;
	if (!beside->under_way) {
		return true;
	}
	CHECK(pthread_join(beside->thread, NULL) == 0);
	beside->under_way = false;
	disk_posix_close(&beside->disk);
	if (!beside->loaded) {
		*error = beside->error;
		return false;
	}
	tell(loader);
	return true;
}
