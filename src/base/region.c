/*
 * region: address space first, memory when it is needed. See base/memory.h.
 *
 * The reservation is PROT_NONE: nothing is accounted to the process, and a stray access stops it instead of growing it.
 * Committing makes pages accessible; the kernel fills them with zeros when they are first touched, so committing more
 * than is asked for costs no memory, only saves system calls.
 *
 * From LARGE on, memory is to be in huge pages: records scattered over gigabytes still find their translations. Below it
 * one would cost more than it holds, and in a sparse region one record in it would cost as much. A server that starts
 * asks for them: a page fault each 2 MiB instead of each 4 KiB. One that serves does not, since the kernel and its host
 * may take 5 to 20 ms to find one; it grows by small ones, which the kernel may not make into huge ones either: while it
 * does, nobody gets at them. The first to touch a page would wait for it, so the next 2 MiB are touched by somebody else
 * (base/ready.h) when three quarters of these are used.
 */
#include <base/check.h>
#include <base/memory.h>
#include <base/ready.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

/* A call to mprotect(2) per step; a large one is a huge page. The first rows of the table's index are as large. */
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

static bool is_made_ready(const struct region *region)
{
	return !region->sparse && !region->unready;
}

/* How far a region should be committed for `size` bytes of it to be used. */
static size_t ahead_of(const struct region *region, size_t size)
{
	const size_t ahead = size + REGION_AHEAD;
	if (!is_made_ready(region) || ahead < LARGE) {
		return size;
	}
	return ahead < region->size || size > region->size ? ahead : region->size;
}

/* Which pages the `added` bytes from `committed` on are made of. A kernel without huge ones refuses, and gives small ones. */
static void choose_pages(const struct region *region, size_t added)
{
	(void)madvise(region->base + region->committed, added,
		      ready_runs() || region->sparse ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
}

bool region_commit(struct region *region, size_t size)
{
	CHECK(region->base != NULL);
	const size_t wanted = ahead_of(region, size);
	if (wanted <= region->committed) {
		return true;
	}
	if (size > region->size) {
		return false;
	}
	const bool large = wanted >= LARGE;
	const size_t stepped = round_up(wanted, large ? STEP_LARGE : STEP_SMALL);
	const size_t committed = stepped < region->size ? stepped : region->size;
	uint8_t *const from = region->base + region->committed;
	const size_t added = committed - region->committed;
	if (mprotect(from, added, PROT_READ | PROT_WRITE) != 0) {
		return false;
	}
	if (large || region->sparse) {
		choose_pages(region, added);
	}
	region->committed = committed;
	if (large && is_made_ready(region)) {
		ready_ask(from, added);
	}
	return true;
}

void region_release(struct region *region)
{
	if (region->base != NULL) {
		ready_forget(region->base, region->size);
		CHECK(munmap(region->base, region->size) == 0);
	}
	*region = (struct region){0};
}
