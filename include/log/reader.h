/*
 * reader: the log from its first block to its end, without changing anything.
 *
 * It follows the chain of blocks through the segments, and where no block follows it says what that is (log/verdict.h).
 * Recovery reads with it when the server starts, and so does slotd-replay, also while the server is writing: a batch on
 * its way looks like a torn tail. What looks like damage is read a second time before it is believed: whatever proved
 * that a block must be durable was written after that block, so that a second look, taken after the proof, finds it in
 * a sound log.
 *
 * Of the disk port it uses list, open, read and close, so that a port that can do no more is enough.
 *
 * Keeps I7. Threads: one.
 */
#pragma once

#include <log/block.h>
#include <log/record.h>
#include <log/start.h>
#include <log/window.h>

struct reader {
	struct disk *disk;
	struct log_start start;
	record_ahead_f *ahead; /* with the context of reader_records; NULL: nobody wants to know */
	uint64_t first_lsn;    /* of the first segment */
	/* the segment files there were at reader_open, in order */
	uint64_t *numbers;
	size_t file_count;
	size_t next_file; /* index of the one behind the open one */
	/* the open segment; all zero before the first, and in an empty log */
	struct segment_header segment;
	char name[DISK_NAME_SIZE];
	disk_file file;
	/* where the next block goes, and what it has to say */
	uint64_t offset;
	uint64_t previous;
	uint64_t next_lsn;
	/* at the end: bytes from `offset` on that a torn batch left, a multiple of BLOCK_ALIGN; 0 if it is clean */
	uint64_t torn_bytes;
	struct window window;
};

/* A block that follows the one before. The payload is good until the next call. */
struct reader_block {
	struct block_header header;
	uint64_t offset;
	struct span payload;
};

enum reader_step {
	READER_BLOCK,
	READER_END,     /* the last block was the one before; torn_bytes says whether something is left behind it */
	READER_REFUSED, /* *error: ERROR_DAMAGED and ERROR_NEWER name file, offset and lsn; or the disk failed */
};

/* Lists the segments. `disk` is borrowed until reader_close. An empty directory is an empty log. With a snapshot, the log
 * may begin behind lsn 1, at most behind what that covers, and must reach what that knows to be durable; it is read from
 * its first record on all the same. */
bool reader_open(struct reader *reader, struct disk *disk, const struct log_start *start, struct error *error);
void reader_close(struct reader *reader);

enum reader_step reader_next(struct reader *reader, struct reader_block *block, struct error *error);

/* After READER_END, of a log that somebody may be writing: does it go on by now? A cheap look at the two places where
 * the next block can stand, so that it can be asked again and again; reader_next then judges what is there. (It may be
 * the header of the next segment alone: READER_END again, from there.) */
bool reader_grown(struct reader *reader, bool *grown, struct error *error);

/* Called with each record; false, with the reason, refuses it. Its spans are good until it returns. */
typedef bool reader_visit_f(void *context, const struct record *record, uint64_t lsn, struct error *error);

/* The records of a block, in order. False, with file, offset and lsn, if one does not decode or is refused. */
bool reader_records(const struct reader *reader, const struct reader_block *block, reader_visit_f *visit, void *context,
		    struct error *error);
