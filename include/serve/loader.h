/*
 * loader: the thread that opens the log and replays it while the workers already answer -LOADING.
 *
 * Threads: started and joined by main; between the two it alone touches the table.
 */
#pragma once

#include <io/disk.h>
#include <log/relay.h>
#include <pthread.h>
#include <serve/desk.h>
#include <serve/worker.h>

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
	struct rebuild rebuild;
	struct relay *relay; /* while the log is read */
	/* of one thread at a time (log_progress_f) */
	uint64_t bytes;      /* read so far */
	uint64_t half_bytes; /* when half of the log has been */
	uint64_t told_ns;    /* when progress was last logged */
};

/* Exit status when the log is refused: restarting does not help, an operator must look. */
#define EXIT_LOG_REFUSED 4

bool loader_start(struct loader *loader, struct error *error);
void loader_join(struct loader *loader);
