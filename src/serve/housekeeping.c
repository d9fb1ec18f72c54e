/*
 * housekeeping: see the header. A failed snapshot harms nothing: it is dropped, said once, and tried again a minute later; the
 * log is kept as it is.
 */
#include <base/check.h>
#include <inttypes.h>
#include <io/disk_posix.h>
#include <serve/desk.h>
#include <serve/housekeeping.h>
#include <serve/log_line.h>
#include <sys/resource.h>

#define SECOND_NS UINT64_C(1000000000)
#define RETRY_NS  (60 * SECOND_NS)
/* How often the size of the log is looked at, and the longest rest between two steps. */
#define LOOK_NS SECOND_NS
/* For the log to become durable: about a flush. */
#define WAIT_NS UINT64_C(1000000)
/* Beside the workers, not before them. */
#define NICE 10

static uint64_t now_ns(const struct housekeeper *housekeeper)
{
	return clock_monotonic_ns(housekeeper->service->clock);
}

static bool is_stopping(const struct housekeeper *housekeeper)
{
	/* Relaxed: whoever sets it wakes us. */
	return atomic_load_explicit(&housekeeper->service->stopping, memory_order_relaxed);
}

/* Waits for at most `ns`, or until it is woken to stop or (unless it is resting) asked for something. */
static void wait_for(struct housekeeper *housekeeper, uint64_t ns, bool resting)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	const uint64_t at_ns = (uint64_t)until.tv_nsec + (ns < LOOK_NS ? ns : LOOK_NS);
	until.tv_sec += (time_t)(at_ns / SECOND_NS);
	until.tv_nsec = (long)(at_ns % SECOND_NS);
	lock_take(&housekeeper->lock);
	int result = 0;
	while (result == 0 && !is_stopping(housekeeper) && (resting || housekeeper->asked == housekeeper->finished)) {
		result = pthread_cond_timedwait(&housekeeper->changed, &housekeeper->lock.mutex, &until);
	}
	lock_give(&housekeeper->lock);
}

/* Steps until the end. False with no error code if the server stops first. */
static bool write_steps(struct housekeeper *housekeeper, struct snapshot_writer *writer, struct error *error)
{
	while (!is_stopping(housekeeper)) {
		const uint64_t began_ns = now_ns(housekeeper);
		const enum snapshot_step step = snapshot_step(writer, error);
		if (step == SNAPSHOT_DONE || step == SNAPSHOT_FAILED) {
			return step == SNAPSHOT_DONE;
		}
		wait_for(housekeeper, step == SNAPSHOT_WAITS ? WAIT_NS : now_ns(housekeeper) - began_ns, true);
	}
	*error = (struct error){.code = ERROR_NONE};
	return false;
}

static void tell_done(struct housekeeper *housekeeper, const struct snapshot_info *info, uint64_t took_ms,
		      const struct error *error)
{
	/* Relaxed, all: figures, and only this thread writes them. */
	atomic_store_explicit(&housekeeper->snapshot_lsn, info->lsn, memory_order_relaxed);
	atomic_fetch_add_explicit(&housekeeper->snapshots_written, 1, memory_order_relaxed);
	atomic_store_explicit(&housekeeper->last_at_ms, clock_wall_ms(housekeeper->service->clock),
			      memory_order_relaxed);
	atomic_store_explicit(&housekeeper->last_ms, took_ms, memory_order_relaxed);
	log_line(LOG_INFO, "wrote a snapshot",
		 "lsn=%" PRIu64 " slots=%" PRIu64 " sessions=%" PRIu64 " bytes=%" PRIu64 " ms=%" PRIu64, info->lsn,
		 info->slots, info->sessions, info->bytes, took_ms);
	if (error->code != ERROR_NONE) {
		log_line(LOG_WARNING, "could not remove what the snapshot makes unnecessary", "error=\"%s\"",
			 error->text);
	}
	housekeeper->warned = false;
}

static void tell_failed(struct housekeeper *housekeeper, const struct error *error)
{
	atomic_fetch_add_explicit(&housekeeper->snapshots_failed, 1, memory_order_relaxed); /* as above */
	housekeeper->retry_after_ns = now_ns(housekeeper) + RETRY_NS;
	if (!housekeeper->warned) {
		log_line(LOG_WARNING, "could not write a snapshot, the log is kept", "error=\"%s\"", error->text);
		housekeeper->warned = true;
	}
}

/* Opens the port the first time. */
static bool open_disk(struct housekeeper *housekeeper, struct error *error)
{
	return housekeeper->disk.context != NULL ||
	       disk_posix_open(&housekeeper->disk, housekeeper->service->config->dir, DISK_READ_WRITE, error);
}

/* One snapshot; *error says whether it failed. */
static void write_snapshot(struct housekeeper *housekeeper, const struct wal *wal, struct error *error)
{
	*error = (struct error){.code = ERROR_NONE};
	if (!open_disk(housekeeper, error)) {
		housekeeper->disk.context = NULL;
		tell_failed(housekeeper, error);
		return;
	}
	const uint64_t began_ns = now_ns(housekeeper);
	struct wal_stats stats;
	wal_stats(wal, &stats);
	const struct snapshot_options options = {
	    .disk = &housekeeper->disk,
	    .clock = housekeeper->service->clock,
	    .wal = wal,
	    .table = housekeeper->service->desk->table,
	    .piece_size = SNAPSHOT_PIECE_SIZE,
	    /* Relaxed: written by this thread. */
	    .previous_lsn = atomic_load_explicit(&housekeeper->snapshot_lsn, memory_order_relaxed),
	    .retain = housekeeper->service->config->log_retain,
	};
	struct snapshot_writer *writer = snapshot_begin(&options, error);
	const bool done = writer != NULL && write_steps(housekeeper, writer, error);
	if (done) {
		tell_done(housekeeper, snapshot_writer_info(writer), (now_ns(housekeeper) - began_ns) / 1000000, error);
		*error = (struct error){.code = ERROR_NONE};
	} else if (error->code != ERROR_NONE) {
		tell_failed(housekeeper, error);
	}
	if (error->code == ERROR_NONE) {
		housekeeper->covered_bytes = stats.bytes;
		housekeeper->uncovered_bytes = 0;
	}
	if (writer != NULL) {
		snapshot_close(writer);
	}
}

/* Is a snapshot due, asked for or by the size of the log? *asked is what it answers. */
static bool is_due(struct housekeeper *housekeeper, const struct wal *wal, uint64_t *asked)
{
	const uint64_t size = housekeeper->service->config->snapshot_log_size;
	struct wal_stats stats;
	wal_stats(wal, &stats);
	lock_take(&housekeeper->lock);
	*asked = housekeeper->asked;
	const bool was_asked = housekeeper->asked != housekeeper->finished;
	lock_give(&housekeeper->lock);
	return was_asked || (size != 0 && now_ns(housekeeper) >= housekeeper->retry_after_ns &&
			     stats.bytes - housekeeper->covered_bytes + housekeeper->uncovered_bytes >= size);
}

static void finish(struct housekeeper *housekeeper, uint64_t asked, const struct error *error)
{
	lock_take(&housekeeper->lock);
	housekeeper->finished = asked;
	housekeeper->failure = *error;
	lock_give(&housekeeper->lock);
	housekeeper->service->wake_all(housekeeper->service);
}

static void *run(void *argument)
{
	struct housekeeper *housekeeper = argument;
	struct service *service = housekeeper->service;
	setpriority(PRIO_PROCESS, 0, NICE); /* on Linux of this thread; if it is refused, so be it */
	service_worker = service->worker_count;
	while (!is_stopping(housekeeper)) {
		const struct wal *wal = desk_wal(service->desk);
		uint64_t asked;
		if (wal == NULL || !is_due(housekeeper, wal, &asked)) {
			wait_for(housekeeper, LOOK_NS, false); /* while the log is replayed, nobody can ask */
			continue;
		}
		struct error error;
		/* Sequentially consistent, both: see import_is_quiet. */
		atomic_store_explicit(&housekeeper->writing, true, memory_order_seq_cst);
		if (atomic_load_explicit(&service->loading, memory_order_seq_cst)) {
			atomic_store_explicit(&housekeeper->writing, false, memory_order_release);
			service->wake_all(service);
			wait_for(housekeeper, LOOK_NS, true); /* of what is being imported */
			continue;
		}
		write_snapshot(housekeeper, wal, &error);
		/* Release; pairs with import_is_quiet. */
		atomic_store_explicit(&housekeeper->writing, false, memory_order_release);
		if (is_stopping(housekeeper)) {
			break; /* it may have been left off */
		}
		finish(housekeeper, asked, &error);
	}
	if (housekeeper->disk.context != NULL) {
		disk_posix_close(&housekeeper->disk);
	}
	finish(housekeeper, UINT64_MAX, &(struct error){.code = ERROR_IO, .text = "the server is stopping"});
	service_stopped_reading(service);
	return NULL;
}

bool housekeeper_start(struct housekeeper *housekeeper, struct service *service, struct error *error)
{
	pthread_condattr_t attributes;
	housekeeper->service = service;
	lock_init(&housekeeper->lock);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&housekeeper->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	service_reads_log(service);
	const int refused = pthread_create(&housekeeper->thread, NULL, run, housekeeper);
	if (refused != 0) {
		service_stopped_reading(service);
		return error_errno(error, refused, "cannot start the thread that writes snapshots");
	}
	return true;
}

void housekeeper_join(struct housekeeper *housekeeper)
{
	pthread_join(housekeeper->thread, NULL);
	pthread_cond_destroy(&housekeeper->changed);
	lock_fini(&housekeeper->lock);
}

void housekeeper_wake(struct housekeeper *housekeeper)
{
	lock_take(&housekeeper->lock);
	pthread_cond_broadcast(&housekeeper->changed);
	lock_give(&housekeeper->lock);
}

uint64_t housekeeper_ask(struct housekeeper *housekeeper)
{
	lock_take(&housekeeper->lock);
	const uint64_t asked = ++housekeeper->asked;
	pthread_cond_broadcast(&housekeeper->changed);
	lock_give(&housekeeper->lock);
	return asked;
}

bool housekeeper_answer(struct housekeeper *housekeeper, uint64_t asked, struct error *error)
{
	lock_take(&housekeeper->lock);
	const bool over = housekeeper->finished >= asked;
	*error = housekeeper->failure;
	lock_give(&housekeeper->lock);
	return over;
}
