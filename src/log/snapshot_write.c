/*
 * snapshot_write: the steps of a snapshot.
 *
 *   SLOTS -> SESSIONS -> BUSY -> HOURS -> CALENDARS -> PSYCHOLOGISTS -> CLIENTS -> END ->
 *     one piece each: copied, sealed, written, flushed
 *   CHECKING -> WAITING -> NAMING -> TRIMMING -> done
 *     one piece   until durable_lsn >= E   one file each
 *     read back
 *
 * The order matters (slot/image.h): S is read first, the tokens are copied after whoever uses them, E is read last.
 */
#include "snapshot_file.h"
#include "trim.h"

#include <base/check.h>
#include <slot/image.h>
#include <stdalign.h>
#include <stdlib.h>

/* Records looked at in one step at most, whether there is something to copy or not: some hundred microseconds. */
#define LOOKS_MAX 8192

enum writer_state {
	WRITING_SLOTS,
	WRITING_SESSIONS,
	WRITING_BUSY,
	WRITING_HOURS,
	WRITING_CALENDARS,
	WRITING_PSYCHOLOGISTS,
	WRITING_CLIENTS,
	WRITING_END,
	CHECKING,
	WAITING,
	NAMING,
	TRIMMING,
};

struct snapshot_writer {
	/* const after snapshot_begin */
	struct snapshot_options options;
	size_t capacity; /* of the copies of a piece. Bytes. */
	/* its thread's */
	enum writer_state state;
	struct snapshot_info info;
	struct piece_begin begin;
	disk_file file; /* while writing */
	uint64_t offset;
	uint64_t previous;
	uint32_t cursor; /* of the copying of this kind */
	struct busy_cursor busy_cursor;
	bool named;
	struct snapshot_file check; /* while checking */
	uint8_t *bytes;             /* a piece */
};

static uint8_t *copies_of(struct snapshot_writer *writer)
{
	return writer->bytes + BLOCK_HEADER_SIZE + PIECE_HEAD;
}

/* Seals, writes and flushes the piece whose copies are in place. */
static bool write_piece(struct snapshot_writer *writer, enum piece_kind kind, uint32_t count, size_t size,
			struct error *error)
{
	store64(writer->bytes + BLOCK_HEADER_SIZE, kind);
	const struct block_header header = {
	    .first_lsn = writer->info.lsn + 1,
	    .record_count = count,
	    .payload_bytes = (uint32_t)(PIECE_HEAD + size),
	    .durable_lsn = writer->info.lsn,
	    .sealed_at_ms = clock_wall_ms(writer->options.clock),
	    .previous = writer->previous,
	};
	const struct block_place place = snapshot_place(writer->info.log_id, writer->info.lsn, writer->offset);
	writer->previous = block_seal(writer->bytes, &header, place);
	const size_t written = (size_t)block_size(header.payload_bytes);
	struct disk *disk = writer->options.disk;
	if (!disk->write_now(disk->context, writer->file, writer->offset, writer->bytes, written, error) ||
	    !disk->sync_now(disk->context, writer->file, error)) {
		return false;
	}
	writer->offset += written;
	return true;
}

static uint32_t looks(const struct snapshot_writer *writer, size_t copy_size)
{
	const size_t fit = writer->capacity / copy_size;
	return fit < LOOKS_MAX ? (uint32_t)fit : LOOKS_MAX;
}

/* Copies tokens until the piece is full. Returns how many; *size is what they take. */
static uint32_t copy_tokens(struct snapshot_writer *writer, struct intern *intern, size_t *size, bool *more)
{
	uint32_t count = 0;
	*size = 0;
	*more = true;
	while (*size + piece_token_size(TOKEN_SIZE_MAX) <= writer->capacity) {
		uint8_t token[TOKEN_SIZE_MAX];
		size_t token_size;
		const uint32_t number = intern_next(intern, writer->cursor, token, &token_size);
		if (number == 0) {
			*more = false;
			break;
		}
		writer->cursor = number;
		/* One that has no name is nobody's. */
		if (intern_find(intern, (struct span){token, token_size}) == number) {
			uint8_t *at = copies_of(writer) + *size;
			memset(at, 0, piece_token_size(token_size));
			store32(at, number);
			at[4] = (uint8_t)token_size;
			memcpy(at + PIECE_TOKEN_HEAD, token, token_size);
			*size += piece_token_size(token_size);
			count++;
		}
	}
	return count;
}

/* Copies of sources, as they fill a piece. */
struct sources {
	uint8_t *at;
	size_t room;
	size_t size;
	uint32_t count;
};

static bool copy_source(void *context, uint32_t psychologist, const struct busy_source *source)
{
	struct sources *sources = context;
	const size_t size = piece_busy_size(source->name_size, source->count);
	if (sources->size + size > sources->room) {
		CHECK(sources->count > 0); /* the largest there is fits in a piece */
		return false;
	}
	uint8_t *at = sources->at + sources->size;
	memset(at, 0, piece_busy_size(source->name_size, 0));
	store32(at, psychologist);
	store32(at + 4, source->count);
	store64(at + 8, source->generation);
	store64(at + 16, source->synced_ms);
	store64(at + 24, source->lsn);
	at[PIECE_BUSY_HEAD - 1] = source->name_size;
	memcpy(at + PIECE_BUSY_HEAD, source->name, source->name_size);
	if (source->count > 0) {
		memcpy(at + piece_busy_size(source->name_size, 0), source->intervals, 8 * (size_t)source->count);
	}
	sources->size += size;
	sources->count++;
	return true;
}

static uint32_t copy_sources(struct snapshot_writer *writer, size_t *size, bool *more)
{
	struct sources sources = {.at = copies_of(writer), .room = writer->capacity};
	*more = !busy_walk(&writer->options.table->busy, &writer->busy_cursor, copy_source, &sources);
	*size = sources.size;
	return sources.count;
}

/* Copies settings until the piece is full, as copy_tokens. */
static uint32_t copy_settings(struct snapshot_writer *writer, enum setting_kind kind, size_t *size, bool *more)
{
	struct settings *settings = &writer->options.table->settings;
	struct buffer text = {0};
	uint32_t count = 0;
	*size = 0;
	for (;;) {
		uint64_t lsn;
		text.size = 0;
		const uint32_t psychologist = settings_next(settings, kind, writer->cursor, &text, &lsn);
		*more = psychologist != 0;
		if (!*more || *size + piece_setting_size(text.size) > writer->capacity) {
			CHECK(!*more || count > 0); /* the largest there is fits in a piece */
			break;
		}
		writer->cursor = psychologist;
		uint8_t *at = copies_of(writer) + *size;
		memset(at, 0, piece_setting_size(text.size));
		store32(at, psychologist);
		store32(at + 4, (uint32_t)text.size);
		store64(at + 8, lsn);
		memcpy(at + PIECE_SETTING_HEAD, text.at, text.size);
		*size += piece_setting_size(text.size);
		count++;
	}
	buffer_fini(&text);
	return count;
}

static bool step_copying(struct snapshot_writer *writer, struct error *error)
{
	static const enum piece_kind kinds[] = {
	    [WRITING_SLOTS] = PIECE_SLOTS,         [WRITING_SESSIONS] = PIECE_SESSIONS,
	    [WRITING_BUSY] = PIECE_BUSY,           [WRITING_HOURS] = PIECE_HOURS,
	    [WRITING_CALENDARS] = PIECE_CALENDARS, [WRITING_PSYCHOLOGISTS] = PIECE_PSYCHOLOGISTS,
	    [WRITING_CLIENTS] = PIECE_CLIENTS,
	};
	struct table *table = writer->options.table;
	void *copies = copies_of(writer);
	const enum piece_kind kind = kinds[writer->state];
	uint32_t count;
	size_t size;
	bool more;
	if (kind == PIECE_SLOTS) {
		const uint32_t most = looks(writer, sizeof(struct slot_image));
		count = table_copy_slots(table, &writer->cursor, copies, most, &more);
		size = count * sizeof(struct slot_image);
		writer->info.slots += count;
	} else if (kind == PIECE_SESSIONS) {
		const uint32_t most = looks(writer, sizeof(struct session_image));
		count = table_copy_sessions(table, &writer->cursor, copies, most, &more);
		size = count * sizeof(struct session_image);
		writer->info.sessions += count;
	} else if (kind == PIECE_BUSY) {
		count = copy_sources(writer, &size, &more);
	} else if (kind == PIECE_HOURS || kind == PIECE_CALENDARS) {
		count = copy_settings(writer, piece_setting(kind), &size, &more);
	} else {
		struct intern *intern = kind == PIECE_CLIENTS ? &table->clients : &table->psychologists;
		count = copy_tokens(writer, intern, &size, &more);
		writer->info.tokens += count;
	}
	if (!more) {
		writer->state++;
		writer->cursor = 0;
	}
	return count == 0 || write_piece(writer, kind, count, size, error);
}

static void close_file(struct snapshot_writer *writer)
{
	struct disk *disk = writer->options.disk;
	if (writer->file >= 0) {
		disk->close(disk->context, writer->file);
		writer->file = -1;
	}
}

static bool step_end(struct snapshot_writer *writer, struct error *error)
{
	/* Whatever was copied was settled, so its record had been appended before this. */
	writer->info.end_lsn = wal_appended_lsn(writer->options.wal);
	const struct piece_end end = {.end_lsn = writer->info.end_lsn,
				      .slots = writer->info.slots,
				      .sessions = writer->info.sessions,
				      .tokens = writer->info.tokens};
	memcpy(copies_of(writer), &end, sizeof end);
	if (!write_piece(writer, PIECE_END, 1, sizeof end, error)) {
		return false;
	}
	writer->info.bytes = writer->offset;
	close_file(writer);
	writer->state = CHECKING;
	return true;
}

/* Reads back one piece: what is renamed has been seen to be sound. */
static bool step_checking(struct snapshot_writer *writer, struct error *error)
{
	struct snapshot_file *check = &writer->check;
	if (check->disk == NULL) {
		return snapshot_file_open(check, writer->options.disk, SNAPSHOT_NEW_NAME, writer->info.lsn, error);
	}
	struct piece piece;
	if (!snapshot_file_next(check, &piece, error)) {
		return false;
	}
	if (piece.kind == PIECE_END) {
		snapshot_file_close(check);
		check->disk = NULL;
		writer->state = WAITING;
	}
	return true;
}

static bool step_naming(struct snapshot_writer *writer, struct error *error)
{
	struct disk *disk = writer->options.disk;
	char name[DISK_NAME_SIZE];
	snapshot_format_name(writer->info.lsn, name);
	if (!disk->rename(disk->context, SNAPSHOT_NEW_NAME, name, error)) {
		return false;
	}
	writer->named = true;
	writer->state = TRIMMING;
	return disk->sync_directory(disk->context, error);
}

static enum snapshot_step step_trimming(struct snapshot_writer *writer, struct error *error)
{
	const struct trim trim = {
	    .disk = writer->options.disk,
	    .log_id = writer->info.log_id,
	    .newest_lsn = writer->info.lsn,
	    .previous_lsn = writer->options.previous_lsn,
	    .retain = writer->options.retain,
	};
	bool removed;
	return trim_step(&trim, &removed, error) && removed ? SNAPSHOT_GOES_ON : SNAPSHOT_DONE;
}

enum snapshot_step snapshot_step(struct snapshot_writer *writer, struct error *error)
{
	bool done = true;
	*error = (struct error){.code = ERROR_NONE};
	switch (writer->state) {
	case WRITING_SLOTS:
	case WRITING_SESSIONS:
	case WRITING_BUSY:
	case WRITING_HOURS:
	case WRITING_CALENDARS:
	case WRITING_PSYCHOLOGISTS:
	case WRITING_CLIENTS:
		done = step_copying(writer, error);
		break;
	case WRITING_END:
		done = step_end(writer, error);
		break;
	case CHECKING:
		done = step_checking(writer, error);
		break;
	case WAITING:
		if (wal_durable_lsn(writer->options.wal) < writer->info.end_lsn) {
			return SNAPSHOT_WAITS;
		}
		writer->state = NAMING;
		break;
	case NAMING:
		done = step_naming(writer, error);
		break;
	case TRIMMING:
		return step_trimming(writer, error);
	}
	return done ? SNAPSHOT_GOES_ON : SNAPSHOT_FAILED;
}

const struct snapshot_info *snapshot_writer_info(const struct snapshot_writer *writer)
{
	return &writer->info;
}

void snapshot_close(struct snapshot_writer *writer)
{
	close_file(writer);
	if (writer->check.disk != NULL) {
		snapshot_file_close(&writer->check);
	}
	if (!writer->named) {
		/* If that fails, too, the next snapshot or start removes it. */
		snapshot_tidy(writer->options.disk, NULL);
	}
	free(writer->bytes);
	free(writer);
}

/* ---- beginning ---- */

bool snapshot_tidy(struct disk *disk, struct error *error)
{
	struct disk_entry *entries = NULL;
	size_t count = 0;
	if (!disk->list(disk->context, &entries, &count, error)) {
		return false;
	}
	bool tidied = true;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(entries[i].name, SNAPSHOT_NEW_NAME) == 0) {
			tidied = disk->remove(disk->context, SNAPSHOT_NEW_NAME, error);
		}
	}
	free(entries);
	return tidied;
}

static bool write_begin(struct snapshot_writer *writer, struct error *error)
{
	struct disk *disk = writer->options.disk;
	if (!snapshot_tidy(disk, error)) {
		return false;
	}
	if (!disk->open(disk->context, SNAPSHOT_NEW_NAME, true, &writer->file, error)) {
		writer->file = -1;
		return false;
	}
	memcpy(copies_of(writer), &writer->begin, sizeof writer->begin);
	return write_piece(writer, PIECE_BEGIN, 1, sizeof writer->begin, error);
}

struct snapshot_writer *snapshot_begin(const struct snapshot_options *options, struct error *error)
{
	CHECK(options->piece_size % DISK_ALIGN == 0 && options->piece_size > 0);
	*error = (struct error){.code = ERROR_NONE};
	/* S first: everything else may have more. */
	const uint64_t lsn = wal_durable_lsn(options->wal);
	/* A PURGE among what S covers may be between its record and the horizon: now it is not any more. */
	table_moves_lock(options->table);
	table_moves_unlock(options->table);
	if (lsn == options->previous_lsn) {
		return NULL;
	}
	struct wal_stats stats;
	wal_stats(options->wal, &stats);
	struct snapshot_writer *writer = calloc(1, sizeof *writer);
	uint8_t *bytes = aligned_alloc(DISK_ALIGN, options->piece_size);
	if (writer == NULL || bytes == NULL) {
		free(writer);
		free(bytes);
		error_set(error, ERROR_NO_MEMORY, "no memory for a piece of a snapshot");
		return NULL;
	}
	*writer = (struct snapshot_writer){
	    .options = *options,
	    .capacity = options->piece_size - BLOCK_HEADER_SIZE - PIECE_HEAD,
	    .state = WRITING_SLOTS,
	    .info = {.lsn = lsn, .log_id = stats.log_id, .created_at_ms = clock_wall_ms(options->clock)},
	    .begin = {.log_id = stats.log_id,
		      .lsn = lsn,
		      .removed_lsn = table_removed_lsn(options->table),
		      /* Acquire; pairs with table_purge_horizon. */
		      .purged_before_day =
			  atomic_load_explicit(&options->table->purged_before_day, memory_order_acquire)},
	    .file = -1,
	    .bytes = bytes,
	};
	writer->begin.created_at_ms = writer->info.created_at_ms;
	if (!write_begin(writer, error)) {
		snapshot_close(writer);
		return NULL;
	}
	return writer;
}
