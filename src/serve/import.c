/*
 * import: see the header.
 */
#include <base/check.h>
#include <inttypes.h>
#include <io/disk_posix.h>
#include <log/import_mark.h>
#include <log/replay.h>
#include <serve/desk.h>
#include <serve/housekeeping.h>
#include <serve/import.h>
#include <serve/log_line.h>

static void set_stage(struct import *import, enum import_stage stage)
{
	atomic_store_explicit(&import->stage, stage, memory_order_release); /* pairs with stage_of */
}

static enum import_stage stage_of(const struct import *import)
{
	return (enum import_stage)atomic_load_explicit(&import->stage, memory_order_acquire); /* pairs with set_stage */
}

/* Sequentially consistent: the housekeeper says that it writes, and then asks for it; see import_is_quiet. */
static void set_loading(struct service *service, bool loading)
{
	atomic_store_explicit(&service->loading, loading, memory_order_seq_cst);
}

/* No record, and no slot either that somebody asked for and did not get. */
static bool is_empty(const struct desk *desk, struct error *error)
{
	const uint64_t lsn = wal_appended_lsn(desk_wal(desk));
	if (lsn == 0 && !pool_has(&desk->table->slots, 1)) {
		return true;
	}
	return error_set(error, ERROR_INVALID, "this server is not empty, its log is at lsn %" PRIu64, lsn);
}

bool import_begin(struct service *service, struct error *error)
{
	struct import *import = service->import;
	uint32_t none = IMPORT_NONE;
	if (!is_empty(service->desk, error)) {
		return false;
	}
	/* Acquire; pairs with set_stage of an import before. */
	if (!atomic_compare_exchange_strong_explicit(&import->stage, &none, IMPORT_QUIETING, memory_order_acquire,
						     memory_order_relaxed)) {
		return error_set(error, ERROR_IN_USE, "another connection is importing, or has broken off");
	}
	import->began_ns = clock_monotonic_ns(service->clock);
	import->newest_ms = 0;
	set_loading(service, true);
	/* Release: who hears of the round sees that the server is loading. Pairs with import_look. */
	atomic_fetch_add_explicit(&import->round, 1, memory_order_release);
	service->wake_all(service);
	return true;
}

void import_look(struct service *service)
{
	struct import *import = service->import;
	/* Acquire; pairs with import_begin. Relaxed: this worker's own. */
	const uint32_t round = atomic_load_explicit(&import->round, memory_order_acquire);
	if (atomic_load_explicit(&import->heard[service_worker], memory_order_relaxed) != round) {
		/* Release: what it did before is done. Pairs with import_is_quiet. */
		atomic_store_explicit(&import->heard[service_worker], round, memory_order_release);
		service->wake_all(service);
	}
}

bool import_is_quiet(struct service *service)
{
	struct import *import = service->import;
	/* Relaxed: this thread has written it. */
	const uint32_t round = atomic_load_explicit(&import->round, memory_order_relaxed);
	for (uint32_t i = 0; i < service->worker_count; i++) {
		/* Acquire; pairs with import_look. */
		if (atomic_load_explicit(&import->heard[i], memory_order_acquire) != round) {
			return false;
		}
	}
	/* It says that it writes, then asks whether the server is loading; we said that it is, and ask whether it writes: so
	 * one of us sees the other. */
	return service->housekeeper == NULL ||
	       !atomic_load_explicit(&service->housekeeper->writing, memory_order_seq_cst);
}

/* Sets or clears the mark through a port of its own, that of the log being another thread's. */
static bool mark(const struct service *service, bool (*do_it)(struct disk *disk, struct error *error),
		 struct error *error)
{
	struct disk disk;
	if (!disk_posix_open(&disk, service->config->dir, DISK_READ_WRITE, error)) {
		return false;
	}
	const bool done = do_it(&disk, error);
	disk_posix_close(&disk);
	return done;
}

bool import_take_table(struct service *service, struct error *error)
{
	if (!is_empty(service->desk, error) || !mark(service, import_mark_set, error)) {
		set_stage(service->import, IMPORT_NONE);
		set_loading(service, false);
		return false;
	}
	table_restore_begin(service->desk->table);
	set_stage(service->import, IMPORT_ON);
	log_line(LOG_INFO, "an import begins", "");
	return true;
}

static bool break_off(struct service *service, const struct error *error)
{
	struct import *import = service->import;
	import->failure = *error;
	set_stage(import, IMPORT_BROKEN);
	log_line(LOG_ERROR, "the import broke off, nothing is served from it: empty the directory and import again",
		 "dir=%s error=\"%s\"", service->config->dir, error->text);
	return false;
}

/* A clock that will be right only in years would keep the hold clock there. */
static bool is_of_our_time(const struct service *service, const struct record *record, uint64_t lsn,
			   struct error *error)
{
	const uint64_t latest_ms = clock_wall_ms(service->clock) + IMPORT_DAYS_AHEAD_MAX * UINT64_C(86400000);
	return record->at_ms <= latest_ms ||
	       error_set(error, ERROR_INVALID,
			 "the record at lsn %" PRIu64 " was written more than %d days from now: set the clock", lsn,
			 IMPORT_DAYS_AHEAD_MAX);
}

/* Takes the first record off the bytes. */
static bool take(struct service *service, uint64_t lsn, struct span *bytes, struct error *error)
{
	struct import *import = service->import;
	struct wal *wal = desk_wal(service->desk);
	struct record record;
	const size_t size = record_decode(*bytes, &record, error);
	if (size == 0 || !is_of_our_time(service, &record, lsn, error) ||
	    !replay_apply(service->desk->table, &record, lsn, error)) {
		return false;
	}
	/* Nobody else appends, so this is its lsn: it was applied as that. */
	CHECK(wal_append(wal, &record) == lsn);
	import->newest_ms = record.at_ms > import->newest_ms ? record.at_ms : import->newest_ms;
	*bytes = (struct span){bytes->at + size, bytes->size - size};
	return true;
}

bool import_records(struct service *service, uint64_t lsn, struct span bytes, struct error *error)
{
	struct wal *wal = desk_wal(service->desk);
	const uint64_t next_lsn = wal_appended_lsn(wal) + 1;
	CHECK(stage_of(service->import) == IMPORT_ON);
	bool taken = true;
	if (lsn != next_lsn) {
		taken = error_set(error, ERROR_INVALID, "the next record is that of lsn %" PRIu64 ", not %" PRIu64,
				  next_lsn, lsn);
	} else if (bytes.size > wal_record_size(wal)) {
		taken = error_set(error, ERROR_INVALID,
				  "%zu bytes of records, this log takes %" PRIu32 " at once: raise segment-size",
				  bytes.size, wal_record_size(wal));
	}
	while (taken && bytes.size > 0) {
		taken = take(service, lsn++, &bytes, error);
	}
	return taken || break_off(service, error);
}

bool import_may_end(struct service *service, uint64_t lsn, struct error *error)
{
	const uint64_t last_lsn = wal_appended_lsn(desk_wal(service->desk));
	CHECK(stage_of(service->import) == IMPORT_ON);
	if (lsn == last_lsn) {
		return true;
	}
	error_set(error, ERROR_INVALID, "the last record was that of lsn %" PRIu64 ", not %" PRIu64, last_lsn, lsn);
	return break_off(service, error);
}

bool import_end(struct service *service, struct error *error)
{
	struct desk *desk = service->desk;
	struct import *import = service->import;
	holds_fini(&desk->holds);
	if (!desk_restore(desk, import->newest_ms, error) || !mark(service, import_mark_clear, error)) {
		return break_off(service, error);
	}
	desk_hours_look_by(desk, 0); /* weekly hours that came along are carried out here from now on */
	log_line(LOG_INFO, "the import has ended", "records=%" PRIu64 " ms=%" PRIu64, wal_appended_lsn(desk_wal(desk)),
		 (clock_monotonic_ns(service->clock) - import->began_ns) / 1000000);
	set_stage(import, IMPORT_NONE);
	set_loading(service, false);
	return true;
}

void import_break(struct service *service, const char *why)
{
	switch (stage_of(service->import)) {
	case IMPORT_NONE:
	case IMPORT_BROKEN:
		return;
	case IMPORT_QUIETING:
		set_stage(service->import, IMPORT_NONE);
		set_loading(service, false);
		return;
	case IMPORT_ON: {
		struct error error;
		error_set(&error, ERROR_INVALID, "%s behind lsn %" PRIu64, why,
			  wal_appended_lsn(desk_wal(service->desk)));
		break_off(service, &error);
		return;
	}
	}
}

const char *import_refusal(const struct service *service)
{
	switch (service->import != NULL ? stage_of(service->import) : IMPORT_NONE) {
	case IMPORT_NONE:
		return NULL;
	case IMPORT_QUIETING:
	case IMPORT_ON:
		return "LOADING an import is filling this server";
	case IMPORT_BROKEN:
		return "MISCONF the import broke off: empty the directory of this server and import again";
	}
	WRONG("an import is in one of its stages");
}
