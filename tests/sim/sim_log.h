/*
 * sim_log: one history of a log, over a disk that loses power, and all that its crashes might have left.
 *
 * A history is a few lives. In a life the production code, unchanged, opens the log (recovery), random records are
 * appended, batches sent and completed in any order, and at a random moment the power goes, or only the process; also in
 * the middle of recovery, of preparing a segment, of cutting a torn tail. Some operations fail, or never come back. Now and
 * then there is a snapshot, of which only matters here what it says about the log (log/start.h), and that segments it covers
 * are removed.
 *
 *   life    open ... append, pump, step ... crash   open ... append, pump, step ... crash
 *                      |      |     |                          |      |     |
 *   points           crash  crash  crash                     crash  crash  crash        on the twin of the disk
 *                    open   open   open                      open   open   open
 *
 * At every step of a life whose disk has changed, the crash is tried on a twin of the disk, in a few of the ways it can
 * come out: that is a crash point. The log is opened there, as it was left or with damage on top, or with the power going
 * again during recovery, and judged:
 *
 *   - the log opens, or says that the disk failed; a sound log is never refused                                 [I7]
 *   - what it replays is, byte for byte, the beginning of what was appended                                     [I4]
 *   - nothing that was reported durable is missing, and durable_lsn never went back                         [I2, I3]
 *   - a failed write or flush was the last word: nothing became durable after it                                [I6]
 *   - a full disk was no failure                                                                              [I5]
 *   - with damage (sim/sim_rot.h) it is refused, or has all that was vouched for, as it was appended            [I7]
 *   - with a block that was never durable put back over one that was (sim/sim_ghost.h) it is refused, or does not
 *     differ                                                                                                    [I7]
 *
 * Threads: one.
 */
#pragma once

#include <log/wal.h>
#include <sim/sim_crew.h>
#include <sim/sim_disk.h>
#include <sim/sim_ghost.h>
#include <sim/sim_records.h>
#include <sim/sim_rot.h>
#include <sim/sim_verdict.h>

/* Bugs that can be planted. */
enum sim_bug {
	SIM_BUG_NONE,
	SIM_BUG_EARLY_ACK,           /* what was sent counts as durable */
	SIM_BUG_EARLY_VOUCH,         /* what is durable counts as vouched for, without a heartbeat */
	SIM_BUG_FORGOTTEN_FLUSH,     /* the log is written without flushing it */
	SIM_BUG_FORGOTTEN_DIRECTORY, /* names are not flushed */
	SIM_BUG_SECOND_TRY,          /* a flush that failed is tried again */
	SIM_BUG_NO_CHAIN,            /* recovery does not see that a block follows another history */
	SIM_BUGS,
};
extern const char *const sim_bug_names[SIM_BUGS];

/* All of them numbers of 64 bits: they are added up over processes. */
struct sim_log_counts {
	uint64_t points; /* recoveries that were judged; of them: */
	uint64_t sound;  /* without damage: one that was refused would be a violation */
	uint64_t again;  /* after a recovery that ended in the middle, once or more */
	uint64_t ghosts; /* with a block put back */
	uint64_t rots[SIM_ROTS];
	uint64_t refused[SIM_ROTS]; /* of those */
	uint64_t records;
	uint64_t recoveries_cut;
	uint64_t heartbeats_missed; /* crashes with durable records that nobody vouched for yet */
	uint64_t hangs;             /* steps in which the disk did nothing */
	uint64_t full;              /* steps with no space left for the log */
	uint64_t trims;             /* segments removed behind a snapshot */
	uint64_t events[SIM_EVENTS];
	struct sim_verdicts verdicts;
};

struct sim_log {
	struct prng prng;
	struct sim_disk disk;
	struct sim_disk twin; /* where a crash is tried */
	struct sim_ghost ghost;
	struct sim_records records;
	struct clock clock;
	uint64_t now_ms;
	struct wal_options options;
	enum sim_bug bug;
	uint64_t reported;  /* highest lsn that somebody was told is durable */
	uint64_t vouched;   /* up to here damage must be refused */
	uint64_t oldest;    /* number of the first segment there is */
	uint64_t looked_at; /* how often the disk had changed when a crash was last tried */
	char violation[SIM_VIOLATION_SIZE];
	struct sim_log_counts counts;
};

void sim_log_init(struct sim_log *log, enum sim_bug bug);
void sim_log_fini(struct sim_log *log);

/* One log from its first record to the last life, all drawn from the seed. False on a violation. */
bool sim_log_run(struct sim_log *log, uint64_t seed);
/* Completes the counts. */
void sim_log_count(struct sim_log *log);
