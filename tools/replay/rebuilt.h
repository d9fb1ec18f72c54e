/*
 * rebuilt: the table a log leads to, as the server would rebuild it.
 *
 * Threads: one.
 */
#pragma once

#include <log/replay.h>
#include <slot/table.h>

struct rebuilt {
	struct memory memory;
	struct table table;
	bool is_open;
	struct rebuild rebuild;
};

/* Begins with the newest sound snapshot in `disk`, which says with *start how the log is to be opened, unless what it has is
 * later than `end_lsn`. The records follow with rebuild_record. After false, too, it is to be closed. */
bool rebuilt_open(struct rebuilt *rebuilt, struct disk *disk, uint32_t crew, uint64_t end_lsn, struct log_start *start,
		  struct error *error);
void rebuilt_close(struct rebuilt *rebuilt);
