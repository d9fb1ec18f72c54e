/*
 * loader_parts: what the files of the loader share.
 */
#pragma once

#include <serve/loader.h>

/* How a start is tried. */
struct loader_way {
	uint32_t threads;
	bool beside; /* the log is read while the snapshot is loaded */
};

/* Begins with the snapshot, or has it loaded already; *start is what it says of the log. */
bool loader_snapshot_begin(struct loader *loader, const struct loader_way *way, struct log_start *start,
			   struct error *error);
/* Waits until it is loaded, which is before the first record that it does not cover; again, nothing is left to wait for. */
bool loader_snapshot_wait(struct loader *loader, struct error *error);

/* A log_progress_f of the loader, for several threads. */
void loader_progress(void *context, uint64_t bytes);
