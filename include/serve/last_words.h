/*
 * last_words: from the moment the log has failed to the end of the process [I6].
 *
 *   wal_failed --> each connection turns what waits in its gate into errors, and refuses what still comes (conn_step)
 *              --> they are sent, for LAST_WORDS_NS at most (last_words) --> exit, EXIT_LOG_FAILED
 *
 * A peer that gets no reply cannot tell a booking that failed from one that is durable; it can ask again after the restart,
 * and is told so. What a peer does not take in time it does not get: it sees the connection end.
 *
 * Threads: every worker for itself; worker 0 ends the process.
 */
#pragma once

#include <serve/worker.h>

/* Exit status after a failed write or flush: not to be restarted in a hurry. */
#define EXIT_LOG_FAILED 3

/* How long peers are waited for. */
#define LAST_WORDS_NS UINT64_C(1000000000)

/* Once a loop, after the connections were stepped. Does not return when it is time to end. */
void last_words(struct worker *worker);
