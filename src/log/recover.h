/*
 * recover: from what a crash left to a log that can be appended to [I7].
 *
 * Threads: one, before anybody appends.
 */
#pragma once

#include <log/block.h>
#include <log/reader.h>
#include <log/wal.h>

/* Where the log goes on. */
struct recovered {
	struct segment_header segment; /* all zero: there is no log yet */
	uint64_t offset;
	uint64_t previous;
	uint64_t next_lsn;
};

/* The name a first segment has until its header is durable. */
#define FIRST_SEGMENT_NAME "wal-new.slotd"

/* Who is told of the records. */
struct recover_visit {
	wal_replay_f *record;
	record_ahead_f *ahead; /* may be NULL, as the next ones */
	record_end_f *end;
	log_progress_f *progress;
	void *context;
};

/* Reads the whole log and hands each record on; then, if the log is sound, cuts a torn tail, removes a segment that was
 * prepared but not begun, and flushes it all: what was read may be in no more than the memory of the kernel. */
bool recover(struct disk *disk, const struct log_start *start, const struct recover_visit *visit,
	     struct recovered *recovered, struct wal_recovery *found, struct error *error);
