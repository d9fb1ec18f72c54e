/*
 * reader: following the chain of blocks, and gathering the facts where it ends. Keeps I7.
 *
 *   judge --block follows--> READER_BLOCK
 *     |
 *     +--none follows--> facts about the rest of the segment and the header of the next --verdict_of_tail-->
 *           NEXT: enter the next segment, judge again    CLEAN, TORN: READER_END    DAMAGED, NEWER: READER_REFUSED
 *
 * A block is never larger than its segment, so sizes on disk are believed only after they were compared with that.
 */
#include "reader_parts.h"

#include <base/check.h>
#include <inttypes.h>
#include <log/verdict.h>

static bool damage(const struct reader *reader, const char *name, uint64_t offset, enum error_code code,
		   const char *reason, struct error *error)
{
	if (code == ERROR_NEWER) {
		return error_set(error, code, "%s, offset %" PRIu64 ": %s; use that version, nothing was changed", name,
				 offset, reason);
	}
	return error_set(error, code,
			 "%s, offset %" PRIu64 ": %s; the first record missing has lsn %" PRIu64
			 "; nothing was changed; to see what is there, run: slotd-replay DIR --verify",
			 name, offset, reason, reader->next_lsn);
}

/* Where a segment holds something other than zeros, from `offset` on, and what it proves. */
struct rest {
	uint64_t end; /* just behind the last 4 KiB that are not zero; `offset` if all are */
	bool proof;   /* a whole block knew reader->next_lsn to be durable */
};

bool reader_block_at(struct reader *reader, uint64_t offset, struct block_header *header, struct error *error,
		     bool *whole)
{
	*whole = false;
	uint8_t *bytes;
	size_t got;
	if (!window_fetch(&reader->window, reader->file, offset, BLOCK_ALIGN, &bytes, &got, error)) {
		return false;
	}
	if (got < BLOCK_ALIGN || block_look(bytes, reader->segment.size - offset, header) != BLOCK_WHOLE) {
		return true;
	}
	const size_t size = (size_t)block_size(header->payload_bytes);
	if (!window_fetch(&reader->window, reader->file, offset, size, &bytes, &got, error)) {
		return false;
	}
	const struct block_place place = {reader->segment.log_id, reader->segment.segment, offset};
	*whole = got == size && block_matches(bytes, header, place);
	return true;
}

static bool look_at_rest(struct reader *reader, disk_file file, uint64_t offset, struct rest *rest, struct error *error)
{
	*rest = (struct rest){.end = offset};
	for (uint64_t at = offset;; at += BLOCK_ALIGN) {
		uint8_t *bytes;
		size_t got;
		if (!window_fetch(&reader->window, file, at, BLOCK_ALIGN, &bytes, &got, error)) {
			return false;
		}
		if (got == 0) {
			return true;
		}
		if (bytes_are_zero(bytes, got)) {
			continue;
		}
		rest->end = at + BLOCK_ALIGN;
		struct block_header header;
		bool whole = false;
		if (at > offset && file == reader->file && !reader_block_at(reader, at, &header, error, &whole)) {
			return false;
		}
		rest->proof = rest->proof || (whole && header.durable_lsn >= reader->next_lsn);
	}
}

/* A segment file that was opened to see whether it goes on there. */
struct candidate {
	char name[DISK_NAME_SIZE];
	disk_file file;
	struct segment_header header;
	struct verdict_row row;
};

/* Is the file as large as its header says: are its last 4 KiB there, and nothing behind them? The size in the directory
 * is no help: it may be from before the segment was finished. */
static bool is_sized(struct reader *reader, const struct candidate *candidate, bool *sized, struct error *error)
{
	const uint64_t size = candidate->header.size;
	*sized = false;
	if (size < SEGMENT_HEADER_SIZE || size > INT64_MAX || size % BLOCK_ALIGN != 0) {
		return true;
	}
	uint8_t *bytes;
	size_t got;
	if (!window_fetch(&reader->window, candidate->file, size - BLOCK_ALIGN, 2 * BLOCK_ALIGN, &bytes, &got, error)) {
		return false;
	}
	*sized = got == BLOCK_ALIGN;
	return true;
}

/* Is a segment missing before the first file? What a snapshot covers may be. A file without a header does not say what it
 * begins with: it is judged for that. */
static bool misses_first(const struct reader *reader, uint64_t number, enum block_state state,
			 const struct segment_header *header)
{
	const uint64_t covered_lsn = reader->start.covered_lsn;
	return number != 1 && (covered_lsn == 0 || (state == BLOCK_WHOLE && header->first_lsn > covered_lsn + 1));
}

static bool header_facts(struct reader *reader, struct candidate *candidate, uint64_t number, unsigned *facts,
			 struct error *error)
{
	uint8_t *bytes;
	size_t got;
	if (!window_fetch(&reader->window, candidate->file, 0, SEGMENT_HEADER_SIZE, &bytes, &got, error)) {
		return false;
	}
	struct segment_header *header = &candidate->header;
	const enum block_state state = got == SEGMENT_HEADER_SIZE ? segment_header_look(bytes, header) : BLOCK_NONE;
	const bool first = reader->next_file == 0;
	const bool gap = first ? misses_first(reader, number, state, header) : number != reader->segment.segment + 1;
	*facts = (gap ? HEADER_GAP : 0) | (first ? HEADER_FIRST : 0) |
		 (reader->next_file + 1 == reader->file_count ? HEADER_FINAL : 0);
	if (state == BLOCK_NEWER) {
		*facts |= HEADER_NEWER;
	} else if (state == BLOCK_WHOLE) {
		const bool starts =
		    number == 1 ? header->first_lsn == 1 && header->previous == 0 : header->first_lsn != 0;
		const uint64_t log_id = first ? reader->start.log_id : reader->segment.log_id;
		const bool ours = header->log_id == log_id || (first && log_id == 0);
		*facts |= HEADER_WHOLE | (ours ? HEADER_OURS : 0) |
			  (header->segment == number && (!first || starts) ? HEADER_IN_PLACE : 0);
		bool sized;
		if (!is_sized(reader, candidate, &sized, error)) {
			return false;
		}
		*facts |= sized ? HEADER_SIZED : 0;
	} else {
		struct rest rest;
		if (!look_at_rest(reader, candidate->file, SEGMENT_HEADER_SIZE, &rest, error)) {
			return false;
		}
		*facts |= rest.end == SEGMENT_HEADER_SIZE ? HEADER_EMPTY : 0;
	}
	return true;
}

void reader_close_file(struct reader *reader, disk_file file)
{
	if (file >= 0) {
		if (reader->window.file == file) {
			window_forget(&reader->window);
		}
		reader->disk->close(reader->disk->context, file);
	}
}

/* Opens the next segment file and judges its header. On false nothing is left open. */
static bool open_candidate(struct reader *reader, struct candidate *candidate, struct error *error)
{
	const uint64_t number = reader->numbers[reader->next_file];
	segment_format_name(number, candidate->name);
	struct disk *disk = reader->disk;
	if (!disk->open(disk->context, candidate->name, false, &candidate->file, error)) {
		return false;
	}
	unsigned facts;
	if (!header_facts(reader, candidate, number, &facts, error)) {
		reader_close_file(reader, candidate->file);
		return false;
	}
	candidate->row = verdict_of_header(facts);
	const enum verdict verdict = candidate->row.verdict;
	if (verdict == VERDICT_DAMAGED || verdict == VERDICT_NEWER) {
		damage(reader, candidate->name, 0, verdict == VERDICT_NEWER ? ERROR_NEWER : ERROR_DAMAGED,
		       candidate->row.reason, error);
		reader_close_file(reader, candidate->file);
		return false;
	}
	return true;
}

static void enter_segment(struct reader *reader, const struct candidate *candidate)
{
	reader_close_file(reader, reader->file);
	reader->file = candidate->file;
	reader->segment = candidate->header;
	memcpy(reader->name, candidate->name, sizeof reader->name);
	reader->next_file++;
	reader->offset = SEGMENT_HEADER_SIZE;
	reader->previous = candidate->header.hash;
	CHECK(reader->next_lsn == candidate->header.first_lsn);
}

/* The verdict on what stands at reader->offset, where no block follows. READER_BLOCK: it goes on in the next segment,
 * which was entered. */
static enum reader_step judge_tail(struct reader *reader, unsigned facts, struct error *error)
{
	struct rest rest;
	if (!look_at_rest(reader, reader->file, reader->offset, &rest, error)) {
		return READER_REFUSED;
	}
	facts |= (rest.end == reader->offset ? TAIL_ZERO : 0) | (rest.proof ? TAIL_PROOF : 0) | TAIL_LAST;
	struct candidate next = {.file = -1};
	if (reader->next_file < reader->file_count) {
		if (!open_candidate(reader, &next, error)) {
			return READER_REFUSED;
		}
		if (next.row.verdict == VERDICT_NEXT) {
			const bool continued =
			    next.header.first_lsn == reader->next_lsn && next.header.previous == reader->previous;
			facts = (facts & ~(unsigned)TAIL_LAST) | (continued ? TAIL_CONTINUED : 0);
		}
	}
	const struct verdict_row row = verdict_of_tail(facts);
	CHECK(row.verdict != VERDICT_IMPOSSIBLE);
	if (row.verdict == VERDICT_NEXT) {
		enter_segment(reader, &next);
		return READER_BLOCK;
	}
	reader_close_file(reader, next.file);
	const bool ends = row.verdict == VERDICT_CLEAN || row.verdict == VERDICT_TORN;
	if (ends && reader->next_lsn <= reader->start.durable_lsn) {
		damage(reader, reader->name, reader->offset, ERROR_DAMAGED,
		       "the log ends before what a snapshot knows to be durable", error);
		return READER_REFUSED;
	}
	if (ends) {
		reader->torn_bytes = rest.end - reader->offset;
		return READER_END;
	}
	damage(reader, reader->name, reader->offset, row.verdict == VERDICT_NEWER ? ERROR_NEWER : ERROR_DAMAGED,
	       row.reason, error);
	return READER_REFUSED;
}

/* Does the block at reader->offset follow the one before? Else *facts says what stands there. */
static bool next_block(struct reader *reader, struct reader_block *block, unsigned *facts, bool *follows,
		       struct error *error)
{
	*follows = false;
	*facts = 0;
	if (reader->offset == reader->segment.size) {
		return true;
	}
	uint8_t *bytes;
	size_t got;
	if (!window_fetch(&reader->window, reader->file, reader->offset, BLOCK_ALIGN, &bytes, &got, error)) {
		return false;
	}
	struct block_header *header = &block->header;
	if (got == BLOCK_ALIGN && block_look(bytes, reader->segment.size - reader->offset, header) == BLOCK_NEWER) {
		*facts = TAIL_NEWER;
		return true;
	}
	bool whole;
	if (!reader_block_at(reader, reader->offset, header, error, &whole)) {
		return false;
	}
	if (!whole) {
		return true;
	}
	*follows = header->previous == reader->previous && header->first_lsn == reader->next_lsn &&
		   header->durable_lsn < header->first_lsn;
	*facts = *follows ? 0 : TAIL_STRANGER;
	return true;
}

static enum reader_step judge(struct reader *reader, struct reader_block *block, struct error *error)
{
	if (reader->file < 0) {
		struct candidate first;
		if (reader->file_count == 0 && reader->start.durable_lsn != 0) {
			error_set(error, ERROR_DAMAGED,
				  "a snapshot is there, but no segment of the log it belongs to; nothing was changed");
			return READER_REFUSED;
		}
		if (reader->file_count == 0) {
			return READER_END;
		}
		if (!open_candidate(reader, &first, error)) {
			return READER_REFUSED;
		}
		reader->first_lsn = reader->next_lsn = first.header.first_lsn;
		enter_segment(reader, &first);
	}
	for (;;) {
		unsigned facts;
		bool follows;
		if (!next_block(reader, block, &facts, &follows, error)) {
			return READER_REFUSED;
		}
		if (follows) {
			break;
		}
		const enum reader_step step = judge_tail(reader, facts, error);
		if (step != READER_BLOCK) {
			return step;
		}
	}
	const struct block_header *header = &block->header;
	const uint8_t *bytes = reader->window.bytes + (reader->offset - reader->window.offset);
	block->offset = reader->offset;
	block->payload = (struct span){bytes + BLOCK_HEADER_SIZE, header->payload_bytes};
	reader->offset += block_size(header->payload_bytes);
	reader->previous = header->hash;
	reader->next_lsn += header->record_count;
	return READER_BLOCK;
}

enum reader_step reader_next(struct reader *reader, struct reader_block *block, struct error *error)
{
	enum reader_step step = judge(reader, block, error);
	if (step == READER_REFUSED) {
		/* The second look, for a log that is being written. */
		window_forget(&reader->window);
		step = judge(reader, block, error);
	}
	return step;
}

/* Decodes up to `wanted` records off the front of `rest`. Returns how many; fewer, with the reason, if one does not. */
static size_t take_records(struct span *rest, struct record *records, size_t wanted, struct error *reason)
{
	size_t count = 0;
	while (count < wanted) {
		const size_t size = record_decode(*rest, &records[count], reason);
		if (size == 0) {
			break;
		}
		*rest = (struct span){rest->at + size, rest->size - size};
		count++;
	}
	return count;
}

bool reader_records(const struct reader *reader, const struct reader_block *block, reader_visit_f *visit, void *context,
		    struct error *error)
{
	struct span rest = block->payload;
	const uint64_t end_lsn = block->header.first_lsn + block->header.record_count;
	struct error reason = {0};
	for (uint64_t lsn = block->header.first_lsn; lsn < end_lsn;) {
		struct record records[RECORDS_AHEAD_MAX];
		const size_t wanted = end_lsn - lsn < RECORDS_AHEAD_MAX ? (size_t)(end_lsn - lsn) : RECORDS_AHEAD_MAX;
		const size_t count = take_records(&rest, records, wanted, &reason);
		if (reader->ahead != NULL) {
			reader->ahead(context, records, count);
		}
		size_t visited = 0;
		while (visited < count && visit(context, &records[visited], lsn + visited, &reason)) {
			visited++;
		}
		lsn += visited;
		if (visited < wanted) {
			return error_set(error, reason.code, "%s, block at offset %" PRIu64 ", lsn %" PRIu64 ": %.300s",
					 reader->name, block->offset, lsn, reason.text);
		}
	}
	if (rest.size != 0) {
		return error_set(error, ERROR_DAMAGED,
				 "%s, block at offset %" PRIu64 ", lsn %" PRIu64 ": more bytes than records",
				 reader->name, block->offset, end_lsn);
	}
	return true;
}
