/*
 * transfer: records as the commands by which an empty server takes them in, for redis-cli --pipe.
 *
 *   IMPORT BEGIN
 *   IMPORT RECORDS lsn hash bytes ...      as many records as fit in a plain one's size, cut into words
 *   IMPORT END lsn
 *
 * Threads: one.
 */
#pragma once

#include "output.h"

#include <log/record.h>

struct transfer {
	struct output *output;
	uint64_t lsn;       /* of the last record added */
	uint64_t first_lsn; /* of the first in `bytes` */
	size_t size;
	uint8_t bytes[RECORD_SIZE_MAX];
};

void transfer_begin(struct transfer *transfer, struct output *output);
/* It gets the next lsn, from 1 on. */
void transfer_add(struct transfer *transfer, const struct record *record);
void transfer_end(struct transfer *transfer);
