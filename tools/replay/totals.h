/*
 * totals: what a log holds, in numbers (slotd-replay --stats).
 *
 * Threads: one.
 */
#pragma once

#include "format.h"

#include <log/reader.h>

struct totals {
	uint64_t count[RECORD_TYPE_END]; /* of records, by type */
	uint64_t bytes[RECORD_TYPE_END];
	uint64_t first_lsn; /* 0: no record at all */
	uint64_t last_lsn;
	uint64_t first_ms; /* earliest and latest wall clock; the clock may have gone back, so not the first and last */
	uint64_t last_ms;
	uint64_t blocks;
	uint64_t heartbeats; /* of them: blocks without records */
	uint64_t block_bytes;
	uint64_t records_per_block_max;
};

void totals_add_block(struct totals *totals, const struct reader_block *block);
void totals_add_record(struct totals *totals, const struct record *record, uint64_t lsn);

/* `segments`: how many there are. */
void totals_format(const struct totals *totals, enum format format, uint64_t segments, struct buffer *out);
