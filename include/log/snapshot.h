/*
 * snapshot: the table in a file, written beside those who change it, and the table again from the newest sound one.
 *
 *   snap-0000000000001234.slotd   its name has the lsn S it begins at, in hexadecimal
 *
 *   | begin | slots ... | sessions ... | psychologists ... | clients ... | end |      pieces; each is a block (log/block.h)
 *
 * What is copied, and how the log from S on makes one state of it, says slot/image.h. A piece is hashed with its place, the
 * log and S, and follows the hash of the piece before; the end says E, the lsn up to which the copies may have records, and
 * how many copies there are.
 *
 * Writing goes in steps of one piece, each written and flushed, so that whoever commits meanwhile finds a small flush in the
 * way and no large one; between two steps the caller may do what it likes. The file has another name until it is whole,
 * was read back and found as it was written, and the log is durable up to E: then it is renamed and the directory flushed.
 * Only then what it makes unnecessary goes: snapshots but for the one before, and, oldest first, the segments that end
 * before that one begins, as far as they are more than `retain` bytes. So a damaged snapshot costs nothing but time: the
 * one before it and the log from there on are kept.
 *
 * A step that fails (a full disk) ends the snapshot and removes its file; the log does not notice.
 *
 * Keeps I4, I7 (what is damaged is not loaded), I8. Synchronization: a writer belongs to one thread, with a disk port of its
 * own; it goes beside workers. Loading: one thread, which calls a crew, before there are others.
 */
#pragma once

#include <base/clock.h>
#include <log/start.h>
#include <log/wal.h>
#include <slot/table.h>

struct snapshot_info {
	uint64_t lsn;     /* S; 0: there is none */
	uint64_t end_lsn; /* E */
	uint64_t log_id;
	uint64_t created_at_ms; /* wall clock */
	uint64_t slots, sessions, tokens;
	uint64_t bytes; /* of the file */
};

/* "snap-0000000000001234.slotd"; the name it has while it is written. */
void snapshot_format_name(uint64_t lsn, char name[static DISK_NAME_SIZE]);
bool snapshot_parse_name(const char *name, uint64_t *lsn);
#define SNAPSHOT_NEW_NAME "snap-new.slotd"

/* ---- writing ---- */

struct snapshot_options {
	struct disk *disk; /* of the directory of the log; borrowed, as the next three */
	const struct clock *clock;
	const struct wal *wal;
	struct table *table;
	uint32_t piece_size;   /* bytes of a piece at most, a multiple of DISK_ALIGN */
	uint64_t previous_lsn; /* of the last snapshot known to be sound, which is kept; 0: there is none */
	uint64_t retain;       /* bytes of segments to keep that nothing needs; option log-retain */
};

#define SNAPSHOT_PIECE_SIZE (256u << 10)

struct snapshot_writer;

/* Starts a snapshot as of what is durable now. NULL: nothing to be done, *error has no code (the log has nothing that
 * the last snapshot has not), or it could not be started. */
struct snapshot_writer *snapshot_begin(const struct snapshot_options *options, struct error *error);

enum snapshot_step {
	SNAPSHOT_GOES_ON,
	SNAPSHOT_WAITS, /* for the log to become durable: ask again a little later */
	SNAPSHOT_DONE,  /* it is durable under its name, and what it made unnecessary is gone */
	SNAPSHOT_FAILED,
};

/* Does the next step: at most one piece written and flushed, or one file removed. After SNAPSHOT_DONE or SNAPSHOT_FAILED, or
 * instead of going on, close. If nothing but the removing of old files failed, it is SNAPSHOT_DONE with an *error code. */
enum snapshot_step snapshot_step(struct snapshot_writer *writer, struct error *error);
/* Of the snapshot, as far as it is. Good until close. */
const struct snapshot_info *snapshot_writer_info(const struct snapshot_writer *writer);
/* Frees it; removes the file of one that is not done. */
void snapshot_close(struct snapshot_writer *writer);

/* ---- loading ---- */

/* Where the copies go. */
struct snapshot_target {
	struct table *table;      /* empty */
	uint32_t crew;            /* threads that read and put, this one among them (base/crew.h) */
	log_progress_f *progress; /* NULL: nobody waits */
	void *context;            /* of it */
};

struct snapshot_found {
	struct snapshot_info info; /* of the one that was loaded; lsn 0: none */
	uint64_t newest_ms;        /* the latest moment that a session it has says */
	uint32_t damaged;          /* newer ones that were not sound */
	uint64_t damaged_lsn;      /* the newest of them, */
	struct error damage;       /* and what is wrong with it: file, offset, what */
};

/* Reads the snapshots of the directory, newest first, to the first that is sound from its first byte to its last, and puts
 * its copies into a table, unless `into` is NULL; one that is not sound leaves nothing in it. Reads only. False: one was
 * written by a newer slotd (ERROR_NEWER), its copies cannot be put, or there was no way to look. */
bool snapshot_load(struct disk *disk, const struct snapshot_target *into, struct snapshot_found *found,
		   struct error *error);
/* What the newest one will say about the log if it is sound to its last byte, which nobody has looked at yet. False: there is
 * none, or it is not sound at its ends already. */
bool snapshot_expect(struct disk *disk, struct log_start *start);
/* What that says about the log. */
struct log_start snapshot_start(const struct snapshot_info *info);

/* Removes what a snapshot that was not finished left. */
bool snapshot_tidy(struct disk *disk, struct error *error);
