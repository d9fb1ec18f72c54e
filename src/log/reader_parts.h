/*
 * reader_parts: what the files of the reader share.
 *
 * Threads: one.
 */
#pragma once

#include <log/reader.h>

/* Is there a whole block of the open segment at `offset`, and how far was the log durable when it was sealed? */
bool reader_block_at(struct reader *reader, uint64_t offset, struct block_header *header, struct error *error,
		     bool *whole);

/* Closes a file of the reader's port, if it is one, and forgets what was seen of it. */
void reader_close_file(struct reader *reader, disk_file file);
