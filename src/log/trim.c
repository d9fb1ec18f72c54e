/*
 * trim: see the header.
 */
#include "trim.h"
#include "snapshot_file.h"

#include <stdalign.h>
#include <stdlib.h>

static bool remove_file(struct disk *disk, const char *name, bool *removed, struct error *error)
{
	*removed = disk->remove(disk->context, name, error) && disk->sync_directory(disk->context, error);
	return *removed;
}

static bool remove_snapshot(const struct trim *trim, bool *removed, struct error *error)
{
	uint64_t *lsns = NULL;
	size_t count = 0;
	bool done = snapshot_list(trim->disk, &lsns, &count, error);
	for (size_t i = count; done && !*removed && i > 0; i--) {
		if (lsns[i - 1] != trim->newest_lsn && lsns[i - 1] != trim->previous_lsn) {
			char name[DISK_NAME_SIZE];
			snapshot_format_name(lsns[i - 1], name);
			done = remove_file(trim->disk, name, removed, error);
		}
	}
	free(lsns);
	return done;
}

/* Reads the header of a segment. *whole is false for one that is not begun, or not of this log. */
static bool read_header(const struct trim *trim, const char *name, struct segment_header *header, bool *whole,
			struct error *error)
{
	alignas(DISK_ALIGN) uint8_t bytes[SEGMENT_HEADER_SIZE];
	struct disk *disk = trim->disk;
	disk_file file;
	size_t got = 0;
	if (!disk->open(disk->context, name, false, &file, error)) {
		return false;
	}
	const bool done = disk->read(disk->context, file, 0, bytes, sizeof bytes, &got, error);
	disk->close(disk->context, file);
	*whole = done && got == sizeof bytes && segment_header_look(bytes, header) == BLOCK_WHOLE &&
		 header->log_id == trim->log_id;
	return done;
}

/* A segment is not needed if the next one begins no later than behind the snapshot before. Those come first: counts their
 * bytes, and names the oldest. */
static bool count_unneeded(const struct trim *trim, const struct disk_entry *entries, size_t count, uint64_t *unneeded,
			   const char **oldest, struct error *error)
{
	uint64_t before = 0; /* bytes of the segment before */
	*unneeded = 0;
	*oldest = NULL;
	for (size_t i = 0; i < count; i++) {
		uint64_t number;
		struct segment_header header;
		bool whole;
		if (!segment_parse_name(entries[i].name, &number)) {
			continue;
		}
		if (!read_header(trim, entries[i].name, &header, &whole, error)) {
			return false;
		}
		if (!whole || header.first_lsn > trim->previous_lsn + 1) {
			break;
		}
		*unneeded += before;
		before = header.size;
		*oldest = *oldest == NULL ? entries[i].name : *oldest;
	}
	return true;
}

static bool remove_segment(const struct trim *trim, bool *removed, struct error *error)
{
	struct disk_entry *entries = NULL;
	size_t count = 0;
	if (trim->previous_lsn == 0) {
		return true;
	}
	if (!trim->disk->list(trim->disk->context, &entries, &count, error)) {
		return false;
	}
	uint64_t unneeded;
	const char *oldest;
	bool done = count_unneeded(trim, entries, count, &unneeded, &oldest, error);
	if (done && unneeded > trim->retain) {
		done = remove_file(trim->disk, oldest, removed, error);
	}
	free(entries);
	return done;
}

bool trim_step(const struct trim *trim, bool *removed, struct error *error)
{
	*removed = false;
	return remove_snapshot(trim, removed, error) && (*removed || remove_segment(trim, removed, error));
}
