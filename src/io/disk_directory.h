/*
 * disk_directory: the directory of a disk port, its files by number, and the blocking operations; what disk_posix and
 * disk_ring share. The directory and names are in disk_directory.c, files in disk_file.c, their end in disk_remove.c.
 *
 * Files are opened for direct I/O where the file system has it: then nothing of the log is ever in the page cache,
 * whose pages would slow direct writes down, and a failed flush cannot leave clean pages with lost bytes behind. Where
 * it has not (tmpfs), the same calls go through the page cache, and flushing is as explicit.
 *
 * Threads: the owner's.
 */
#pragma once

#include <io/disk_posix.h>
#include <sys/types.h>

struct directory_file {
	int descriptor; /* negative: this number is free */
	bool direct;
	char name[DISK_NAME_SIZE];
};

/* First member of both ports, so that a port's context is its directory. */
struct directory {
	char *path;
	enum disk_access access;
	int descriptor;
	int lock_descriptor; /* negative until locked */
	struct directory_file *files;
	int file_count; /* numbers given out so far */
};

bool directory_open(struct directory *directory, const char *path, enum disk_access access, struct error *error);
void directory_close(struct directory *directory);
/* Fills in the blocking operations of a port whose context starts with a directory. */
void directory_operations(struct disk *disk);
void directory_file_operations(struct disk *disk);
void directory_reading_operations(struct disk *disk);

/* Up to `size` bytes of an open file, directly or through aligned memory; less at its end, negative with errno. */
ssize_t directory_read(const struct directory_file *file, uint64_t offset, void *bytes, size_t size);
void directory_read_failure(const struct directory *directory, const char *name, uint64_t offset, size_t size,
			    int errno_value, struct error *error);
/* CHECKs that the file is open. */
const struct directory_file *directory_file(const struct directory *directory, disk_file file);

/* Is this a name that list may show and open may take: not hidden, not the lock, not too long? */
bool directory_lists(const char *name);

/* Takes the name away, and frees what was behind it piece by piece (disk_remove.c): takes longer the larger the file is, about
 * 40 ms for a segment of 64 MiB where freed blocks are discarded. */
bool directory_remove(const struct directory *directory, const char *name, struct error *error);

/* What an asynchronous operation is asked to do. */
struct disk_request {
	disk_file file; /* negative: the directory itself */
	int descriptor;
	bool sync;            /* only flush */
	bool durable;         /* write, then flush */
	uint64_t offset;      /* of what is left to write */
	const uint8_t *bytes; /* the same, borrowed */
	size_t left;
};

struct disk_request directory_write_request(const struct directory *directory, disk_file file, uint64_t offset,
					    const void *bytes, size_t size, bool durable);
struct disk_request directory_sync_request(const struct directory *directory, disk_file file);
struct disk_request directory_names_request(const struct directory *directory);
/* Fills in what to tell of a request that failed. */
void directory_failure(const struct directory *directory, const struct disk_request *request, int errno_value,
		       struct error *error);
