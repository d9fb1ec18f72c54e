/*
 * log_state: what the log lets requests do now, and how the operator hears of it.
 *
 *   state   because                                       a request that writes     any other
 *   TAKES                                                 is executed               is executed
 *   BUSY    the disk does not keep up                     waits for the log, as does every one behind it
 *   FULL    the disk is full                              is refused                is executed
 *   STUCK   a commit takes longer than commit-timeout     is refused                is executed
 *   FAILED  a write or flush failed [I6]                  is refused                is refused, the process ends
 *
 * What is executed while the log is stuck may look at what is not durable yet: then its reply waits in the gate, as the
 * replies do whose records are on their way. What became of them is not known before the device answers.
 *
 * Threads: any; log_state_tell is the owner's of the log.
 */
#pragma once

#include <log/wal.h>

enum log_state {
	LOG_STATE_TAKES,
	LOG_STATE_BUSY,
	LOG_STATE_FULL,
	LOG_STATE_STUCK,
	LOG_STATE_FAILED,
};

/* `wal` is NULL while the log is read: requests that need it are answered -LOADING. */
enum log_state log_state(const struct wal *wal);

/* The text of the error that refuses in this state, code first. NULL: nothing is refused. */
const char *log_state_refusal(enum log_state state);

/* What the operator was told last. */
struct log_told {
	enum wal_space space;
	bool stuck;
	uint64_t stuck_since_ns;
};

/* Writes a line for each thing that has changed. */
void log_state_tell(struct log_told *told, const struct wal *wal, uint64_t now_ns);
