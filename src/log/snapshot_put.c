/*
 * snapshot_put: see the header.
 *
 *   under the lock, in the order of the file          beside the others
 *   look at the next piece, copy its bytes       -->  its hash is right? its copies into the table
 *
 * Copies of slots, sessions and tokens do not know of each other before table_redo_done, so it does not matter who puts which
 * when. What does matter is that no two threads put the same session, token or setting: their numbers grow from piece to
 * piece, which is seen to at the end, when all have said which they had.
 */
#include "snapshot_put.h"

#include <base/check.h>
#include <base/crew.h>
#include <base/lock.h>
#include <inttypes.h>
#include <slot/hours.h>
#include <slot/image.h>
#include <stdlib.h>

/* The numbers that a piece has copies of. */
struct numbers {
	enum piece_kind kind;
	uint64_t first;
	uint64_t end;
};

struct putting {
	const struct snapshot_target *into;
	/* guarded by lock */
	struct lock lock;
	struct snapshot_file file;
	bool over; /* the end was looked at, or it failed */
	struct numbers *numbers;
	size_t piece_count;
	size_t capacity;
	uint64_t newest_ms;
	bool failed;
	bool refused; /* a sound piece could not be put */
	struct error error;
};

/* A piece in the hands of one thread. */
struct held_piece {
	struct piece piece;
	size_t number;
	uint64_t newest_ms;
	struct numbers numbers;
	uint8_t *bytes;
	size_t capacity;
};

/* ---- what it has, into the table ---- */

static bool put_tokens(struct intern *intern, struct held_piece *held, struct error *error)
{
	struct intern_copy copies[INTERN_PLACE_MAX];
	struct piece *piece = &held->piece;
	for (uint32_t done = 0; done < piece->count;) {
		uint32_t count = 0;
		bool taken = true;
		for (; taken && count < INTERN_PLACE_MAX && done + count < piece->count; count++) {
			taken = piece_take_token(&piece->copies, &copies[count].number, &copies[count].token);
		}
		const bool follows = taken && copies[0].number >= held->numbers.end;
		if (!follows || !intern_place(intern, copies, count)) {
			return error_set(error, ERROR_DAMAGED,
					 "a token of the snapshot cannot be put: raise maxmemory "
					 "if it was lowered");
		}
		held->numbers.first = done == 0 ? copies[0].number : held->numbers.first;
		held->numbers.end = intern_end(&copies[count - 1]);
		done += count;
	}
	return true;
}

static bool put_sessions(struct table *table, struct held_piece *held, struct error *error)
{
	const struct piece *piece = &held->piece;
	const struct session_image *images = (const struct session_image *)(const void *)piece->copies.at;
	for (uint32_t i = 0; i < piece->count; i++) {
		held->newest_ms = images[i].updated_ms > held->newest_ms ? images[i].updated_ms : held->newest_ms;
		held->numbers.end =
		    images[i].number >= held->numbers.end ? images[i].number + UINT64_C(1) : held->numbers.end;
		held->numbers.first =
		    images[i].number < held->numbers.first || i == 0 ? images[i].number : held->numbers.first;
	}
	return table_put_sessions(table, images, piece->count, error);
}

static bool put_sources(struct table *table, struct piece *piece, struct error *error)
{
	for (uint32_t i = 0; i < piece->count; i++) {
		uint32_t psychologist;
		struct busy_source source;
		if (!piece_take_source(&piece->copies, &psychologist, &source)) {
			return error_set(error, ERROR_DAMAGED, "not the copy of what a calendar says");
		}
		if (!busy_put(&table->busy, psychologist, &source)) {
			return error_set(error, ERROR_NO_MEMORY, "no memory for what a calendar says");
		}
	}
	return true;
}

static uint64_t its_lsn(void *context)
{
	return *(const uint64_t *)context;
}

static bool put_settings(struct table *table, struct held_piece *held, struct error *error)
{
	const enum setting_kind kind = piece_setting(held->piece.kind);
	for (uint32_t i = 0; i < held->piece.count; i++) {
		uint32_t psychologist;
		struct span text;
		uint64_t lsn;
		uint64_t seen_lsn;
		struct hours_plan plan;
		if (!piece_take_setting(&held->piece.copies, &psychologist, &text, &lsn) ||
		    psychologist < held->numbers.end || (kind == SETTING_HOURS && !hours_plan_read(text, &plan))) {
			return error_set(error, ERROR_DAMAGED, "not the copy of a setting");
		}
		held->numbers.first = i == 0 ? psychologist : held->numbers.first;
		held->numbers.end = psychologist + UINT64_C(1);
		if (table_set(table, kind, psychologist, text, true, its_lsn, &lsn, &seen_lsn) == SETTINGS_NO_MEMORY) {
			return error_set(error, ERROR_NO_MEMORY, "no memory for a setting of a psychologist");
		}
	}
	return true;
}

static bool put_piece(struct table *table, struct held_piece *held, struct error *error)
{
	struct piece *piece = &held->piece;
	held->newest_ms = 0;
	held->numbers = (struct numbers){.kind = piece->kind};
	switch (piece->kind) {
	case PIECE_SLOTS:
		return table_put_slots(table, (const struct slot_image *)(const void *)piece->copies.at, piece->count,
				       error);
	case PIECE_SESSIONS:
		return put_sessions(table, held, error);
	case PIECE_BUSY:
		return put_sources(table, piece, error);
	case PIECE_HOURS:
	case PIECE_CALENDARS:
		return put_settings(table, held, error);
	case PIECE_PSYCHOLOGISTS:
		return put_tokens(&table->psychologists, held, error);
	case PIECE_CLIENTS:
		return put_tokens(&table->clients, held, error);
	default:
		return true;
	}
}

/* ---- one piece after the other ---- */

/* Makes room for the bytes of a piece, and for what is to be known of it. */
static bool make_room(struct putting *putting, struct held_piece *held, struct error *error)
{
	if (putting->piece_count == putting->capacity) {
		const size_t capacity = 2 * putting->capacity + 64;
		struct numbers *numbers = realloc(putting->numbers, capacity * sizeof *numbers);
		if (numbers == NULL) {
			return error_set(error, ERROR_NO_MEMORY, "no memory to load a snapshot");
		}
		putting->numbers = numbers;
		putting->capacity = capacity;
	}
	if (held->piece.size > held->capacity) {
		free(held->bytes);
		held->bytes = aligned_alloc(DISK_ALIGN, held->piece.size);
		held->capacity = held->bytes != NULL ? held->piece.size : 0;
	}
	return held->bytes != NULL ||
	       error_set(error, ERROR_NO_MEMORY, "no memory for %zu bytes of a snapshot", held->piece.size);
}

/* The next piece of the file, copied. Lock held. */
static bool take_piece(struct putting *putting, struct held_piece *held, struct error *error)
{
	struct snapshot_file *file = &putting->file;
	if (!snapshot_file_look(file, &held->piece, error) || !make_room(putting, held, error)) {
		return false;
	}
	memcpy(held->bytes, held->piece.bytes, held->piece.size);
	piece_move(&held->piece, held->bytes);
	held->number = putting->piece_count++;
	putting->numbers[held->number] = (struct numbers){.kind = held->piece.kind};
	putting->over = held->piece.kind == PIECE_END;
	if (putting->into->progress != NULL) {
		putting->into->progress(putting->into->context, held->piece.size);
	}
	return snapshot_file_follows(file, &held->piece, error);
}

static void fail(struct putting *putting, bool refused, const struct error *error)
{
	putting->error = putting->failed ? putting->error : *error;
	putting->refused = putting->failed ? putting->refused : refused;
	putting->failed = true;
	putting->over = true;
}

static bool next_piece(struct putting *putting, struct held_piece *held)
{
	struct error error = {0};
	lock_take(&putting->lock);
	bool taken = false;
	if (!putting->over) {
		taken = take_piece(putting, held, &error);
		if (!taken) {
			fail(putting, false, &error);
		}
	}
	lock_give(&putting->lock);
	return taken;
}

/* Whether its bytes are what was written, and if so, what it has into the table. */
static void use_piece(struct putting *putting, struct held_piece *held)
{
	struct error error = {0};
	const bool sound = snapshot_file_matches(&putting->file, &held->piece);
	const bool put = sound && put_piece(putting->into->table, held, &error);
	lock_take(&putting->lock);
	if (!put) {
		fail(putting, sound, &error);
	} else {
		putting->numbers[held->number] = held->numbers;
		putting->newest_ms = held->newest_ms > putting->newest_ms ? held->newest_ms : putting->newest_ms;
	}
	lock_give(&putting->lock);
}

static void put_pieces(void *context)
{
	struct putting *putting = context;
	struct held_piece held = {.bytes = NULL};
	while (next_piece(putting, &held)) {
		use_piece(putting, &held);
	}
	free(held.bytes);
}

/* Do the numbers of each kind grow from piece to piece? */
static bool numbers_grow(const struct putting *putting, struct error *error)
{
	for (size_t i = 1; i < putting->piece_count; i++) {
		const struct numbers *before = &putting->numbers[i - 1];
		const struct numbers *here = &putting->numbers[i];
		if (here->kind == before->kind && here->first < before->end) {
			return error_set(error, ERROR_DAMAGED, "two pieces of the snapshot have the same copies");
		}
	}
	return true;
}

static void prepare(struct putting *putting)
{
	struct snapshot_file *file = &putting->file;
	struct table *table = putting->into->table;
	struct piece_end end;
	if (snapshot_file_hint(file, &end)) {
		table_expect_copies(table, end.slots, end.tokens);
	}
	table_purge_horizon(table, (uint16_t)file->begin.purged_before_day, file->begin.removed_lsn);
	window_look_ahead(&file->window);
}

bool snapshot_put(struct disk *disk, uint64_t lsn, const struct snapshot_target *into, struct snapshot_found *found,
		  bool *refused, struct error *error)
{
	struct putting putting = {.into = into};
	char name[DISK_NAME_SIZE];
	snapshot_format_name(lsn, name);
	lock_init(&putting.lock);
	if (!snapshot_file_open(&putting.file, disk, name, lsn, &putting.error)) {
		putting.failed = true;
	} else {
		prepare(&putting);
		crew_run(into->crew, put_pieces, &putting);
	}
	if (!putting.failed && !numbers_grow(&putting, &putting.error)) {
		putting.failed = putting.refused = true;
	}
	found->info = putting.file.info;
	found->newest_ms = putting.newest_ms;
	*refused = putting.refused;
	*error = putting.failed ? putting.error : *error;
	snapshot_file_close(&putting.file);
	free(putting.numbers);
	lock_fini(&putting.lock);
	return !putting.failed;
}
