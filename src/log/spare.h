/*
 * spare: the segment file that is prepared while the one before it fills.
 *
 *   (none) --spare_begin--> NAMING --its name durable--> ZEROING --all written--> FLUSHING --flushed--> READY
 *   READY --spare_take--> (none)
 *
 * Its bytes are written with zeros and flushed before use: a write into blocks the file system never wrote costs it
 * metadata at every flush. That goes on beside the commits of the log, a small piece at a time, so that a commit finds
 * at most one of them in its way, and as fast as the log fills, so that it does not take the disk at once either. The next
 * piece leaves when the owner's loop has seen the end of the last one, so a busy owner gets fewer of them through in the same
 * time: they are as large as it is behind by then.
 *
 * No space left is no failure: nothing acknowledged depends on the spare. It is then starved, and does nothing until it is
 * paced again. What a write could not do is written anew; after a flush that failed for that nobody knows what is on the
 * device, so the file is removed and the spare begins from nothing [I6].
 *
 * Threads: the one that owns the log.
 */
#pragma once

#include <log/block.h>

struct segment_file {
	uint64_t number;
	uint64_t size;
	disk_file file;
};

/* The spare has become ready, or starved (ERROR_NO_SPACE), or failed, or was abandoned and is let go of by the disk. */
typedef void spare_changed_f(void *context, const struct error *failure);

struct spare {
	/* const after spare_init */
	spare_changed_f *changed;
	void *context;
	/* owned by the log's thread */
	struct disk *disk;
	enum {
		SPARE_NONE,
		SPARE_NAMING,
		SPARE_ZEROING,
		SPARE_FLUSHING,
		SPARE_READY,
	} state;
	struct segment_file segment;
	uint64_t zeroed; /* bytes from the start of the file */
	uint64_t wanted; /* see spare_pace */
	size_t piece;    /* of it under way */
	bool under_way;  /* `op` is the disk's */
	bool abandoned;
	struct disk_op op;
};

void spare_init(struct spare *spare, struct disk *disk, spare_changed_f *changed, void *context);

/* Creates the file, and begins to make its name durable; on ERROR_NO_SPACE there is none, as before. Creating blocks, which
 * is a change in memory; the flush of the directory, which takes as long as many commits, does not. */
bool spare_begin(struct spare *spare, uint64_t number, uint64_t size, struct error *error);
/* The same for start-up: blocks until the name is durable. */
bool spare_begin_now(struct spare *spare, uint64_t number, uint64_t size, struct error *error);

/* Goes on until the first `wanted` bytes are zero, or all if the file is smaller. */
void spare_pace(struct spare *spare, uint64_t wanted);

/* Hands over the file of a spare that is ready. */
struct segment_file spare_take(struct spare *spare);

/* Starts nothing any more. True if nothing is under way either; else `changed` says when. */
bool spare_abandon(struct spare *spare);
