/*
 * judge: is a log sound, and the snapshots of it, and if not, what would make it so?
 *
 * Threads: one.
 */
#pragma once

#include <log/reader.h>

enum repair {
	REPAIR_NOTHING,  /* it is sound */
	REPAIR_TAIL,     /* a torn tail: zero it */
	REPAIR_WIPE,     /* bytes behind the last block, which the next segment continues all the same: zero them */
	REPAIR_RESIZE,   /* a segment file of another size than its header says */
	REPAIR_SNAPSHOT, /* a snapshot that is damaged, or needs records that are gone: take it away */
	REPAIR_TRIM, /* damage in what the snapshot has: remove the segments before the one that goes on behind it */
	REPAIR_CUT,  /* cut before the first damaged block */
	REPAIR_NONE, /* it could not be read, or is not ours to change: a newer slotd wrote it */
};

struct judgement {
	enum repair repair;
	struct error reason; /* as the server would say it */
	/* what is kept ends here; segment 0: nothing is kept */
	uint64_t segment;
	uint64_t offset;
	uint64_t size;     /* of that segment, by its header */
	uint64_t next_lsn; /* the first record that is missing */
	uint64_t log_id;   /* 0: not known */
	/* REPAIR_TAIL: how far it reaches; REPAIR_RESIZE: which file, and its right size */
	uint64_t torn_bytes;
	uint64_t wrong_segment;
	uint64_t right_size;
	uint64_t snapshot_lsn; /* REPAIR_SNAPSHOT: which one; REPAIR_TRIM: the one that has it all */
	uint64_t end_lsn;      /* of that snapshot */
	uint64_t first_kept;   /* REPAIR_TRIM: the segment the log is to begin with */
	bool loses;            /* acknowledged records are or may be gone with it */
};

/* The header of a segment; *whole is false if it has none. */
bool judge_header(struct disk *disk, uint64_t number, struct segment_header *header, bool *whole, struct error *error);

/* Reads all of it, with a table, as the server does at start. */
void judge_log(struct disk *disk, struct judgement *judgement);
