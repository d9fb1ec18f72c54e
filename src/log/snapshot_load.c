/*
 * snapshot_load: which snapshot is the newest sound one, and its copies into the table. Keeps I7.
 *
 * A snapshot is put while it is read: one pass. What it has counts when it was sound to its last byte; if it was not, the table
 * is thrown away, so one that is damaged never leaves anything in it, and the one before can take its place. A crew reads it
 * (snapshot_put.c); what is wrong with one that is refused is then said by one thread that reads it alone, so that the words do
 * not hang on who came first.
 */
#include "snapshot_put.h"

#include <base/check.h>
#include <stdlib.h>

/* Reads it to the end. */
static bool check(struct disk *disk, uint64_t lsn, struct snapshot_info *info, struct error *error)
{
	char name[DISK_NAME_SIZE];
	snapshot_format_name(lsn, name);
	struct snapshot_file file;
	struct piece piece = {0};
	bool sound = snapshot_file_open(&file, disk, name, lsn, error);
	if (sound) {
		window_look_ahead(&file.window);
	}
	while (sound && piece.kind != PIECE_END) {
		sound = snapshot_file_next(&file, &piece, error);
	}
	*info = file.info;
	snapshot_file_close(&file);
	return sound;
}

enum outcome_of_load {
	LOADED,
	NOT_SOUND, /* *error says what is wrong with it */
	NOT_PUT,   /* sound, but *error says why its copies cannot be put */
};

static enum outcome_of_load load(struct disk *disk, uint64_t lsn, const struct snapshot_target *into,
				 struct snapshot_found *found, struct error *error)
{
	if (into == NULL) {
		return check(disk, lsn, &found->info, error) ? LOADED : NOT_SOUND;
	}
	bool refused;
	if (snapshot_put(disk, lsn, into, found, &refused, error)) {
		return LOADED;
	}
	struct error trouble;
	if (!table_clear(into->table, &trouble)) {
		*error = trouble;
		return NOT_PUT;
	}
	struct snapshot_info ignored;
	if (!check(disk, lsn, &ignored, &trouble)) {
		*error = trouble;
		return NOT_SOUND;
	}
	return refused ? NOT_PUT : NOT_SOUND;
}

bool snapshot_load(struct disk *disk, const struct snapshot_target *into, struct snapshot_found *found,
		   struct error *error)
{
	uint64_t *lsns = NULL;
	size_t count = 0;
	*found = (struct snapshot_found){.damaged = 0};
	bool done = snapshot_list(disk, &lsns, &count, error);
	for (size_t i = 0; done && i < count; i++) {
		struct error damage = {0};
		const enum outcome_of_load outcome = load(disk, lsns[i], into, found, &damage);
		if (outcome == LOADED) {
			break;
		}
		found->info = (struct snapshot_info){.lsn = 0};
		found->newest_ms = 0;
		if (outcome == NOT_PUT || damage.code == ERROR_NEWER || damage.code == ERROR_NO_MEMORY) {
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

bool snapshot_expect(struct disk *disk, struct log_start *start)
{
	uint64_t *lsns = NULL;
	size_t count = 0;
	struct error ignored;
	if (!snapshot_list(disk, &lsns, &count, &ignored) || count == 0) {
		free(lsns);
		return false;
	}
	char name[DISK_NAME_SIZE];
	snapshot_format_name(lsns[0], name);
	struct snapshot_file file;
	struct piece_end end;
	const bool expected =
	    snapshot_file_open(&file, disk, name, lsns[0], &ignored) && snapshot_file_hint(&file, &end);
	file.info.end_lsn = expected ? end.end_lsn : 0;
	*start = snapshot_start(&file.info);
	snapshot_file_close(&file);
	free(lsns);
	return expected;
}

struct log_start snapshot_start(const struct snapshot_info *info)
{
	return (struct log_start){.covered_lsn = info->lsn, .durable_lsn = info->end_lsn, .log_id = info->log_id};
}
