/*
 * keep: whole copies of segment files, made durable before the files are changed.
 *
 * Threads: one.
 */
#pragma once

#include <base/error.h>
#include <io/disk.h>
#include <limits.h>
#include <stdint.h>

struct keep {
	const char *directory;
	char path[PATH_MAX]; /* DIR/repair-<time>; "" before it is made */
};

/* Copies the file of a segment to DIR/repair-<time>/, and flushes the copy and its names. What was copied there before
 * is left as it is: it is the original. */
bool keep_segment(struct keep *keep, uint64_t number, struct error *error);
