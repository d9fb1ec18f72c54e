/*
 * recover: reading, cutting, flushing, in this order. Keeps I7; nothing is changed before all of the log was found
 * sound.
 *
 * Cutting writes zeros over what a torn batch left, so that no part of it can ever be taken for a block again. A crash
 * in the middle of that leaves a torn tail still, only with fewer bytes in it; the next recovery cuts that.
 */
#include "recover.h"
#include "zeros.h"

#include <stdlib.h>

/* A segment is begun only when everything before it is durable. */
static void vouch_by_segment(const struct reader *reader, struct wal_recovery *found)
{
	const uint64_t first_lsn = reader->segment.first_lsn;
	if (first_lsn > found->vouched_lsn + 1) {
		found->vouched_lsn = first_lsn - 1;
	}
}

/* Its records, unless a snapshot has them all: then nobody asks what they say. */
static bool hand_on(const struct reader *reader, const struct reader_block *block, const struct recover_visit *visit,
		    struct wal_recovery *found, struct error *error)
{
	const uint64_t size = block_size(block->header.payload_bytes);
	found->bytes += size;
	if (visit->progress != NULL) {
		visit->progress(visit->context, size);
	}
	if (reader->next_lsn <= reader->start.covered_lsn + 1) {
		return true;
	}
	found->uncovered += size;
	return reader_records(reader, block, visit->record, visit->context, error);
}

static bool read_all(struct reader *reader, const struct recover_visit *visit, struct wal_recovery *found,
		     struct error *error)
{
	for (;;) {
		struct reader_block block;
		switch (reader_next(reader, &block, error)) {
		case READER_REFUSED:
			return false;
		case READER_END:
			found->last_lsn = reader->next_lsn - 1;
			vouch_by_segment(reader, found);
			return visit->end == NULL || visit->end(visit->context, error);
		case READER_BLOCK:
			if (!hand_on(reader, &block, visit, found, error)) {
				return false;
			}
			found->vouched_lsn = block.header.durable_lsn;
			found->blocks++;
			break;
		}
	}
}

static bool cut_tail(const struct reader *reader, struct disk *disk, struct wal_recovery *found, struct error *error)
{
	if (reader->torn_bytes == 0) {
		return true;
	}
	found->cut_bytes = reader->torn_bytes;
	found->cut_offset = reader->offset;
	memcpy(found->cut_file, reader->name, sizeof found->cut_file);
	return zeros_write_now(disk, reader->file, reader->offset, reader->offset + reader->torn_bytes, error);
}

static bool flush_file(struct disk *disk, const char *name, struct error *error)
{
	disk_file file;
	if (!disk->open(disk->context, name, false, &file, error)) {
		return false;
	}
	const bool flushed = disk->sync_now(disk->context, file, error);
	disk->close(disk->context, file);
	return flushed;
}

/* Flushes the segments, and removes those that were never begun: the spare, and a first segment without its name. */
static bool tidy_file(struct disk *disk, const char *name, uint64_t last_segment, struct error *error)
{
	uint64_t number;
	if (strcmp(name, FIRST_SEGMENT_NAME) == 0) {
		return disk->remove(disk->context, name, error);
	}
	if (!segment_parse_name(name, &number)) {
		return true;
	}
	return number > last_segment ? disk->remove(disk->context, name, error) : flush_file(disk, name, error);
}

static bool tidy(struct disk *disk, uint64_t last_segment, struct error *error)
{
	struct disk_entry *entries = NULL;
	size_t count = 0;
	if (!disk->list(disk->context, &entries, &count, error)) {
		return false;
	}
	bool tidied = true;
	for (size_t i = 0; tidied && i < count; i++) {
		tidied = tidy_file(disk, entries[i].name, last_segment, error);
	}
	free(entries);
	return tidied && disk->sync_directory(disk->context, error);
}

static bool open_reader(struct reader *reader, struct disk *disk, const struct log_start *start, record_ahead_f *ahead,
			struct error *error)
{
	const bool opened = reader_open(reader, disk, start, error);
	reader->ahead = ahead;
	window_look_ahead(&reader->window);
	return opened;
}

bool recover(struct disk *disk, const struct log_start *start, const struct recover_visit *visit,
	     struct recovered *recovered, struct wal_recovery *found, struct error *error)
{
	*found = (struct wal_recovery){0};
	struct reader reader;
	const bool sound = open_reader(&reader, disk, start, visit->ahead, error) &&
			   read_all(&reader, visit, found, error) && cut_tail(&reader, disk, found, error);
	*recovered = (struct recovered){
	    .segment = reader.segment,
	    .offset = reader.offset,
	    .previous = reader.previous,
	    .next_lsn = reader.next_lsn,
	};
	reader_close(&reader);
	return sound && tidy(disk, recovered->segment.segment, error);
}
