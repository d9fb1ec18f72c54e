/*
 * window: see the header.
 */
#include <log/window.h>
#include <stdlib.h>

/* Large enough that the disk, not the calls, sets the pace. */
#define WINDOW_PIECE_MAX (UINT64_C(2) << 20)

void window_init(struct window *window, struct disk *disk, uint64_t file_size)
{
	const uint64_t aligned = (file_size + DISK_ALIGN - 1) & ~(uint64_t)(DISK_ALIGN - 1);
	*window = (struct window){
	    .disk = disk,
	    .piece = (size_t)(aligned < WINDOW_PIECE_MAX ? aligned : WINDOW_PIECE_MAX),
	    .file = -1,
	};
}

void window_fini(struct window *window)
{
	free(window->bytes);
	window->bytes = NULL;
}

void window_forget(struct window *window)
{
	window->size = 0;
	window->file = -1;
}

static bool make_room(struct window *window, size_t size, struct error *error)
{
	if (size <= window->capacity) {
		return true;
	}
	free(window->bytes);
	window->capacity = 0;
	window->bytes = aligned_alloc(DISK_ALIGN, size);
	if (window->bytes == NULL) {
		return error_set(error, ERROR_NO_MEMORY, "no memory for %zu bytes to read the log", size);
	}
	window->capacity = size;
	return true;
}

static bool holds(const struct window *window, disk_file file, uint64_t offset, size_t size)
{
	return file == window->file && offset >= window->offset && offset - window->offset <= window->size &&
	       size <= window->size - (offset - window->offset);
}

bool window_fetch(struct window *window, disk_file file, uint64_t offset, size_t size, uint8_t **bytes, size_t *got,
		  struct error *error)
{
	if (!holds(window, file, offset, size)) {
		const size_t wanted = size > window->piece ? size : window->piece;
		window_forget(window);
		if (!make_room(window, wanted, error)) {
			return false;
		}
		struct disk *disk = window->disk;
		if (!disk->read(disk->context, file, offset, window->bytes, wanted, &window->size, error)) {
			return false;
		}
		window->file = file;
		window->offset = offset;
	}
	const size_t skipped = (size_t)(offset - window->offset);
	const size_t there = window->size - skipped;
	*bytes = window->bytes + skipped;
	*got = there < size ? there : size;
	return true;
}
