/*
 * snapshot_file: see the header. Keeps I7: a piece counts if its hash is right for this place and it follows the one before,
 * a snapshot if its pieces come in order, with as many copies as the end says, and nothing behind.
 */
#include "snapshot_file.h"

#include <base/hash.h>
#include <inttypes.h>
#include <slot/image.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

#define SNAPSHOT_NAME "snap-%016" PRIx64 ".slotd"

/* "SLTP": keeps the hashes of pieces apart from those of blocks. */
#define PIECE_SEED 0x50544c53u

static_assert(sizeof(struct piece_begin) == 40, "as docs/LOG_FORMAT.md has it");
static_assert(sizeof(struct piece_end) == 32, "as docs/LOG_FORMAT.md has it");

struct block_place snapshot_place(uint64_t log_id, uint64_t lsn, uint64_t offset)
{
	return (struct block_place){.log_id = hash_u64(log_id, PIECE_SEED), .segment = lsn, .offset = offset};
}

void snapshot_format_name(uint64_t lsn, char name[static DISK_NAME_SIZE])
{
	snprintf(name, DISK_NAME_SIZE, SNAPSHOT_NAME, lsn);
}

bool snapshot_parse_name(const char *name, uint64_t *lsn)
{
	char again[DISK_NAME_SIZE];
	if (sscanf(name, "snap-%16" SCNx64 ".slotd", lsn) != 1) {
		return false;
	}
	snapshot_format_name(*lsn, again);
	return strcmp(name, again) == 0;
}

bool snapshot_list(struct disk *disk, uint64_t **lsns, size_t *count, struct error *error)
{
	struct disk_entry *entries = NULL;
	size_t entry_count = 0;
	*count = 0;
	if (!disk->list(disk->context, &entries, &entry_count, error)) {
		return false;
	}
	*lsns = malloc((entry_count + 1) * sizeof **lsns);
	if (*lsns == NULL) {
		free(entries);
		return error_set(error, ERROR_NO_MEMORY, "no memory to list %zu files", entry_count);
	}
	/* Sorted by name, so by lsn. */
	for (size_t i = entry_count; i > 0; i--) {
		*count += snapshot_parse_name(entries[i - 1].name, &(*lsns)[*count]);
	}
	free(entries);
	return true;
}

static bool damage(const struct snapshot_file *file, const char *what, struct error *error)
{
	return error_set(error, ERROR_DAMAGED, "%s, offset %" PRIu64 ": %s", file->name, file->offset, what);
}

bool snapshot_file_look(struct snapshot_file *file, struct piece *piece, struct error *error)
{
	uint8_t *bytes;
	size_t got;
	struct block_header *header = &piece->header;
	if (!window_fetch(&file->window, file->file, file->offset, BLOCK_ALIGN, &bytes, &got, error)) {
		return false;
	}
	const enum block_state state = got == BLOCK_ALIGN ? block_look(bytes, UINT32_MAX, header) : BLOCK_NONE;
	if (state == BLOCK_NEWER) {
		return error_set(error, ERROR_NEWER,
				 "%s, offset %" PRIu64 ": written by a newer slotd; use that version", file->name,
				 file->offset);
	}
	if (state != BLOCK_WHOLE) {
		return damage(file, "no piece of a snapshot", error);
	}
	piece->size = (size_t)block_size(header->payload_bytes);
	if (!window_fetch(&file->window, file->file, file->offset, piece->size, &bytes, &got, error)) {
		return false;
	}
	if (got != piece->size || header->payload_bytes < PIECE_HEAD || header->previous != file->previous) {
		return damage(file, "a piece that is not as it was written", error);
	}
	piece->offset = file->offset;
	piece_move(piece, bytes);
	return true;
}

void piece_move(struct piece *piece, uint8_t *bytes)
{
	const uint8_t *payload = bytes + BLOCK_HEADER_SIZE;
	piece->bytes = bytes;
	piece->kind = load32(payload);
	piece->count = piece->header.record_count;
	piece->copies = (struct span){payload + PIECE_HEAD, piece->header.payload_bytes - PIECE_HEAD};
}

bool snapshot_file_matches(const struct snapshot_file *file, struct piece *piece)
{
	const struct piece_begin *begin = &file->begin;
	return block_matches(piece->bytes, &piece->header, snapshot_place(begin->log_id, begin->lsn, piece->offset));
}

/* Looks at the piece at file->offset and checks that it was written there, behind the one before. */
static bool fetch(struct snapshot_file *file, struct piece *piece, struct error *error)
{
	if (!snapshot_file_look(file, piece, error)) {
		return false;
	}
	return snapshot_file_matches(file, piece) || damage(file, "a piece that is not as it was written", error);
}

static void pass(struct snapshot_file *file, const struct piece *piece)
{
	file->previous = piece->header.hash;
	file->offset += piece->size;
}

/* The first piece says of which log it is, and proves it. */
static bool fetch_begin(struct snapshot_file *file, uint64_t lsn, struct piece *piece, struct error *error)
{
	if (!snapshot_file_look(file, piece, error)) {
		return false;
	}
	if (piece->copies.size == sizeof file->begin) {
		memcpy(&file->begin, piece->copies.at, sizeof file->begin);
	}
	struct piece_begin *begin = &file->begin;
	if (!block_matches(piece->bytes, &piece->header, snapshot_place(begin->log_id, lsn, 0))) {
		return damage(file, "a piece that is not as it was written", error);
	}
	if (piece->kind != PIECE_BEGIN || begin->lsn != lsn || begin->purged_before_day > DAY_COUNT) {
		return damage(file, "not the begin of this snapshot", error);
	}
	pass(file, piece);
	return true;
}

bool snapshot_file_open(struct snapshot_file *file, struct disk *disk, const char *name, uint64_t lsn,
			struct error *error)
{
	*file = (struct snapshot_file){.disk = disk, .file = -1};
	snprintf(file->name, sizeof file->name, "%s", name);
	window_init(&file->window, disk, UINT32_MAX);
	struct piece piece;
	if (!disk->open(disk->context, name, false, &file->file, error)) {
		file->file = -1;
		return false;
	}
	if (!fetch_begin(file, lsn, &piece, error)) {
		return false;
	}
	file->kind = PIECE_BEGIN;
	file->info = (struct snapshot_info){
	    .lsn = lsn, .log_id = file->begin.log_id, .created_at_ms = file->begin.created_at_ms};
	return true;
}

void snapshot_file_close(struct snapshot_file *file)
{
	window_fini(&file->window);
	if (file->file >= 0) {
		file->disk->close(file->disk->context, file->file);
	}
}

static bool end(struct snapshot_file *file, const struct piece *piece, struct error *error)
{
	struct piece_end said;
	uint8_t *bytes;
	size_t got;
	if (piece->copies.size != sizeof said) {
		return damage(file, "not the end of a snapshot", error);
	}
	memcpy(&said, piece->copies.at, sizeof said);
	if (said.slots != file->slots || said.sessions != file->sessions || said.tokens != file->tokens ||
	    said.end_lsn < file->begin.lsn) {
		return damage(file, "not as many copies as the end says", error);
	}
	/* Another fetch: `piece` is not used any more. */
	if (!window_fetch(&file->window, file->file, file->offset, BLOCK_ALIGN, &bytes, &got, error)) {
		return false;
	}
	if (got != 0) {
		return damage(file, "bytes behind the end of the snapshot", error);
	}
	file->info.end_lsn = said.end_lsn;
	file->info.slots = said.slots;
	file->info.sessions = said.sessions;
	file->info.tokens = said.tokens;
	file->info.bytes = file->offset;
	return true;
}

bool snapshot_file_follows(struct snapshot_file *file, const struct piece *piece, struct error *error)
{
	const enum piece_kind kind = piece->kind;
	pass(file, piece);
	if (kind > PIECE_CALENDARS || kind <= PIECE_BEGIN || piece_rank(kind) < piece_rank(file->kind)) {
		return damage(file, "a piece out of order", error);
	}
	file->kind = kind;
	if (kind == PIECE_END) {
		return end(file, piece, error);
	}
	if ((kind == PIECE_SLOTS && piece->copies.size != piece->count * sizeof(struct slot_image)) ||
	    (kind == PIECE_SESSIONS && piece->copies.size != piece->count * sizeof(struct session_image))) {
		return damage(file, "a piece whose size is not that of its copies", error);
	}
	file->slots += kind == PIECE_SLOTS ? piece->count : 0;
	file->sessions += kind == PIECE_SESSIONS ? piece->count : 0;
	file->tokens += kind == PIECE_PSYCHOLOGISTS || kind == PIECE_CLIENTS ? piece->count : 0;
	return true;
}

bool snapshot_file_next(struct snapshot_file *file, struct piece *piece, struct error *error)
{
	return fetch(file, piece, error) && snapshot_file_follows(file, piece, error);
}

static uint64_t file_size(struct disk *disk, const char *name)
{
	struct disk_entry *entries = NULL;
	size_t count = 0;
	uint64_t size = 0;
	if (disk->list(disk->context, &entries, &count, NULL)) {
		for (size_t i = 0; i < count; i++) {
			size = strcmp(entries[i].name, name) == 0 ? entries[i].size : size;
		}
		free(entries);
	}
	return size;
}

bool snapshot_file_hint(const struct snapshot_file *file, struct piece_end *end)
{
	const uint64_t size = file_size(file->disk, file->name);
	alignas(DISK_ALIGN) uint8_t bytes[BLOCK_ALIGN];
	struct piece piece = {.size = BLOCK_ALIGN, .offset = size - BLOCK_ALIGN};
	size_t got;
	struct error ignored;
	if (size < 2 * (uint64_t)BLOCK_ALIGN || size % BLOCK_ALIGN != 0 ||
	    !file->disk->read(file->disk->context, file->file, piece.offset, bytes, BLOCK_ALIGN, &got, &ignored) ||
	    got != BLOCK_ALIGN || block_look(bytes, BLOCK_ALIGN, &piece.header) != BLOCK_WHOLE ||
	    piece.header.payload_bytes != PIECE_HEAD + sizeof *end) {
		return false;
	}
	piece_move(&piece, bytes);
	memcpy(end, piece.copies.at, sizeof *end);
	return piece.kind == PIECE_END && snapshot_file_matches(file, &piece);
}

bool piece_take_source(struct span *copies, uint32_t *psychologist, struct busy_source *source)
{
	const uint8_t *at = copies->at;
	if (copies->size < PIECE_BUSY_HEAD || at[PIECE_BUSY_HEAD - 1] == 0 ||
	    at[PIECE_BUSY_HEAD - 1] > TOKEN_SIZE_MAX) {
		return false;
	}
	*psychologist = load32(at);
	*source = (struct busy_source){.count = load32(at + 4),
				       .generation = load64(at + 8),
				       .synced_ms = load64(at + 16),
				       .lsn = load64(at + 24),
				       .name_size = at[PIECE_BUSY_HEAD - 1]};
	const size_t size = piece_busy_size(source->name_size, source->count);
	if (*psychologist == 0 || source->count > BUSY_INTERVALS_MAX || size > copies->size) {
		return false;
	}
	memcpy(source->name, at + PIECE_BUSY_HEAD, source->name_size);
	source->intervals = (struct busy_interval *)(uintptr_t)(at + piece_busy_size(source->name_size, 0));
	*copies = (struct span){at + size, copies->size - size};
	return true;
}

bool piece_take_setting(struct span *copies, uint32_t *psychologist, struct span *text, uint64_t *lsn)
{
	if (copies->size < PIECE_SETTING_HEAD) {
		return false;
	}
	*psychologist = load32(copies->at);
	*text = (struct span){copies->at + PIECE_SETTING_HEAD, load32(copies->at + 4)};
	*lsn = load64(copies->at + 8);
	const size_t size = piece_setting_size(text->size);
	if (*psychologist == 0 || text->size == 0 || text->size > SETTING_TEXT_MAX || size > copies->size) {
		return false;
	}
	*copies = (struct span){copies->at + size, copies->size - size};
	return true;
}

bool piece_take_token(struct span *copies, uint32_t *number, struct span *token)
{
	if (copies->size < PIECE_TOKEN_HEAD) {
		return false;
	}
	*number = load32(copies->at);
	*token = (struct span){copies->at + PIECE_TOKEN_HEAD, copies->at[4]};
	const size_t size = piece_token_size(token->size);
	if (size > copies->size) {
		return false;
	}
	*copies = (struct span){copies->at + size, copies->size - size};
	return true;
}
