/*
 * zeros: see the header.
 */
#include "zeros.h"

#include <stdalign.h>

const uint8_t *zeros(void)
{
	/* Not const, so that they cost no space in the program file, and none in memory: nobody writes to them. */
	static alignas(DISK_ALIGN) uint8_t bytes[ZEROS_SIZE];
	return bytes;
}

bool zeros_write_now(struct disk *disk, disk_file file, uint64_t from, uint64_t to, struct error *error)
{
	for (uint64_t at = from; at < to; at += ZEROS_SIZE) {
		const size_t size = to - at < ZEROS_SIZE ? (size_t)(to - at) : ZEROS_SIZE;
		if (!disk->write_now(disk->context, file, at, zeros(), size, error)) {
			return false;
		}
	}
	return true;
}
