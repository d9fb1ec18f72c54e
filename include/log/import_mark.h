/*
 * import_mark: a file in the data directory that says that an import into it has begun and has not ended.
 *
 * It is durable before the first record of the import is, and gone only when the last one is durable: so a part of another
 * server's state, which a crash may leave behind, is never taken for all of it.
 *
 * Threads: that of the disk port.
 */
#pragma once

#include <io/disk.h>

#define IMPORT_MARK_NAME "import.slotd"

/* Both blocking and durable when they return true. */
bool import_mark_set(struct disk *disk, struct error *error);
bool import_mark_clear(struct disk *disk, struct error *error);

/* False if the mark is there (ERROR_DAMAGED, with what to do), or there was no way to look. */
bool import_mark_absent(struct disk *disk, struct error *error);
