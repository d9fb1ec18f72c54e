/*
 * window: a file seen through a few megabytes of memory.
 *
 * Reading a log goes forward, a block at a time; the window reads a large piece where the wanted bytes are not in the
 * last one. Bytes it has given out are a look at the file at that time: window_forget makes it look again.
 *
 * Threads: one.
 */
#pragma once

#include <io/disk.h>

struct window {
	struct disk *disk;
	size_t piece; /* bytes to read at a time */
	/* what was last read, and where */
	disk_file file;
	uint64_t offset;
	uint8_t *bytes;
	size_t size;
	size_t capacity;
};

/* Files of up to `file_size` bytes will be read through `disk`, which is borrowed. */
void window_init(struct window *window, struct disk *disk, uint64_t file_size);
void window_fini(struct window *window);

/* Makes `size` bytes of the file from `offset` on (both multiples of DISK_ALIGN) available at *bytes until the next
 * call; *got is less only at the end of the file. */
bool window_fetch(struct window *window, disk_file file, uint64_t offset, size_t size, uint8_t **bytes, size_t *got,
		  struct error *error);
void window_forget(struct window *window);
