/*
 * window: see the header.
 */
#include <base/check.h>
#include <log/window.h>
#include <stdlib.h>
#include <string.h>

#define HUGE_PAGE ((size_t)2 << 20)

/* Large enough that the disk, not the calls, sets the pace. */
#define WINDOW_PIECE_MAX HUGE_PAGE

/* In front of a piece: for what is left of the one before, if that is not more. */
#define FRONT ((size_t)512 << 10)

/* Of pieces of which several are on their way, and have a front: both fill a huge page. */
#define PIECE_AHEAD_MAX (HUGE_PAGE - FRONT)

void window_init(struct window *window, struct disk *disk, uint64_t file_size)
{
	const uint64_t aligned = (file_size + DISK_ALIGN - 1) & ~(uint64_t)(DISK_ALIGN - 1);
	*window = (struct window){
	    .disk = disk,
	    .piece = (size_t)(aligned < WINDOW_PIECE_MAX ? aligned : WINDOW_PIECE_MAX),
	    .file = -1,
	};
}

void window_look_ahead(struct window *window)
{
	window->looks_ahead = window->disk->read_begin != NULL;
	if (window->looks_ahead && window->piece > PIECE_AHEAD_MAX) {
		window->piece = PIECE_AHEAD_MAX;
	}
}

static struct window_buffer *buffer_ahead(struct window *window, uint32_t by)
{
	return &window->buffers[(window->current + by) % (1 + WINDOW_AHEAD)];
}

/* Waits for what is being read, and drops it. */
static void stop_looking_ahead(struct window *window)
{
	for (; window->ahead > 0; window->ahead--) {
		struct disk *disk = window->disk;
		size_t got;
		struct error ignored;
		(void)disk->read_wait(disk->context, &buffer_ahead(window, window->ahead)->reading, &got, &ignored);
	}
}

static void give_back(struct window_buffer *buffer)
{
	if (buffer->huge.base != NULL) {
		region_release(&buffer->huge);
	} else {
		free(buffer->bytes);
	}
	buffer->bytes = NULL;
	buffer->capacity = 0;
}

void window_fini(struct window *window)
{
	stop_looking_ahead(window);
	for (uint32_t i = 0; i < 1 + WINDOW_AHEAD; i++) {
		give_back(&window->buffers[i]);
	}
	window->bytes = NULL;
}

void window_forget(struct window *window)
{
	stop_looking_ahead(window);
	window->size = 0;
	window->file = -1;
}

/* What would fill most of a huge page gets one. Physical memory that is in one piece is what a disk reads into in few and
 * large requests: three times as fast as into pages from anywhere (docs/decisions/0009). */
static bool get_memory(struct window_buffer *buffer, size_t size)
{
	if (size < HUGE_PAGE / 2) {
		buffer->bytes = aligned_alloc(DISK_ALIGN, size);
		buffer->capacity = size;
		return buffer->bytes != NULL;
	}
	struct error ignored;
	const size_t whole = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	if (!region_reserve(&buffer->huge, whole, &ignored)) {
		return false;
	}
	buffer->huge.unready = true;
	buffer->bytes = buffer->huge.base;
	buffer->capacity = whole;
	return region_commit(&buffer->huge, whole);
}

static bool make_room(struct window_buffer *buffer, size_t size, struct error *error)
{
	if (size <= buffer->capacity) {
		return true;
	}
	give_back(buffer);
	if (!get_memory(buffer, size)) {
		give_back(buffer);
		return error_set(error, ERROR_NO_MEMORY, "no memory for %zu bytes to read the log", size);
	}
	return true;
}

static bool holds(const struct window *window, disk_file file, uint64_t offset, size_t size)
{
	return file == window->file && offset >= window->offset && offset - window->offset <= window->size &&
	       size <= window->size - (offset - window->offset);
}

/* Has the next pieces read, as far as there are buffers. Where there is no memory for them, it goes without. */
static void look_ahead(struct window *window)
{
	struct disk *disk = window->disk;
	while (window->ahead < WINDOW_AHEAD) {
		struct window_buffer *buffer = buffer_ahead(window, window->ahead + 1);
		struct error ignored;
		if (!make_room(buffer, FRONT + window->piece, &ignored)) {
			return;
		}
		disk->read_begin(disk->context, &buffer->reading, window->file, window->ahead_offset,
				 buffer->bytes + FRONT, window->piece);
		window->ahead_offset += window->piece;
		window->ahead++;
	}
}

/* Goes on to the next piece, which has been asked for, keeping what there is from `offset` on in front of it. */
static bool take_next(struct window *window, uint64_t offset, struct error *error)
{
	struct disk *disk = window->disk;
	struct window_buffer *next = buffer_ahead(window, 1);
	const size_t left = (size_t)(window->offset + window->size - offset);
	size_t got;
	window->ahead--;
	const bool read = disk->read_wait(disk->context, &next->reading, &got, error);
	window->current = (window->current + 1) % (1 + WINDOW_AHEAD);
	if (!read) {
		window_forget(window);
		return false;
	}
	memcpy(next->bytes + FRONT - left, window->bytes + window->size - left, left);
	window->bytes = next->bytes + FRONT - left;
	window->offset = offset;
	window->size = left + got;
	window->ended = got < window->piece;
	if (window->ended) {
		stop_looking_ahead(window);
	} else {
		look_ahead(window);
	}
	return true;
}

/* Reads at least one piece from `offset` on, in one go. */
static bool read_piece(struct window *window, disk_file file, uint64_t offset, size_t size, struct error *error)
{
	struct disk *disk = window->disk;
	struct window_buffer *buffer = &window->buffers[window->current];
	const size_t wanted = size > window->piece ? size : window->piece;
	window_forget(window);
	if (!make_room(buffer, wanted, error) ||
	    !disk->read(disk->context, file, offset, buffer->bytes, wanted, &window->size, error)) {
		window->size = 0;
		return false;
	}
	window->file = file;
	window->offset = offset;
	window->bytes = buffer->bytes;
	window->ended = window->size < wanted;
	return true;
}

/* Does the fetch go on from what there is, and is there more of the file, as far as is known? */
static bool goes_on(const struct window *window, disk_file file, uint64_t offset)
{
	return window->looks_ahead && file == window->file && offset >= window->offset &&
	       offset <= window->offset + window->size && window->offset + window->size - offset <= FRONT &&
	       !window->ended;
}

/* One step towards the wanted bytes. */
static bool move(struct window *window, disk_file file, uint64_t offset, size_t size, struct error *error)
{
	if (window->ahead == 0 && goes_on(window, file, offset)) {
		window->ahead_offset = window->offset + window->size;
		look_ahead(window);
	}
	if (window->ahead > 0 && goes_on(window, file, offset)) {
		return take_next(window, offset, error);
	}
	return read_piece(window, file, offset, size, error);
}

bool window_fetch(struct window *window, disk_file file, uint64_t offset, size_t size, uint8_t **bytes, size_t *got,
		  struct error *error)
{
	if (!holds(window, file, offset, size)) {
		if (!move(window, file, offset, size, error)) {
			return false;
		}
		/* Of what was read ahead, one piece may not be enough. */
		if (!holds(window, file, offset, size) && !window->ended &&
		    !read_piece(window, file, offset, size, error)) {
			return false;
		}
	}
	const size_t skipped = (size_t)(offset - window->offset);
	const size_t there = window->size - skipped;
	*bytes = window->bytes + skipped;
	*got = there < size ? there : size;
	return true;
}
