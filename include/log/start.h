/*
 * start: what is known of a log before it is read. All zero: nothing, the log must start with lsn 1.
 *
 * Threads: any plain value.
 */
#pragma once

#include <stdint.h>

/* Told on the way how many more bytes have been read of what there is to read: for a person who waits. By one thread at a time.
 * */
typedef void log_progress_f(void *context, uint64_t bytes);

struct log_start {
	uint64_t covered_lsn; /* a snapshot has all up to it: the log may begin as late as behind it */
	uint64_t durable_lsn; /* was durable: a log that ends before it lost something [I7] */
	uint64_t log_id;      /* 0: not known */
};
