/*
 * salvage: see the header.
 */
#include "salvage.h"
#include "format.h"

#include <inttypes.h>

/* Read at a time. A block larger than that is read whole. */
#define PIECE (1 << 20)

struct salvage_window {
	struct window window;
	disk_file file;
};

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void print_records(struct salvage *salvage, const struct block_header *header, const uint8_t *payload)
{
	struct span rest = {payload, header->payload_bytes};
	for (uint32_t i = 0; i < header->record_count; i++) {
		struct record record;
		struct error error;
		const uint64_t lsn = header->first_lsn + i;
		const size_t size = record_decode(rest, &record, &error);
		if (size == 0) {
			buffer_format(&salvage->output->buffer, "lost: %" PRIu64 " and to %" PRIu64 ": %s\n", lsn,
				      header->first_lsn + header->record_count - 1, error.text);
			return;
		}
		buffer_format(&salvage->output->buffer, "lost: ");
		format_record(&salvage->output->buffer, FORMAT_TEXT, &record, lsn);
		output_pace(salvage->output);
		salvage->records++;
		rest = (struct span){rest.at + size, rest.size - size};
	}
}

/* Is there a whole block at `offset`? Then *size is its size, and it is printed if it is lost. */
static bool look_at(struct salvage *salvage, struct salvage_window *from, uint64_t offset, size_t *size,
		    struct error *error)
{
	uint8_t *bytes;
	size_t got;
	struct block_header header;
	*size = BLOCK_ALIGN;
	if (!window_fetch(&from->window, from->file, offset, BLOCK_ALIGN, &bytes, &got, error)) {
		return false;
	}
	if (got < BLOCK_ALIGN || block_look(bytes, UINT32_MAX, &header) != BLOCK_WHOLE) {
		*size = got < BLOCK_ALIGN ? 0 : BLOCK_ALIGN;
		return true;
	}
	const size_t wanted = (size_t)block_size(header.payload_bytes);
	if (!window_fetch(&from->window, from->file, offset, wanted, &bytes, &got, error)) {
		return false;
	}
	/* By its own word: a file may lie under another name. */
	const struct block_place place = {salvage->log_id, header.segment, offset};
	if (got < wanted || !block_matches(bytes, &header, place)) {
		return true;
	}
	*size = wanted;
	const uint64_t last_lsn = header.first_lsn + header.record_count - 1;
	salvage->last_lsn = later(salvage->last_lsn, later(last_lsn, header.durable_lsn));
	/* A second copy of what was printed, or one of what is kept, is no news. */
	if (header.first_lsn >= salvage->first_lsn && last_lsn > salvage->seen_lsn) {
		salvage->seen_lsn = last_lsn;
		print_records(salvage, &header, bytes + BLOCK_HEADER_SIZE);
	}
	return true;
}

/* Whose segment is it? False: of another log, or nobody knows of which. */
static bool is_ours(struct salvage *salvage, struct disk *disk, uint64_t number, bool *ours, struct error *error)
{
	struct segment_header header;
	bool whole;
	if (!judge_header(disk, number, &header, &whole, error)) {
		return false;
	}
	if (whole && salvage->log_id == 0) {
		salvage->log_id = header.log_id;
	}
	*ours = salvage->log_id != 0 && (!whole || header.log_id == salvage->log_id);
	if (whole && *ours) {
		salvage->last_lsn = later(salvage->last_lsn, header.first_lsn - 1);
	}
	return true;
}

bool salvage_file(struct salvage *salvage, struct disk *disk, uint64_t number, uint64_t offset, struct error *error)
{
	bool ours;
	if (!is_ours(salvage, disk, number, &ours, error)) {
		return false;
	}
	char name[DISK_NAME_SIZE];
	segment_format_name(number, name);
	struct salvage_window from;
	if (!ours) {
		buffer_format(&salvage->output->buffer, "lost: %s, of another log\n", name);
		return true;
	}
	if (!disk->open(disk->context, name, false, &from.file, error)) {
		return false;
	}
	window_init(&from.window, disk, PIECE);
	bool read = true;
	for (size_t size = BLOCK_ALIGN; read && size != 0; offset += size) {
		read = look_at(salvage, &from, offset, &size, error);
	}
	window_fini(&from.window);
	disk->close(disk->context, from.file);
	return read;
}
