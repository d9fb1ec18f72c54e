/*
 * rebuilt: see the header.
 */
#include "rebuilt.h"

#include <base/hash.h>

/* Address space, of which the table uses what the log needs. Bytes. */
#define TABLE_LIMIT (UINT64_C(64) << 30)
/* For a few threads. Each costs a page. */
#define TABLE_STRIPES 64

/* The newest sound snapshot, if it is of `end_lsn` or before, and otherwise none. */
static bool begin(struct rebuilt *rebuilt, struct disk *disk, uint32_t crew, uint64_t end_lsn, struct log_start *start,
		  struct error *error)
{
	if (end_lsn != UINT64_MAX) {
		struct snapshot_found found;
		if (!snapshot_load(disk, NULL, &found, error)) {
			return false;
		}
		if (found.info.end_lsn > end_lsn) {
			rebuilt->rebuild = (struct rebuild){.table = &rebuilt->table, .crew = 1};
			*start = (struct log_start){0};
			return true;
		}
	}
	const struct snapshot_target into = {.table = &rebuilt->table, .crew = crew};
	return rebuild_begin(&rebuilt->rebuild, &into, disk, start, error);
}

bool rebuilt_open(struct rebuilt *rebuilt, struct disk *disk, uint32_t crew, uint64_t end_lsn, struct log_start *start,
		  struct error *error)
{
	const struct table_options options = {.stripe_count = TABLE_STRIPES, .seed = hash_seed_random()};
	memory_init(&rebuilt->memory, TABLE_LIMIT);
	rebuilt->is_open = table_init(&rebuilt->table, &rebuilt->memory, &options, error);
	if (rebuilt->is_open) {
		table_hurry(&rebuilt->table, true); /* it is gone before long */
	}
	return rebuilt->is_open && begin(rebuilt, disk, crew, end_lsn, start, error);
}

void rebuilt_close(struct rebuilt *rebuilt)
{
	if (rebuilt->is_open) {
		table_fini(&rebuilt->table);
	}
}
