/*
 * wal: the write-ahead log. Records go in at one end, get an lsn, and become durable in groups.
 *
 *   record --wal_append--> open batch --seal--> batch in flight --flushed--> durable
 *             any thread       wal_pump, owner      disk           owner
 *
 * Group commit: while a batch is in flight the next one collects; it leaves when the one before is durable, or a moment
 * later, so that those who were answered can join it (commit_delay_ns). lsn are dense, start at 1, and are given out in the
 * order of the batch's bytes, under the staging lock.
 *
 *   durable_lsn <= written_lsn <= appended_lsn, each only grows [I3]
 *
 * When the log rests, a block without records is written, once: it vouches for the newest records, whose damage is then
 * refused and not cut [I7]. The log has no timer of its own: the owner calls wal_rest once a loop.
 *
 * A failed write or flush is final [I6]: wal_failed turns true, durable_lsn never moves again, and the server exits.
 *
 * A device that is stuck is not a failure: what was appended waits, nobody is told anything of it, and it becomes durable when
 * the device goes on. wal_stuck says so, so that no more requests pile up behind it.
 *
 * Space is settled before the claim [I5]: wal_has_room is asked before a request is executed; behind it the staging
 * buffer and the device keep one record of the largest size per appender in reserve, so wal_append itself never fails. On a
 * full disk it turns false while everything admitted still has its place; when there is space again, so has the log, by
 * itself.
 *
 * Synchronization (- free, O owner thread only):
 *   append, has_room, space, stuck, durable_lsn, appended_lsn, failed, stats   -
 *   pump, rest, finish (and the disk's completions), idle, vouched O
 *   open, adopt, close                                             nobody else is at work
 */
#pragma once

#include <base/clock.h>
#include <base/error.h>
#include <io/disk.h>
#include <log/record.h>
#include <log/start.h>
#include <stdbool.h>
#include <stdint.h>

struct wal;

struct wal_options {
	uint64_t segment_size; /* bytes, a multiple of DISK_ALIGN; option segment-size, default 64 MiB */
	uint32_t batch_size;   /* bytes of records at which a batch takes no further request; a multiple of DISK_ALIGN,
				  default 4 MiB. A segment must hold it, and one record of each appender on top */
	uint32_t appenders;    /* threads that append at the same time at most */
	uint32_t
	    record_size; /* bytes of the largest record; 0: RECORD_PLAIN_SIZE_MAX, groups beyond it are not wanted */
	struct log_start start;     /* what snapshots say about it */
	record_ahead_f *ahead;      /* as the reader's, with the context of the replay; may be NULL */
	record_end_f *replayed;     /* the same */
	log_progress_f *progress;   /* the same */
	bool flush;                 /* option fsync; false is for measuring only: written counts as durable */
	uint64_t commit_timeout_ns; /* option commit-timeout: a device that takes longer is stuck; 0: none ever is */
	uint64_t commit_delay_ns;   /* option commit-delay: what a batch waits at most for more; 0: none waits */
	/* Called on the owner thread whenever durable_lsn has grown or there is room again, when the device has become stuck or
	 * goes on, and once when the log has failed. May be NULL. */
	void (*advanced)(void *context);
	/* Called on the appending thread when the first record of a batch was appended and nothing is in flight: the
	 * owner should be woken to pump. May be NULL if the owner is the only appender. */
	void (*appended)(void *context);
	void *context;
};

#define WAL_SEGMENT_SIZE_DEFAULT (UINT64_C(64) << 20)
#define WAL_SEGMENT_SIZE_MIN     (UINT64_C(1) << 20)
#define WAL_BATCH_SIZE_DEFAULT   (4u << 20)

/* Called for every durable record in order of lsn while the log is opened, but for those of blocks that the snapshot has
 * whole; false, with the reason, refuses the log [I4]. The record's spans are good until it returns. */
typedef bool wal_replay_f(void *context, const struct record *record, uint64_t lsn, struct error *error);

/* What recovery found; for the server's log line and for slotd-replay. */
struct wal_recovery {
	uint64_t last_lsn;
	uint64_t blocks;
	uint64_t bytes;       /* of blocks read */
	uint64_t uncovered;   /* of them, bytes of those no snapshot covers */
	uint64_t vouched_lsn; /* the highest that a block or header behind it knows to be durable */
	uint64_t cut_bytes;   /* of a torn tail */
	char cut_file[DISK_NAME_SIZE];
	uint64_t cut_offset;
};

/* Opens the log in the disk's directory (which must be locked): reads every segment in order, hands each record to
 * `replay`, cuts a torn tail durably, refuses anything else that is not a sound log (ERROR_DAMAGED names file, offset,
 * lsn and the command to run) [I7], and flushes. When it returns, nothing is under way at the disk. `disk` and `clock`
 * are borrowed until wal_close. */
bool wal_open(struct wal **wal, const struct wal_options *options, struct disk *disk, const struct clock *clock,
	      wal_replay_f *replay, void *replay_context, struct wal_recovery *recovery, struct error *error);
/* Is all that was appended durable, and nothing under way at the disk in the background either? An orderly end keeps
 * the loop going until wal_finish, which is more, and only then closes the log and the disk. */
bool wal_idle(const struct wal *wal);
/* Frees everything. No batch may be in flight (CHECKed); one that was never sent is lost. What the disk still does to
 * prepare the next segment is let go of when it is done, or with the process. */
void wal_close(struct wal *wal);

/* From here on `disk` (another port to the same directory) does the work: start-up opens the log with a blocking port
 * on one thread, a worker then owns it with the port of its own loop. Nothing may be in flight. */
void wal_adopt(struct wal *wal, struct disk *disk);

/* May a request be executed that appends one record? False while the device does not keep up: stop reading requests
 * until `advanced`. */
bool wal_has_room(const struct wal *wal);

/* What the disk has for the log. */
enum wal_space {
	WAL_SPACE_ENOUGH,
	WAL_SPACE_LOW,  /* the next segment cannot be prepared; there is room left in the present one */
	WAL_SPACE_NONE, /* and none is left there: refuse requests that would append, do not wait for room */
};
enum wal_space wal_space(const struct wal *wal);

/* Has the device let the log wait, for a commit or for room, longer than commit_timeout_ns? Then *since_ns, unless NULL, is
 * when that began, monotonic. */
bool wal_stuck(const struct wal *wal, uint64_t *since_ns);

/* Bytes of the largest record it takes. */
uint32_t wal_record_size(const struct wal *wal);

/* Appends a record and returns its lsn. Never fails after wal_has_room, as long as all that is appended since then comes to
 * wal_record_size at most. */
uint64_t wal_append(struct wal *wal, const struct record *record);

/* Sends the open batch to the disk if none is in flight, unless more are expected; call it once a loop. */
void wal_pump(struct wal *wal);

/* Nothing was appended for WAL_REST_NS and the newest records have nobody to vouch for them: writes a heartbeat, if
 * there is a place for it. There was no space for the next segment: tries again, every second. Notices that the device is
 * stuck. Call it once a loop, after wal_pump; `now_ns` is the monotonic clock's. Returns when it and wal_pump want to be called
 * again even if nothing else happens; WAL_NEVER if they do not. */
uint64_t wal_rest(struct wal *wal, uint64_t now_ns);
#define WAL_REST_NS (UINT64_C(100) * 1000000)
#define WAL_NEVER   UINT64_MAX

/* For an orderly end, called until it is true: sends what is open, and the heartbeat at once. True when all that was
 * appended is durable and vouched for, and nothing is under way at the disk. */
bool wal_finish(struct wal *wal);

/* Up to here damage to the log is refused and not cut: a durable block or header behind it says that it was durable. */
uint64_t wal_vouched_lsn(const struct wal *wal);

uint64_t wal_appended_lsn(const struct wal *wal);
/* Acquire; pairs with the release store when a batch is durable. */
uint64_t wal_durable_lsn(const struct wal *wal);
/* True once a write or flush has failed; *error then says which. */
bool wal_failed(const struct wal *wal, struct error *error);

struct wal_stats {
	uint64_t commits; /* batches made durable, heartbeats left out */
	uint64_t records; /* in them */
	uint64_t bytes;   /* written for them */
	uint64_t segments;
	uint64_t log_id;
	const char *engine;
};
void wal_stats(const struct wal *wal, struct wal_stats *stats);
