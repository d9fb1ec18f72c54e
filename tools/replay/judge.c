/*
 * judge: see the header.
 */
#include "judge.h"
#include "rebuilt.h"

#include <base/crew.h>
#include <inttypes.h>
#include <log/replay.h>
#include <stdlib.h>

static bool apply(void *context, const struct record *record, uint64_t lsn, struct error *error)
{
	return rebuild_record(context, record, lsn, error);
}

/* Where the log is sound up to: before the block that is refused. */
static void place_end(const struct reader *reader, const struct reader_block *refused, struct judgement *judgement)
{
	judgement->segment = reader->segment.segment;
	judgement->size = reader->segment.size;
	judgement->log_id = reader->segment.log_id;
	judgement->offset = refused != NULL ? refused->offset : reader->offset;
	judgement->next_lsn = refused != NULL ? refused->header.first_lsn : reader->next_lsn;
	judgement->torn_bytes = reader->torn_bytes;
}

/* False: refused; the reason is in the judgement. */
static bool read_all(struct reader *reader, struct rebuilt *rebuilt, struct judgement *judgement)
{
	for (;;) {
		struct reader_block block;
		switch (reader_next(reader, &block, &judgement->reason)) {
		case READER_REFUSED:
			place_end(reader, NULL, judgement);
			return false;
		case READER_END:
			place_end(reader, NULL, judgement);
			return true;
		case READER_BLOCK:
			if (!reader_records(reader, &block, apply, &rebuilt->rebuild, &judgement->reason)) {
				place_end(reader, &block, judgement);
				return false;
			}
			break;
		}
	}
}

bool judge_header(struct disk *disk, uint64_t number, struct segment_header *header, bool *whole, struct error *error)
{
	static _Alignas(DISK_ALIGN) uint8_t bytes[SEGMENT_HEADER_SIZE];
	char name[DISK_NAME_SIZE];
	disk_file file;
	size_t got;
	segment_format_name(number, name);
	if (!disk->open(disk->context, name, false, &file, error)) {
		return false;
	}
	const bool read = disk->read(disk->context, file, 0, bytes, sizeof bytes, &got, error);
	*whole = read && got == sizeof bytes && segment_header_look(bytes, header) == BLOCK_WHOLE;
	disk->close(disk->context, file);
	return read;
}

static uint64_t size_of(struct disk *disk, uint64_t number)
{
	struct disk_entry *entries = NULL;
	size_t count = 0;
	uint64_t size = 0;
	uint64_t other;
	if (disk->list(disk->context, &entries, &count, NULL)) {
		for (size_t i = 0; i < count; i++) {
			if (segment_parse_name(entries[i].name, &other) && other == number) {
				size = entries[i].size;
			}
		}
		free(entries);
	}
	return size;
}

static bool is_begun(struct disk *disk, uint64_t number)
{
	struct segment_header header;
	bool whole;
	return size_of(disk, number) != 0 && judge_header(disk, number, &header, &whole, NULL) && whole;
}

/* Something in the segment or in the header behind it was refused. Can it be repaired without a cut? */
static void prefer_mending(const struct reader *reader, struct disk *disk, struct judgement *judgement)
{
	const uint64_t number = judgement->segment + 1;
	struct segment_header next;
	bool whole;
	if (reader->next_file == reader->file_count || reader->numbers[reader->next_file] != number ||
	    !judge_header(disk, number, &next, &whole, &judgement->reason)) {
		return;
	}
	const bool continues = whole && next.segment == number && next.first_lsn == judgement->next_lsn &&
			       next.previous == reader->previous && next.size >= SEGMENT_HEADER_SIZE &&
			       next.size % BLOCK_ALIGN == 0 &&
			       (judgement->segment == 0 || next.log_id == judgement->log_id);
	const uint64_t size = size_of(disk, number);
	if (continues && size != next.size) {
		judgement->repair = REPAIR_RESIZE;
		judgement->wrong_segment = number;
		judgement->right_size = next.size;
		/* What stood in the bytes that are missing, only a segment that continues them can tell. */
		judgement->loses = size < next.size && !is_begun(disk, number + 1);
	} else if (continues && judgement->segment != 0) {
		judgement->repair = REPAIR_WIPE;
		judgement->loses = false;
	}
}

/* Does a segment behind the damage begin with what comes behind the snapshot, or before that? Then the snapshot and the log
 * from there have everything. */
static bool prefer_trim(const struct reader *reader, struct disk *disk, struct judgement *judgement)
{
	for (size_t i = 0; i < reader->file_count; i++) {
		const uint64_t number = reader->numbers[i];
		struct segment_header header;
		bool whole;
		if (number <= judgement->segment || !judge_header(disk, number, &header, &whole, NULL) || !whole ||
		    header.log_id != reader->start.log_id) {
			continue;
		}
		if (header.first_lsn > judgement->next_lsn && header.first_lsn <= judgement->snapshot_lsn + 1) {
			judgement->repair = REPAIR_TRIM;
			judgement->first_kept = number;
			return true;
		}
	}
	return false;
}

/* The log is damaged. What loses least? */
static void choose(const struct reader *reader, struct disk *disk, struct judgement *judgement)
{
	if (judgement->snapshot_lsn != 0 && prefer_trim(reader, disk, judgement)) {
		return;
	}
	judgement->repair = REPAIR_CUT;
	judgement->loses = true;
	if (judgement->next_lsn == reader->next_lsn) {
		prefer_mending(reader, disk, judgement);
	}
	if (judgement->repair != REPAIR_CUT || judgement->next_lsn > judgement->end_lsn) {
		return;
	}
	/* A cut here leaves the snapshot without records it needs. What is left without it? */
	if (judgement->segment != 0 && reader->first_lsn == 1) {
		judgement->repair = REPAIR_SNAPSHOT;
		return;
	}
	const struct error damage = judgement->reason;
	judgement->repair = REPAIR_NONE;
	error_set(&judgement->reason, ERROR_DAMAGED,
		  "%.400s; the snapshot of lsn %" PRIu64 " needs the log up to lsn %" PRIu64
		  ", and the log does not begin with lsn 1: restore a backup",
		  damage.text, judgement->snapshot_lsn, judgement->end_lsn);
}

static void judge_records(struct disk *disk, struct rebuilt *rebuilt, const struct log_start *start,
			  struct judgement *judgement)
{
	struct reader reader;
	if (reader_open(&reader, disk, start, &judgement->reason)) {
		window_look_ahead(&reader.window);
		if (read_all(&reader, rebuilt, judgement)) {
			judgement->repair = judgement->torn_bytes != 0 ? REPAIR_TAIL : REPAIR_NOTHING;
		} else if (judgement->reason.code == ERROR_DAMAGED) {
			choose(&reader, disk, judgement);
		}
	}
	reader_close(&reader);
}

void judge_log(struct disk *disk, struct judgement *judgement)
{
	*judgement = (struct judgement){.repair = REPAIR_NONE};
	struct rebuilt rebuilt = {0};
	struct log_start start;
	if (rebuilt_open(&rebuilt, disk, crew_size(), UINT64_MAX, &start, &judgement->reason)) {
		const struct snapshot_found *found = &rebuilt.rebuild.found;
		if (found->damaged > 0) {
			judgement->repair = REPAIR_SNAPSHOT;
			judgement->reason = found->damage;
			judgement->snapshot_lsn = found->damaged_lsn;
		} else {
			judgement->snapshot_lsn = found->info.lsn;
			judgement->end_lsn = found->info.end_lsn;
			judge_records(disk, &rebuilt, &start, judgement);
		}
	}
	rebuilt_close(&rebuilt);
}
