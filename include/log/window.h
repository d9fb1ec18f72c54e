/*
 * window: a file seen through a few megabytes of memory.
 *
 * Reading a log goes forward, a block at a time; the window reads a large piece where the wanted bytes are not in the
 * last one. Bytes it has given out are a look at the file at that time: window_forget makes it look again.
 *
 * A window that looks ahead has the next pieces read while the last one is being used, from when it is seen to go forward: two
 * more in flight, each into a buffer of its own. What is left of the last piece is copied in front of the next, so that what is
 * wanted lies in one:
 *
 *            front                 piece
 *   A  |            | used  used  used  used  left |
 *   B  |       left | next  next  next  next  next |
 *
 * Threads: one.
 */
#pragma once

#include <base/memory.h>
#include <io/disk.h>

/* One buffer beside those of the pieces that are being read. */
#define WINDOW_AHEAD 2

struct window_buffer {
	uint8_t *bytes;
	size_t capacity;
	struct region huge;          /* where the bytes are, if there are many */
	struct disk_reading reading; /* into it, behind the front, while it is ahead */
};

struct window {
	struct disk *disk;
	size_t piece; /* bytes to read at a time */
	bool looks_ahead;
	/* what was last read, and where */
	disk_file file;
	uint64_t offset;
	uint8_t *bytes; /* in one of the buffers */
	size_t size;
	bool ended; /* it came up short: the file ended there */
	/* buffers[current] has that; the next `ahead` behind it are being read, from the end of it on */
	struct window_buffer buffers[1 + WINDOW_AHEAD];
	uint32_t current;
	uint32_t ahead;
	uint64_t ahead_offset; /* where the next read would begin */
};

/* Files of up to `file_size` bytes will be read through `disk`, which is borrowed. */
void window_init(struct window *window, struct disk *disk, uint64_t file_size);
void window_fini(struct window *window);
/* From now on it looks ahead, if the disk can. Whoever reads beside commits does not: it would be in their way. */
void window_look_ahead(struct window *window);

/* Makes `size` bytes of the file from `offset` on (both multiples of DISK_ALIGN) available at *bytes until the next
 * call; *got is less only at the end of the file. */
bool window_fetch(struct window *window, disk_file file, uint64_t offset, size_t size, uint8_t **bytes, size_t *got,
		  struct error *error);
/* To be called before a file is closed that it has looked at last, too. */
void window_forget(struct window *window);
