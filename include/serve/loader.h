/*
 * loader: the thread that opens the log and replays it while the workers already answer -LOADING.
 *
 * The log is read beside the loading of the snapshot: what the snapshot covers is looked at meanwhile, and what it does not
 * waits until the table is loaded.
 *
 * Threads: started and joined by main; between the two it, the thread of the snapshot, and their crews alone touch the table.
 */
#pragma once

#include <io/disk.h>
#include <log/relay.h>
#include <pthread.h>
#include <serve/desk.h>
#include <serve/worker.h>

/* A snapshot that is loaded while the log is read. */
struct loader_snapshot {
	/* the loader's; const while it is under way */
	bool under_way;
	pthread_t thread;
	uint32_t threads; /* that load it; 0: none was loaded so, by the way that was tried last */
	struct log_start expected;
	/* the thread's; the loader's once it is joined */
	struct disk disk; /* another port to the same directory */
	bool loaded;
	struct error error;
};

struct loader {
	/* const after loader_start */
	struct desk *desk;
	struct worker *owner; /* of the log: worker 0 */
	struct housekeeper *housekeeper;
	struct disk *disk;          /* locked; borrowed until the log is handed over */
	void (*failed)(int status); /* called on its thread when the log cannot be opened: the server is to end so */
	pthread_t thread;
	/* owned by its thread; main's after loader_join */
	struct wal *wal;
	struct loader_snapshot beside;
	struct relay *relay; /* while what the snapshot has not is read of the log */
	uint32_t relay_threads;
	uint64_t log_bytes;      /* of the log there are, at most */
	uint64_t log_read_bytes; /* so far */
	uint64_t log_half_bytes; /* as many: half of what came with the relay */
	/* of who loads the snapshot: its thread, if there is one, until it is joined */
	struct rebuild rebuild;
	uint64_t snapshot_ms;
	/* shared: relaxed, only told */
	_Atomic uint64_t told_ns; /* when progress was last logged */
};

/* Exit status when the log is refused: restarting does not help, an operator must look. */
#define EXIT_LOG_REFUSED 4

bool loader_start(struct loader *loader, struct error *error);
void loader_join(struct loader *loader);
