/*
 * import_mark: see the header.
 */
#include <log/import_mark.h>
#include <stdlib.h>
#include <string.h>

bool import_mark_set(struct disk *disk, struct error *error)
{
	disk_file file;
	if (!disk->open(disk->context, IMPORT_MARK_NAME, true, &file, error)) {
		return false;
	}
	disk->close(disk->context, file);
	return disk->sync_directory(disk->context, error);
}

bool import_mark_clear(struct disk *disk, struct error *error)
{
	return disk->remove(disk->context, IMPORT_MARK_NAME, error) && disk->sync_directory(disk->context, error);
}

bool import_mark_absent(struct disk *disk, struct error *error)
{
	struct disk_entry *entries = NULL;
	size_t count = 0;
	bool absent = disk->list(disk->context, &entries, &count, error);
	for (size_t i = 0; absent && i < count; i++) {
		if (strcmp(entries[i].name, IMPORT_MARK_NAME) == 0) {
			absent = error_set(error, ERROR_DAMAGED,
					   "an import into this directory was not finished: empty it and import again");
		}
	}
	free(entries);
	return absent;
}
