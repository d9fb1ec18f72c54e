/*
 * Proves: a file that is removed is freed piece by piece if nobody else has it; under another name, or while it is open
 * elsewhere, it stays whole; what is not there, or is no file, is refused with its name.
 * Method: examples on the file system of /tmp; the pieces are counted in front of ftruncate(2).
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <io/disk_posix.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MIB ((off_t)1 << 20)

static uint32_t pieces;

int ftruncate(int descriptor, off_t size)
{
	pieces++;
	return (int)syscall(SYS_ftruncate, descriptor, size);
}

static char path[64];
static struct disk disk;

static void open_scratch(void)
{
	struct error error;
	snprintf(path, sizeof path, "/tmp/slotd-remove-XXXXXX");
	cr_assert(mkdtemp(path) != NULL);
	cr_assert(disk_posix_open(&disk, path, DISK_READ_WRITE, &error), "%s", error.text);
}

static void remove_scratch(void)
{
	char command[128];
	disk_posix_close(&disk);
	snprintf(command, sizeof command, "rm -rf '%s'", path);
	cr_assert(system(command) == 0);
}

/* A file of so many bytes, all 'x'; the descriptor is the caller's. */
static int make(const char *name, off_t size)
{
	char whole[128];
	char bytes[4096];
	snprintf(whole, sizeof whole, "%s/%s", path, name);
	const int descriptor = open(whole, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	cr_assert_geq(descriptor, 0);
	memset(bytes, 'x', sizeof bytes);
	for (off_t at = 0; at < size; at += (off_t)sizeof bytes) {
		cr_assert_eq(write(descriptor, bytes, sizeof bytes), sizeof bytes);
	}
	return descriptor;
}

static void check_whole(int descriptor, off_t size)
{
	char bytes[4096];
	off_t at = 0;
	while (pread(descriptor, bytes, sizeof bytes, at) == (ssize_t)sizeof bytes) {
		cr_assert_eq(bytes[0], 'x');
		at += (off_t)sizeof bytes;
	}
	cr_assert_eq(at, size);
}

static void remove_it(const char *name)
{
	struct error error;
	pieces = 0;
	cr_assert(disk.remove(disk.context, name, &error), "%s", error.text);
}

TestSuite(disk_remove, .init = open_scratch, .fini = remove_scratch);

Test(disk_remove, frees_in_pieces_what_is_nobody_elses)
{
	close(make("a", 3 * MIB + 4096));
	remove_it("a");
	cr_assert_eq(pieces, 3);
	close(make("a", 4096));
	remove_it("a");
	cr_assert_eq(pieces, 0);
}

Test(disk_remove, leaves_whole_what_is_open_elsewhere)
{
	const int copying = make("a", 3 * MIB);
	remove_it("a");
	cr_assert_eq(pieces, 0);
	check_whole(copying, 3 * MIB);
	close(copying);
}

Test(disk_remove, leaves_whole_what_has_another_name)
{
	char from[128];
	char to[128];
	close(make("a", 3 * MIB));
	snprintf(from, sizeof from, "%s/a", path);
	snprintf(to, sizeof to, "%s/backup", path);
	cr_assert_eq(link(from, to), 0);
	remove_it("a");
	cr_assert_eq(pieces, 0);
	const int backup = open(to, O_RDONLY | O_CLOEXEC);
	check_whole(backup, 3 * MIB);
	close(backup);
}

Test(disk_remove, refuses_what_is_no_file)
{
	struct error error;
	cr_assert_not(disk.remove(disk.context, "a", &error));
	cr_assert(strstr(error.text, "/a'") != NULL, "%s", error.text);
	char directory[128];
	snprintf(directory, sizeof directory, "%s/d", path);
	cr_assert_eq(mkdir(directory, 0700), 0);
	cr_assert_not(disk.remove(disk.context, "d", &error));
}
