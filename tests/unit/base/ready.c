/*
 * Proves: what is asked for gets its pages without anybody using it, and keeps its bytes, also those that are written
 * meanwhile; a region that is used in order, and an index that is about to grow, ask before they need it; what is unmapped
 * is not touched; without the thread, and when more is asked for than can wait, nothing happens.
 * Only a start asks for huge pages; what is added while somebody is served is never made of them.
 * Method: mincore(2) says which pages are there, /proc/self/smaps which ones may be made huge.
 */
#include <base/index.h>
#include <base/ready.h>
#include <criterion/criterion.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define MIB  ((size_t)1 << 20)
#define PAGE ((size_t)4096)

static bool is_there(uint8_t *at)
{
	unsigned char there;
	cr_assert_eq(mincore((void *)((uintptr_t)at & ~(PAGE - 1)), PAGE, &there), 0);
	return there & 1;
}

static void wait_for(uint8_t *at)
{
	while (!is_there(at)) {
		sched_yield();
	}
}

/* Has the mapping around it this flag of smaps: "hg", huge pages; "nh", none? */
static bool has_flag(const uint8_t *at, const char *flag)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	char line[512];
	bool inside = false;
	bool found = false;
	cr_assert_not_null(file);
	while (fgets(line, sizeof line, file) != NULL) {
		uintptr_t from;
		uintptr_t to;
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
			inside = from <= (uintptr_t)at && (uintptr_t)at < to;
		} else if (inside && strncmp(line, "VmFlags:", 8) == 0) {
			found = strstr(line, flag) != NULL;
		}
	}
	fclose(file);
	return found;
}

static struct region new_region(size_t size)
{
	struct region region;
	struct error error;
	cr_assert(region_reserve(&region, size, &error), "%s", error.text);
	return region;
}

static void start(void)
{
	struct error error;
	cr_assert(ready_start(&error), "%s", error.text);
}

TestSuite(ready, .timeout = 300);

Test(ready, touches_what_is_asked_for_and_keeps_it)
{
	struct region region = new_region(8 * MIB);
	region.unready = true;
	cr_assert(region_commit(&region, 8 * MIB));
	start();
	region.base[4 * MIB] = 7;
	ready_ask(region.base, 8 * MIB);
	for (size_t i = 0; i < 1000; i++) {
		region.base[5 * MIB + i * PAGE / 2] = (uint8_t)i;
	}
	for (size_t at = 0; at < 8 * MIB; at += PAGE) {
		wait_for(region.base + at);
	}
	ready_stop();
	cr_assert_eq(region.base[4 * MIB], 7);
	for (size_t i = 0; i < 1000; i++) {
		cr_assert_eq(region.base[5 * MIB + i * PAGE / 2], (uint8_t)i);
	}
	region_release(&region);
}

Test(ready, is_no_more_than_a_favour)
{
	struct region region = new_region((READY_QUEUE + 8) * MIB);
	region.unready = true;
	cr_assert(region_commit(&region, region.size));
	ready_stop();
	for (size_t i = 0; i < READY_QUEUE + 8; i++) {
		ready_ask(region.base + i * MIB, MIB);
	}
	cr_assert_not(is_there(region.base));
	start();
	for (size_t i = 0; i < READY_QUEUE + 8; i++) {
		ready_ask(region.base + i * MIB, MIB);
	}
	ready_stop();
	ready_ask(region.base, MIB);
	region_release(&region);
}

Test(ready, what_is_unmapped_is_forgotten)
{
	start();
	for (int i = 0; i < 200; i++) {
		struct region region = new_region(16 * MIB);
		region.unready = true;
		cr_assert(region_commit(&region, region.size));
		for (size_t at = 0; at < 16; at++) {
			ready_ask(region.base + at * MIB, MIB);
		}
		region_release(&region);
	}
	ready_stop();
}

Test(ready, a_region_asks_before_it_needs_a_huge_page)
{
	struct region region = new_region(64 * MIB);
	start();
	cr_assert(region_commit(&region, 2 * MIB - REGION_AHEAD - 1));
	cr_assert_lt(region.committed, 2 * MIB);
	cr_assert(region_commit(&region, 2 * MIB - REGION_AHEAD + 1));
	wait_for(region.base + 4 * MIB - 1);
	cr_assert_eq(region.committed, 4 * MIB);
	cr_assert(region_commit(&region, 64 * MIB - 1));
	wait_for(region.base + 64 * MIB - 1);
	cr_assert_not(region_commit(&region, 64 * MIB + 1));
	ready_stop();
	region_release(&region);
}

Test(ready, only_a_start_asks_for_huge_pages)
{
	struct region started = new_region(64 * MIB);
	cr_assert(region_commit(&started, 8 * MIB));
	if (!has_flag(started.base, " hg")) {
		cr_skip_test("this kernel has no huge pages");
	}
	start();
	struct region serving = new_region(64 * MIB);
	for (size_t used = MIB; used <= 8 * MIB; used += MIB) {
		cr_assert(region_commit(&serving, used));
	}
	cr_assert(has_flag(serving.base + 2 * MIB, " nh"));
	cr_assert(has_flag(serving.base + serving.committed - 1, " nh"));
	/* What a start left goes on, and keeps its pages. */
	cr_assert(region_commit(&started, 16 * MIB));
	cr_assert(has_flag(started.base, " hg"));
	cr_assert(has_flag(started.base + started.committed - 1, " nh"));
	ready_stop();
	region_release(&started);
	region_release(&serving);
}

static bool never(const void *context, uint32_t number, const void *key)
{
	(void)context;
	(void)number;
	(void)key;
	return false;
}

Test(ready, an_index_asks_before_it_grows)
{
	const uint32_t stripes = 512;
	struct index index;
	struct error error;
	cr_assert(index_init(&index, 1000000, stripes, never, NULL, &error), "%s", error.text);
	start();
	/* The first rows are a huge page. */
	const size_t rows = index.rows;
	cr_assert_eq(rows * index.row_lines * sizeof(struct index_line), 2 * MIB);
	cr_assert_not(is_there(index.region.base + 2 * MIB));
	uint32_t count = 0;
	while (index.rows == rows) {
		count++;
		index_insert(&index, (uint64_t)(count * 9u) << 55 | (uint64_t)count << 33 | 3, &count, count);
	}
	/* Of all rows, which are not full. */
	cr_assert_eq(index.stripes[3].line_count, rows * index.row_lines / stripes);
	cr_assert_lt(count, index.stripes[3].line_count * 9);
	wait_for(index.region.base + 4 * MIB - 1);
	ready_stop();
	index_fini(&index);
}
