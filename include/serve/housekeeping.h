/*
 * housekeeping: the thread that writes snapshots: when SNAPSHOT asks for one, and when the log has grown by
 * snapshot-log-size since the last.
 *
 * It has a disk port of its own and copies beside the workers (log/snapshot.h), so no loop stands still for it; between two
 * steps it rests as long as the step took, and it runs at low priority, so that it takes the disk and a core for half of the
 * time at most [I8].
 *
 * It reads the log's positions, so the log is closed only once it has ended: service->log_readers.
 *
 * Threads: ask, answer and wake from any; start and join from main.
 */
#pragma once

#include <base/lock.h>
#include <io/disk.h>
#include <log/snapshot.h>
#include <serve/service.h>

struct housekeeper {
	/* const after housekeeper_start */
	struct service *service;
	pthread_t thread;
	/* written by the thread that replays, before the log is handed over */
	uint64_t uncovered_bytes; /* of the log behind the snapshot that was loaded */
	/* guarded by lock */
	struct lock lock;
	pthread_cond_t changed;
	uint64_t asked;       /* requests so far */
	uint64_t finished;    /* so many of them are answered by what was written */
	struct error failure; /* of the last snapshot; ERROR_NONE if it was written */
	/* owned by its thread */
	struct disk disk;
	uint64_t covered_bytes;  /* what wal_stats said when the last snapshot began */
	uint64_t retry_after_ns; /* monotonic; after a failure */
	bool warned;
	/* shared: written by its thread, relaxed, for INFO; `writing` is asked for by an import, too (import_is_quiet) */
	_Atomic uint64_t snapshot_lsn;
	_Atomic uint64_t snapshots_written;
	_Atomic uint64_t snapshots_failed;
	_Atomic uint64_t last_at_ms; /* wall clock, when the last was done; 0: none since start */
	_Atomic uint64_t last_ms;    /* how long it took */
	_Atomic bool writing;
};

bool housekeeper_start(struct housekeeper *housekeeper, struct service *service, struct error *error);
/* It ends soon after service->stopping is set and it is woken. */
void housekeeper_join(struct housekeeper *housekeeper);
void housekeeper_wake(struct housekeeper *housekeeper);

/* Asks for a snapshot of at least what is durable now. Returns what to ask housekeeper_answer with; wake_all tells when. */
uint64_t housekeeper_ask(struct housekeeper *housekeeper);
/* Is it over? Then error->code says whether it failed. */
bool housekeeper_answer(struct housekeeper *housekeeper, uint64_t asked, struct error *error);
