/*
 * recorder: a disk that keeps what was written and flushed, in order.
 *
 * usage: recorder RECORDING SIZE FILE
 *
 * FILE, which exists, becomes the disk, of SIZE bytes that are all zero, until it is unmounted (fusermount3 -u FILE); losetup
 * makes a block device of it. RECORDING is made anew (block/recording.h).
 *
 * It is a file system of one file that is its own root. One request at a time, so that the order is the order. Nothing is
 * cached in front of it: a write of the block device is answered when it is in the recording.
 *
 * See: fuse(4), https://libfuse.github.io/doxygen/
 */
#define FUSE_USE_VERSION 31

#include <block/recording.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
	uint8_t *bytes; /* what the disk reads as now */
	uint64_t size;
	int file; /* the recording */
	off_t end;
	struct recording *head; /* its first page */
} disk;

/* Answers 0 or -errno. */
static int record(struct recording_entry entry, const void *bytes)
{
	const size_t size = bytes != NULL ? entry.size : 0;
	if (pwrite(disk.file, &entry, sizeof entry, disk.end) != (ssize_t)sizeof entry ||
	    pwrite(disk.file, bytes, size, disk.end + (off_t)sizeof entry) != (ssize_t)size) {
		return -EIO;
	}
	disk.end += (off_t)(sizeof entry + size);
	atomic_fetch_add_explicit(&disk.head->count, 1, memory_order_release); /* pairs with journal_note */
	return 0;
}

static bool all_zero(const char *bytes, size_t size)
{
	return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

static int disk_getattr(const char *path, struct stat *stat, struct fuse_file_info *file)
{
	(void)path, (void)file;
	*stat = (struct stat){.st_mode = S_IFREG | 0600, .st_nlink = 1, .st_size = (off_t)disk.size};
	return 0;
}

static int disk_open(const char *path, struct fuse_file_info *file)
{
	(void)path;
	file->direct_io = 1;
	return 0;
}

static int disk_read(const char *path, char *bytes, size_t size, off_t offset, struct fuse_file_info *file)
{
	(void)path, (void)file;
	if (offset < 0 || (uint64_t)offset >= disk.size) {
		return 0;
	}
	const size_t left = disk.size - (uint64_t)offset;
	const size_t count = size < left ? size : left;
	memcpy(bytes, disk.bytes + offset, count);
	return (int)count;
}

static int disk_write(const char *path, const char *bytes, size_t size, off_t offset, struct fuse_file_info *file)
{
	(void)path, (void)file;
	if (offset < 0 || (uint64_t)offset > disk.size || size > disk.size - (uint64_t)offset) {
		return -ENOSPC;
	}
	const bool zeros = all_zero(bytes, size);
	const int refused = record((struct recording_entry){.offset = (uint64_t)offset,
							    .size = (uint32_t)size,
							    .kind = zeros ? RECORDING_ZEROS : RECORDING_WRITE},
				   zeros ? NULL : bytes);
	if (refused != 0) {
		return refused;
	}
	memcpy(disk.bytes + offset, bytes, size);
	return (int)size;
}

static int disk_fsync(const char *path, int data_only, struct fuse_file_info *file)
{
	(void)path, (void)data_only, (void)file;
	return record((struct recording_entry){.kind = RECORDING_FLUSH}, NULL);
}

/* Memory that costs what is written to it. */
static void *map(size_t size, int flags, int file)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, file, 0);
	return at != MAP_FAILED ? at : NULL;
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: recorder RECORDING SIZE FILE\n");
		return 2;
	}
	disk.size = strtoull(argv[2], NULL, 10);
	disk.end = RECORDING_ENTRIES_AT;
	disk.file = open(argv[1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (disk.file < 0 || ftruncate(disk.file, RECORDING_ENTRIES_AT) != 0) {
		perror(argv[1]);
		return 1;
	}
	disk.head = map(RECORDING_ENTRIES_AT, MAP_SHARED, disk.file);
	disk.bytes = map(disk.size, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
	if (disk.head == NULL || disk.bytes == NULL) {
		perror("mmap");
		return 1;
	}
	disk.head->size = disk.size;
	static const struct fuse_operations operations = {
	    .getattr = disk_getattr,
	    .open = disk_open,
	    .read = disk_read,
	    .write = disk_write,
	    .fsync = disk_fsync,
	};
	char *words[] = {argv[0], argv[3], (char[]){"-f"}, (char[]){"-s"}, NULL};
	return fuse_main(4, words, &operations, NULL);
}
