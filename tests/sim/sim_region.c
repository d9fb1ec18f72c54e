/*
 * sim_region: see sim_region.h. The linker takes region_reserve and its sisters from here, because the program asks this
 * file for sim_region_use before it looks into libbase.
 */
#include <sim/sim_region.h>

#include <base/check.h>
#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE    ((size_t)4096)
#define SHELVES 64
#define KEEP    (1 << 30) /* bytes of malloc: more than a simulation has */

struct shelf {
	uint8_t *base;
	size_t size;
	size_t accessible; /* by any life so far */
	bool taken;
};

static struct shelf shelves[SHELVES];

static size_t whole_pages(size_t size)
{
	return (size + PAGE - 1) / PAGE * PAGE;
}

void sim_region_use(void)
{
	mallopt(M_MMAP_THRESHOLD, KEEP);
	mallopt(M_TRIM_THRESHOLD, KEEP);
}

static struct shelf *shelf_of(const struct region *region)
{
	for (struct shelf *shelf = shelves; shelf < shelves + SHELVES; shelf++) {
		if (shelf->base == region->base) {
			return shelf;
		}
	}
	WRONG("a region comes from a shelf");
}

bool region_reserve(struct region *region, size_t size, struct error *error)
{
	const size_t whole = whole_pages(size);
	struct shelf *shelf = shelves;
	while (shelf < shelves + SHELVES && shelf->base != NULL && (shelf->taken || shelf->size != whole)) {
		shelf++;
	}
	CHECK(shelf < shelves + SHELVES);
	if (shelf->base == NULL) {
		void *base = mmap(NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (base == MAP_FAILED) {
			return error_errno(error, errno, "cannot reserve %zu bytes of address space", whole);
		}
		*shelf = (struct shelf){.base = base, .size = whole};
	}
	shelf->taken = true;
	*region = (struct region){.base = shelf->base, .size = whole};
	return true;
}

bool region_commit(struct region *region, size_t size)
{
	const size_t whole = whole_pages(size);
	if (size <= region->committed) {
		return true;
	}
	if (whole > region->size) {
		return false;
	}
	struct shelf *shelf = shelf_of(region);
	if (whole > shelf->accessible) {
		if (mprotect(shelf->base + shelf->accessible, whole - shelf->accessible, PROT_READ | PROT_WRITE) != 0) {
			return false;
		}
		shelf->accessible = whole;
	}
	region->committed = whole;
	return true;
}

void region_release(struct region *region)
{
	if (region->base != NULL) {
		struct shelf *shelf = shelf_of(region);
		CHECK(shelf->taken);
		memset(shelf->base, 0, shelf->accessible);
		shelf->taken = false;
	}
	*region = (struct region){0};
}
