/*
 * region: address space first, memory when it is needed. See base/memory.h.
 *
 * The reservation is PROT_NONE: nothing is accounted to the process, and a stray access stops it instead of growing it.
 * Committing makes pages accessible; the kernel fills them with zeros when they are first touched, so committing more
 * than is asked for costs no memory, only saves system calls.
 *
 * From LARGE on, memory is asked for in huge pages: a page fault each 2 MiB instead of each 4 KiB, and records scattered
 * over gigabytes still find their translations. Below it one would cost more than it holds, and in a sparse region one record
 * in it would cost as much.
 */
#include <base/check.h>
#include <base/memory.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

/* A call to mprotect(2) per step; a large one is a huge page. The first row of the table's index is as large. */
#define STEP_SMALL ((size_t)256 << 10)
#define STEP_LARGE ((size_t)2 << 20)
#define LARGE      ((size_t)2 << 20)

static size_t round_up(size_t size, size_t step)
{
	return (size + step - 1) / step * step;
}

/* Address space that starts where a huge page can: more than that is mapped, and what is over given back. */
static void *reserve_aligned(size_t size)
{
	const size_t extra = size >= LARGE ? STEP_LARGE : 0;
	uint8_t *mapped = mmap(NULL, size + extra, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mapped == MAP_FAILED || extra == 0) {
		return mapped;
	}
	const size_t before = round_up((uintptr_t)mapped, STEP_LARGE) - (uintptr_t)mapped;
	CHECK(before == 0 || munmap(mapped, before) == 0);
	CHECK(munmap(mapped + before + size, extra - before) == 0);
	return mapped + before;
}

bool region_reserve(struct region *region, size_t size, struct error *error)
{
	const size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
	if (size == 0 || size > SIZE_MAX / 4) {
		return error_set(error, ERROR_INVALID, "cannot reserve %zu bytes of address space", size);
	}
	const size_t whole = round_up(size, page_size);
	uint8_t *base = reserve_aligned(whole);
	if (base == MAP_FAILED) {
		return error_errno(
		    error, errno,
		    "cannot reserve %zu bytes of address space (a smaller maxmemory needs less; see also "
		    "ulimit -v)",
		    whole);
	}
	*region = (struct region){.base = base, .size = whole, .committed = 0};
	return true;
}

bool region_commit(struct region *region, size_t size)
{
	CHECK(region->base != NULL);
	if (size <= region->committed) {
		return true;
	}
	if (size > region->size) {
		return false;
	}
	const bool large = size >= LARGE;
	const size_t stepped = round_up(size, large ? STEP_LARGE : STEP_SMALL);
	const size_t committed = stepped < region->size ? stepped : region->size;
	uint8_t *const from = region->base + region->committed;
	if (mprotect(from, committed - region->committed, PROT_READ | PROT_WRITE) != 0) {
		return false;
	}
	if (large || region->sparse) {
		/* A kernel that has none gives small ones. */
		(void)madvise(from, committed - region->committed, region->sparse ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
	}
	region->committed = committed;
	return true;
}

void region_release(struct region *region)
{
	if (region->base != NULL) {
		CHECK(munmap(region->base, region->size) == 0);
	}
	*region = (struct region){0};
}
