/*
 * keep: whole copies of files, made durable before the files are changed.
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

/* Copies a file of the directory to DIR/repair-<time>/, and flushes the copy and its names. What was copied there before
 * is left as it is: it is the original. */
bool keep_file(struct keep *keep, const char *name, struct error *error);
