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

/* Reads the whole log and hands each record to `replay`; then, if the log is sound, cuts a torn tail, removes a segment
 * that was prepared but not begun, and flushes it all: what was read may be in no more than the memory of the kernel.
 * */
bool recover(struct disk *disk, const struct log_start *start, record_ahead_f *ahead, wal_replay_f *replay,
	     void *context, struct recovered *recovered, struct wal_recovery *found, struct error *error);
