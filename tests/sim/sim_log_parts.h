/*
 * sim_log_parts: what the files of sim_log share.
 *
 * Threads: one.
 */
#pragma once

#include <sim/sim_log.h>

/* Keeps the first violation, in words. False, always. */
__attribute__((format(printf, 2, 3))) bool sim_log_violated(struct sim_log *log, const char *format, ...);
bool sim_log_is_violated(const struct sim_log *log);

/* A log that was opened, or not, and how what it replayed compares with what was appended. Whether a difference matters is
 * known only in the end: a log that is refused may have replayed anything. */
struct sim_opening {
	const struct sim_records *records;
	uint64_t covered_lsn;   /* by a snapshot: the log may begin as late as behind it */
	uint64_t replayed;      /* the last lsn; 0: nothing was */
	uint64_t different_lsn; /* the first that is not as appended; 0: none */
	struct wal *wal;        /* NULL: refused, for the reason in `error` */
	struct wal_recovery found;
	struct error error;
};

/* Opens a log that no more happened to than crashes, and judges it. False if it was not opened: since the disk failed again
 * meanwhile, or on a violation. */
bool sim_log_open(struct sim_log *log, struct sim_disk *disk, struct sim_opening *opening);

/* The power goes, or the process alone. That one leaves what it wrote in the cache; after a failed flush (`failures`) nobody
 * knows what that is worth, so that case is a matter of not reading it back, which this cache cannot show. */
void sim_log_crash_disk(struct sim_log *log, struct sim_disk *disk, uint64_t failures);

/* Crashes at this moment of a life, unless they would leave what they left before. */
void sim_log_try_crashes(struct sim_log *log);
