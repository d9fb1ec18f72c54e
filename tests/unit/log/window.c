/*
 * Proves: what a window shows is what the file has, wherever it is looked at, and it says how much is missing at the end; one
 * that looks ahead shows the same, and leaves nothing behind when it is forgotten or given up in the middle. Method: a real
 * directory with a file whose bytes follow from their offset; fetches forward in odd sizes, back, over the end.
 */
#include <criterion/criterion.h>
#include <io/disk_posix.h>
#include <log/window.h>
#include <model/random.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FILE_SIZE (UINT64_C(11) << 20)

static char directory[] = "/tmp/slotd-window-XXXXXX";
static struct disk disk;
static disk_file file;
static uint8_t *contents;

static void set_up(void)
{
	struct error error = {0};
	uint64_t random = 5;
	cr_assert_not_null(mkdtemp(directory));
	cr_assert(disk_posix_open(&disk, directory, DISK_READ_WRITE, &error), "%s", error.text);
	contents = aligned_alloc(DISK_ALIGN, FILE_SIZE);
	for (uint64_t i = 0; i < FILE_SIZE; i += sizeof random) {
		const uint32_t value = random_below(&random, UINT32_MAX);
		memcpy(contents + i, &value, sizeof value);
		memcpy(contents + i + sizeof value, &i, sizeof value);
	}
	cr_assert(disk.open(disk.context, "file", true, &file, &error), "%s", error.text);
	cr_assert(disk.write_now(disk.context, file, 0, contents, FILE_SIZE, &error), "%s", error.text);
}

static void tear_down(void)
{
	disk.remove(disk.context, "file", NULL);
	disk_posix_close(&disk);
	rmdir(directory);
	free(contents);
}

TestSuite(window, .init = set_up, .fini = tear_down);

static void see(struct window *window, uint64_t offset, size_t size)
{
	struct error error = {0};
	uint8_t *bytes;
	size_t got;
	cr_assert(window_fetch(window, file, offset, size, &bytes, &got, &error), "%s", error.text);
	const uint64_t there = offset < FILE_SIZE ? FILE_SIZE - offset : 0;
	cr_assert_eq(got, there < size ? there : size, "%zu at %llu", size, (unsigned long long)offset);
	cr_assert(got == 0 || memcmp(bytes, contents + offset, got) == 0, "%zu at %llu", size,
		  (unsigned long long)offset);
}

/* A block at a time, its head first, as whoever reads a log. */
static void walk(struct window *window, uint64_t *random, uint64_t until, uint32_t pages)
{
	for (uint64_t offset = 0; offset < until;) {
		const size_t size = DISK_ALIGN * (size_t)(1 + random_below(random, pages));
		see(window, offset, DISK_ALIGN);
		see(window, offset, size);
		offset += size;
	}
}

static void look_around(bool ahead)
{
	static const uint64_t sizes[] = {UINT32_MAX, 3 * DISK_ALIGN, DISK_ALIGN};
	uint64_t random = 7;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct window window;
		window_init(&window, &disk, sizes[i]);
		if (ahead) {
			window_look_ahead(&window);
		}
		walk(&window, &random, FILE_SIZE, 64);
		see(&window, FILE_SIZE, DISK_ALIGN);
		see(&window, FILE_SIZE - DISK_ALIGN, 2 * DISK_ALIGN);
		/* Larger than a piece, and than what may be left of one. */
		walk(&window, &random, FILE_SIZE, 700);
		/* Forgotten on the way, and somewhere else. */
		walk(&window, &random, FILE_SIZE / 3, 64);
		window_forget(&window);
		walk(&window, &random, FILE_SIZE / 2, 64);
		see(&window, DISK_ALIGN, DISK_ALIGN);
		for (int looks = 0; looks < 50; looks++) {
			see(&window, DISK_ALIGN * (uint64_t)random_below(&random, FILE_SIZE / DISK_ALIGN + 2),
			    DISK_ALIGN * (size_t)(1 + random_below(&random, 40)));
		}
		walk(&window, &random, FILE_SIZE / 2, 64);
		window_fini(&window);
	}
}

Test(window, shows_the_file)
{
	look_around(false);
}

Test(window, looking_ahead_shows_the_same)
{
	look_around(true);
}

Test(window, sees_what_was_written_since_once_it_has_forgotten)
{
	struct error error = {0};
	struct window window;
	window_init(&window, &disk, UINT32_MAX);
	window_look_ahead(&window);
	uint64_t random = 9;
	walk(&window, &random, FILE_SIZE / 2, 64);
	memset(contents, 1, FILE_SIZE);
	cr_assert(disk.write_now(disk.context, file, 0, contents, FILE_SIZE, &error), "%s", error.text);
	window_forget(&window);
	walk(&window, &random, FILE_SIZE, 64);
	window_fini(&window);
}

Test(window, a_read_that_fails_is_said)
{
	struct error error = {0};
	struct window window;
	uint8_t *bytes;
	size_t got;
	window_init(&window, &disk, UINT32_MAX);
	window_look_ahead(&window);
	/* Negative once it is an off_t. */
	cr_assert_not(window_fetch(&window, file, UINT64_MAX - DISK_ALIGN + 1, DISK_ALIGN, &bytes, &got, &error));
	see(&window, 0, DISK_ALIGN);
	window_fini(&window);
}
