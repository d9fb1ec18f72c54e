/*
 * snapshot_load: which snapshot is the newest sound one, and its copies into the table. Keeps I7.
 *
 * A snapshot is read twice, first to see that it is sound: so one that is not never leaves anything in the table, and the one
 * before can take its place.
 */
#include "snapshot_file.h"

#include <base/check.h>
#include <slot/image.h>
#include <stdlib.h>

/* Reads it to the end. */
static bool check(struct disk *disk, uint64_t lsn, struct snapshot_info *info, struct error *error)
{
	char name[DISK_NAME_SIZE];
	snapshot_format_name(lsn, name);
	struct snapshot_file file;
	struct piece piece = {0};
	bool sound = snapshot_file_open(&file, disk, name, lsn, error);
	while (sound && piece.kind != PIECE_END) {
		sound = snapshot_file_next(&file, &piece, error);
	}
	*info = file.info;
	snapshot_file_close(&file);
	return sound;
}

/* How many copies before it is put a copy is looked at, so that the cache misses of so many overlap. */
#define AHEAD 24

static void look_at_token(const struct intern *intern, struct span *ahead)
{
	uint32_t number;
	struct span token;
	if (piece_take_token(ahead, &number, &token)) {
		intern_prefetch(intern, intern_hash(intern, token));
	}
}

static bool put_tokens(struct intern *intern, struct piece *piece, struct error *error)
{
	struct span ahead = piece->copies;
	for (uint32_t i = 0; i < AHEAD; i++) {
		look_at_token(intern, &ahead);
	}
	for (uint32_t i = 0; i < piece->count; i++) {
		uint32_t number;
		struct span token;
		look_at_token(intern, &ahead);
		if (!piece_take_token(&piece->copies, &number, &token) || !intern_place(intern, number, token)) {
			return error_set(error, ERROR_DAMAGED,
					 "a token of the snapshot cannot be put: raise maxmemory "
					 "if it was lowered");
		}
	}
	return true;
}

static struct slot_image slot_image_at(const struct piece *piece, uint32_t i)
{
	struct slot_image image;
	memcpy(&image, piece->copies.at + i * sizeof image, sizeof image);
	return image;
}

static bool put_slots(struct table *table, const struct piece *piece, struct error *error)
{
	for (uint32_t i = 0; i < piece->count; i++) {
		const struct slot_image image = slot_image_at(piece, i);
		const struct slot_image later = slot_image_at(piece, i + AHEAD < piece->count ? i + AHEAD : i);
		table_put_slot_ahead(table, &later);
		if (!table_put_slot(table, &image, error)) {
			return false;
		}
	}
	return true;
}

static bool put_sessions(struct table *table, const struct piece *piece, struct error *error)
{
	for (uint32_t i = 0; i < piece->count; i++) {
		struct session_image image;
		memcpy(&image, piece->copies.at + i * sizeof image, sizeof image);
		if (!table_put_session(table, &image, error)) {
			return false;
		}
	}
	return true;
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

static bool put_piece(struct table *table, struct piece *piece, struct error *error)
{
	switch (piece->kind) {
	case PIECE_SLOTS:
		return put_slots(table, piece, error);
	case PIECE_SESSIONS:
		return put_sessions(table, piece, error);
	case PIECE_BUSY:
		return put_sources(table, piece, error);
	case PIECE_PSYCHOLOGISTS:
		return put_tokens(&table->psychologists, piece, error);
	case PIECE_CLIENTS:
		return put_tokens(&table->clients, piece, error);
	default:
		return true;
	}
}

static bool put(struct disk *disk, uint64_t lsn, struct table *table, struct error *error)
{
	char name[DISK_NAME_SIZE];
	snapshot_format_name(lsn, name);
	struct snapshot_file file;
	struct piece piece = {0};
	bool done = snapshot_file_open(&file, disk, name, lsn, error);
	if (done) {
		table_purge_horizon(table, (uint16_t)file.begin.purged_before_day, file.begin.removed_lsn);
	}
	while (done && piece.kind != PIECE_END) {
		done = snapshot_file_next(&file, &piece, error) && put_piece(table, &piece, error);
	}
	snapshot_file_close(&file);
	return done;
}

bool snapshot_load(struct disk *disk, struct table *table, struct snapshot_found *found, struct error *error)
{
	uint64_t *lsns = NULL;
	size_t count = 0;
	*found = (struct snapshot_found){.damaged = 0};
	bool done = snapshot_list(disk, &lsns, &count, error);
	for (size_t i = 0; done && i < count; i++) {
		struct snapshot_info info;
		struct error damage = {0};
		if (check(disk, lsns[i], &info, &damage)) {
			found->info = info;
			done = table == NULL || put(disk, info.lsn, table, error);
			break;
		}
		if (damage.code == ERROR_NEWER || damage.code == ERROR_NO_MEMORY) {
			*error = damage;
			done = false;
			break;
		}
		if (found->damaged++ == 0) {
			found->damage = damage;
			found->damaged_lsn = lsns[i];
		}
	}
	free(lsns);
	return done;
}

struct log_start snapshot_start(const struct snapshot_info *info)
{
	return (struct log_start){.covered_lsn = info->lsn, .durable_lsn = info->end_lsn, .log_id = info->log_id};
}
