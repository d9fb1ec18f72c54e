/*
 * reader_files: the segment files a reader goes through: listed when it is opened, and again when a log grows.
 */
#include "reader_parts.h"

#include <stdlib.h>

/* Bytes to read at a time from a log that is followed: a commit or a few, not megabytes of zeros behind them. */
#define GROWN_PIECE (16 * BLOCK_ALIGN)

static bool list_segments(struct reader *reader, struct error *error)
{
	struct disk_entry *entries = NULL;
	size_t count = 0;
	if (!reader->disk->list(reader->disk->context, &entries, &count, error)) {
		return false;
	}
	reader->numbers = malloc((count + 1) * sizeof *reader->numbers);
	if (reader->numbers == NULL) {
		free(entries);
		return error_set(error, ERROR_NO_MEMORY, "no memory to list %zu files", count);
	}
	uint64_t largest = BLOCK_ALIGN;
	for (size_t i = 0; i < count; i++) {
		if (segment_parse_name(entries[i].name, &reader->numbers[reader->file_count])) {
			reader->file_count++;
			largest = entries[i].size > largest ? entries[i].size : largest;
		}
	}
	free(entries);
	window_init(&reader->window, reader->disk, largest);
	return true;
}

/* The segments there are by now, and which of them is behind the open one. */
static bool list_again(struct reader *reader, struct error *error)
{
	free(reader->numbers);
	window_fini(&reader->window);
	reader->numbers = NULL;
	reader->file_count = 0;
	reader->next_file = 0;
	if (!list_segments(reader, error)) {
		return false;
	}
	while (reader->next_file < reader->file_count &&
	       reader->numbers[reader->next_file] <= reader->segment.segment) {
		reader->next_file++;
	}
	return true;
}

static bool next_segment_begun(struct reader *reader, bool *begun, struct error *error)
{
	if (reader->next_file == reader->file_count) {
		return true;
	}
	char name[DISK_NAME_SIZE];
	segment_format_name(reader->numbers[reader->next_file], name);
	disk_file file;
	struct disk *disk = reader->disk;
	if (!disk->open(disk->context, name, false, &file, error)) {
		return false;
	}
	uint8_t *bytes;
	size_t got;
	struct segment_header header;
	const bool read = window_fetch(&reader->window, file, 0, SEGMENT_HEADER_SIZE, &bytes, &got, error);
	*begun = read && got == SEGMENT_HEADER_SIZE && segment_header_look(bytes, &header) != BLOCK_NONE;
	reader_close_file(reader, file);
	return read;
}

static bool block_stands_next(struct reader *reader, bool *stands, struct error *error)
{
	if (reader->file < 0 || reader->offset == reader->segment.size) {
		return true;
	}
	uint8_t *bytes;
	size_t got;
	struct block_header header;
	if (!window_fetch(&reader->window, reader->file, reader->offset, BLOCK_ALIGN, &bytes, &got, error)) {
		return false;
	}
	*stands =
	    got == BLOCK_ALIGN && block_look(bytes, reader->segment.size - reader->offset, &header) == BLOCK_NEWER;
	return *stands || reader_block_at(reader, reader->offset, &header, error, stands);
}

bool reader_grown(struct reader *reader, bool *grown, struct error *error)
{
	*grown = false;
	window_forget(&reader->window);
	/* Whoever asks this reads block by block: no more than a few at a time, and here no more than needed. */
	reader->window.piece = BLOCK_ALIGN;
	bool looked = block_stands_next(reader, grown, error);
	if (looked && !*grown) {
		looked = list_again(reader, error);
		reader->window.piece = BLOCK_ALIGN;
		looked = looked && next_segment_begun(reader, grown, error);
	}
	window_forget(&reader->window);
	reader->window.piece = GROWN_PIECE;
	return looked;
}

bool reader_open(struct reader *reader, struct disk *disk, const struct log_start *start, struct error *error)
{
	*reader = (struct reader){.disk = disk, .start = *start, .file = -1, .first_lsn = 1, .next_lsn = 1};
	window_init(&reader->window, disk, 0);
	return list_segments(reader, error);
}

void reader_close(struct reader *reader)
{
	reader_close_file(reader, reader->file);
	window_fini(&reader->window);
	free(reader->numbers);
}
