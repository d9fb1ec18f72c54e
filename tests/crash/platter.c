/*
 * platter: see platter.h. The disk as of the last flush is kept in memory; the writes in doubt go into the file alone.
 */
#include "platter.h"
#include <base/check.h>
#include <base/hash.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void *map(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return at != MAP_FAILED ? at : NULL;
}

bool platter_init(struct platter *platter, const char *path, size_t size)
{
	*platter = (struct platter){.size = size};
	const int file = open(path, O_RDONLY | O_CLOEXEC);
	struct stat stat;
	if (file < 0 || fstat(file, &stat) != 0) {
		return false;
	}
	/* Stays mapped until the program ends. */
	const uint8_t *at = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_SHARED, file, 0);
	close(file);
	if (at == MAP_FAILED) {
		return false;
	}
	platter->entries = platter->next = at + RECORDING_ENTRIES_AT;
	platter->bytes = map(size);
	platter->used = calloc(size / PLATTER_BLOCK_SIZE, sizeof *platter->used);
	return platter->bytes != NULL && platter->used != NULL;
}

void platter_fini(struct platter *platter)
{
	if (platter->bytes != NULL) {
		munmap(platter->bytes, platter->size);
	}
	free(platter->used);
}

/* An entry, its bytes (NULL: zeros), and where the next one is. */
struct entry_view {
	struct recording_entry entry;
	const uint8_t *bytes;
	const uint8_t *next;
};

static struct entry_view look(const uint8_t *at)
{
	struct entry_view view;
	memcpy(&view.entry, at, sizeof view.entry);
	at += sizeof view.entry;
	view.bytes = view.entry.kind == RECORDING_WRITE ? at : NULL;
	view.next = view.bytes != NULL ? at + view.entry.size : at;
	return view;
}

uint64_t platter_flushed(const struct platter *platter, uint64_t position)
{
	uint64_t flushed = 0;
	const uint8_t *at = platter->entries;
	for (uint64_t i = 0; i < position; i++) {
		const struct entry_view view = look(at);
		flushed = view.entry.kind == RECORDING_FLUSH ? i + 1 : flushed;
		at = view.next;
	}
	return flushed;
}

/* Everything up to there is on the disk. */
static void apply(struct platter *platter, uint64_t position)
{
	for (; platter->position < position; platter->position++) {
		const struct entry_view view = look(platter->next);
		platter->next = view.next;
		if (view.entry.kind == RECORDING_FLUSH) {
			continue;
		}
		CHECK(view.entry.offset + view.entry.size <= platter->size);
		if (view.bytes != NULL) {
			memcpy(platter->bytes + view.entry.offset, view.bytes, view.entry.size);
		} else {
			memset(platter->bytes + view.entry.offset, 0, view.entry.size);
		}
		for (uint64_t at = view.entry.offset; view.bytes != NULL && at < view.entry.offset + view.entry.size;
		     at += PLATTER_SECTOR_SIZE) {
			platter->used[at / PLATTER_BLOCK_SIZE] = true;
		}
	}
}

static bool write_at(int file, const void *bytes, size_t size, uint64_t offset)
{
	return pwrite(file, bytes, size, (off_t)offset) == (ssize_t)size;
}

/* What is certain; holes are zeros. */
static bool write_platter(const struct platter *platter, int file)
{
	for (size_t block = 0; block < platter->size / PLATTER_BLOCK_SIZE; block++) {
		const uint64_t at = block * PLATTER_BLOCK_SIZE;
		if (platter->used[block] && !write_at(file, platter->bytes + at, PLATTER_BLOCK_SIZE, at)) {
			return false;
		}
	}
	return true;
}

/* A write that was in doubt: whole, or, torn, a random half of its sectors. */
static bool write_entry(const struct entry_view *view, int file, bool torn, uint64_t seed)
{
	static const uint8_t zeros[PLATTER_SECTOR_SIZE];
	for (uint32_t at = 0; at < view->entry.size; at += PLATTER_SECTOR_SIZE) {
		const uint8_t *bytes = view->bytes != NULL ? view->bytes + at : zeros;
		if ((!torn || hash_u64(at, seed) % 2 == 0) &&
		    !write_at(file, bytes, PLATTER_SECTOR_SIZE, view->entry.offset + at)) {
			return false;
		}
	}
	return true;
}

/* The writes behind the last flush: which of them are there follows from the seed. */
static bool write_doubtful(const struct platter *platter, const struct cut *cut, int file)
{
	const uint8_t *at = platter->next;
	for (uint64_t position = platter->position; position < cut->position; position++) {
		const struct entry_view view = look(at);
		const uint64_t dice = hash_u64(position, cut->seed);
		const bool last = position + 1 == cut->position;
		const bool torn = cut->way == CUT_TORN && last;
		if ((cut->way == CUT_ALL || torn || dice % 2 == 0) && !write_entry(&view, file, torn, dice)) {
			return false;
		}
		at = view.next;
	}
	return true;
}

bool platter_write(struct platter *platter, const struct cut *cut, const char *path)
{
	apply(platter, platter_flushed(platter, cut->position));
	const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (file < 0) {
		return false;
	}
	const bool ok = ftruncate(file, (off_t)platter->size) == 0 && write_platter(platter, file) &&
			write_doubtful(platter, cut, file);
	return close(file) == 0 && ok;
}
