/*
 * relay: the records of a log on their way from the thread that reads them to the one that applies them.
 *
 *   reads, hashes, decodes; tokens become numbers   --batches-->   slots, sessions: everything else, in the order of the log
 *
 * The two meet in batches of some hundred records, so that the one calls to the cache what the next ones need, and neither
 * waits often. Of a table, the first changes the tokens alone, and the second everything else; whatever has tokens in other
 * places than a BOOK goes over as it was encoded, and is applied as it would be by one.
 *
 * Which record is refused, and with which words, is for one thread to say: the applier is behind the reader, who may meet
 * something else first. So whoever is refused here throws the table away and does it all again with a relay of one thread,
 * which applies each record at once. What two threads accept, one would: they apply the same records to the same end.
 *
 * Keeps I4. Threads: relay_begin, relay_record, relay_ahead and relay_end by the reader; the relay has the other.
 */
#pragma once

#include <log/replay.h>

struct relay;

/* For a rebuild, borrowed, that has begun. `threads`: 1, or more for two. NULL: no memory, or no thread. */
struct relay *relay_begin(struct rebuild *rebuild, uint32_t threads, struct error *error);
/* The next record. False: it is refused, or (of two threads) one before it was. */
bool relay_record(struct relay *relay, const struct record *record, uint64_t lsn, struct error *error);
/* Of the next records, up to RECORDS_AHEAD_MAX, before the first of them is handed on (a record_ahead_f but for the type of the
 * relay). They are handed on next, in their order and from where they are. */
void relay_ahead(struct relay *relay, const struct record *records, size_t count);
/* Waits until all has been applied. False: something was refused. From here on the rebuild is the caller's alone. */
bool relay_finish(struct relay *relay, struct error *error);
/* After relay_finish or instead of it. */
void relay_end(struct relay *relay);
