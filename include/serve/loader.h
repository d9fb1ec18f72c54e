/*
 * loader: the thread that opens the log and replays it while the workers already answer -LOADING.
 *
 * Threads: started and joined by main; between the two it alone touches the table.
 */
#pragma once

#include <io/disk.h>
#include <log/replay.h>
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
	uint64_t records; /* read */
	uint64_t bytes;   /* of them */
	uint64_t told_ns; /* when progress was last logged */
};

/* Exit status when the log is refused: restarting does not help, an operator must look. */
#define EXIT_LOG_REFUSED 4

bool loader_start(struct loader *loader, struct error *error);
void loader_join(struct loader *loader);
