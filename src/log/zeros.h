/*
 * zeros: aligned zero bytes to write. Threads: any; they are never changed.
 */
#pragma once

#include <io/disk.h>

#define ZEROS_SIZE (1 << 20)

/* ZEROS_SIZE of them. */
const uint8_t *zeros(void);

/* Writes zeros to the file at [from, to), multiples of DISK_ALIGN; blocking, not yet durable. */
bool zeros_write_now(struct disk *disk, disk_file file, uint64_t from, uint64_t to, struct error *error);
