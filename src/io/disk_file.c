/*
 * disk_file: the files of a directory by number, opened, read, written and flushed (disk_directory.h).
 *
 * See: open(2) on O_DIRECT.
 */
#include "disk_directory.h"

#include <base/check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where a read that is not aligned goes through. Bytes. */
#define BOUNCE_SIZE 65536

/* --------------------------------------------------------------------------------------------------- open and close */

/* A free number, with an entry for it; negative when memory is out or there are DISK_FILES_MAX. */
static disk_file take_number(struct directory *directory)
{
	for (disk_file file = 0; file < directory->file_count; file++) {
		if (directory->files[file].descriptor < 0) {
			return file;
		}
	}
	if (directory->file_count == DISK_FILES_MAX) {
		return -1;
	}
	const size_t count = (size_t)directory->file_count + 1;
	struct directory_file *files = realloc(directory->files, count * sizeof *files);
	if (files == NULL) {
		return -1;
	}
	directory->files = files;
	files[directory->file_count] = (struct directory_file){.descriptor = -1};
	return directory->file_count++;
}

/* Asked of an open file, not of open(2), which would create a file on tmpfs and fail all the same. */
static bool make_direct(int descriptor)
{
	const int flags = fcntl(descriptor, F_GETFL);
	return flags >= 0 && fcntl(descriptor, F_SETFL, flags | O_DIRECT) == 0;
}

static bool port_open(void *context, const char *name, bool create, disk_file *file, struct error *error)
{
	struct directory *directory = context;
	CHECK(directory_lists(name));
	CHECK(strchr(name, '/') == NULL);
	const disk_file number = take_number(directory);
	if (number < 0) {
		return error_set(error, ERROR_NO_MEMORY, "cannot open '%s/%s': too many files", directory->path, name);
	}

	const int access = directory->access == DISK_READ_ONLY ? O_RDONLY : O_RDWR;
	const int flags = access | (create ? O_CREAT | O_EXCL : 0) | O_NOFOLLOW | O_CLOEXEC;
	const int descriptor = openat(directory->descriptor, name, flags, 0600);
	if (descriptor < 0) {
		return error_errno(error, errno, "cannot %s '%s/%s'", create ? "create" : "open", directory->path,
				   name);
	}
	struct directory_file *entry = &directory->files[number];
	entry->descriptor = descriptor;
	entry->direct = make_direct(descriptor);
	snprintf(entry->name, sizeof entry->name, "%s", name);
	*file = number;
	return true;
}

static struct directory_file *file_at(const struct directory *directory, disk_file file)
{
	CHECK(file >= 0);
	CHECK(file < directory->file_count);
	CHECK(directory->files[file].descriptor >= 0);
	return &directory->files[file];
}

const struct directory_file *directory_file(const struct directory *directory, disk_file file)
{
	return file_at(directory, file);
}

static void port_close(void *context, disk_file file)
{
	struct directory_file *entry = file_at(context, file);
	close(entry->descriptor);
	entry->descriptor = -1;
}

/* --------------------------------------------------------------------------------------------------- read and write */

static bool is_aligned(uint64_t offset, const void *bytes, size_t size)
{
	return offset % DISK_ALIGN == 0 && (uintptr_t)bytes % DISK_ALIGN == 0 && size % DISK_ALIGN == 0;
}

/* Reads until `size` or the end of the file, where a direct read stops unaligned. Returns how much, or -1. */
static ssize_t read_fully(const struct directory_file *file, uint64_t offset, uint8_t *bytes, size_t size)
{
	size_t got = 0;
	while (got < size) {
		const ssize_t result = pread(file->descriptor, bytes + got, size - got, (off_t)(offset + got));
		if (result < 0 && errno == EINTR) {
			continue;
		}
		if (result < 0) {
			return -1;
		}
		got += (size_t)result;
		if (result == 0 || (file->direct && got % DISK_ALIGN != 0)) {
			break;
		}
	}
	return (ssize_t)got;
}

/* As read_fully, for what direct reads do not take: through aligned memory, and copied. */
static ssize_t read_bounced(const struct directory_file *file, uint64_t offset, uint8_t *bytes, size_t size)
{
	uint8_t *bounce = aligned_alloc(DISK_ALIGN, BOUNCE_SIZE);
	if (bounce == NULL) {
		errno = ENOMEM;
		return -1;
	}
	size_t got = 0;
	while (got < size) {
		const size_t skip = (offset + got) % DISK_ALIGN;
		const ssize_t result = read_fully(file, offset + got - skip, bounce, BOUNCE_SIZE);
		if (result < 0) {
			free(bounce);
			return -1;
		}
		const size_t usable = (size_t)result > skip ? (size_t)result - skip : 0;
		const size_t wanted = usable < size - got ? usable : size - got;
		memcpy(bytes + got, bounce + skip, wanted);
		got += wanted;
		if (result < BOUNCE_SIZE) {
			break;
		}
	}
	free(bounce);
	return (ssize_t)got;
}

ssize_t directory_read(const struct directory_file *file, uint64_t offset, void *bytes, size_t size)
{
	const bool bounce = file->direct && !is_aligned(offset, bytes, size);
	return bounce ? read_bounced(file, offset, bytes, size) : read_fully(file, offset, bytes, size);
}

void directory_read_failure(const struct directory *directory, const char *name, uint64_t offset, size_t size,
			    int errno_value, struct error *error)
{
	error_errno(error, errno_value, "cannot read %zu bytes at offset %llu of '%s/%s'", size,
		    (unsigned long long)offset, directory->path, name);
}

static bool port_read(void *context, disk_file file, uint64_t offset, void *bytes, size_t size, size_t *got,
		      struct error *error)
{
	const struct directory *directory = context;
	const struct directory_file *entry = file_at(directory, file);
	const ssize_t result = directory_read(entry, offset, bytes, size);
	if (result < 0) {
		directory_read_failure(directory, entry->name, offset, size, errno, error);
		return false;
	}
	*got = (size_t)result;
	return true;
}

static bool port_write_now(void *context, disk_file file, uint64_t offset, const void *bytes, size_t size,
			   struct error *error)
{
	const struct directory *directory = context;
	struct disk_request request = directory_write_request(directory, file, offset, bytes, size, false);
	while (request.left > 0) {
		const ssize_t result = pwrite(request.descriptor, request.bytes, request.left, (off_t)request.offset);
		if (result <= 0) {
			directory_failure(directory, &request, result < 0 ? errno : EIO, error);
			return false;
		}
		request.offset += (uint64_t)result;
		request.bytes += result;
		request.left -= (size_t)result;
	}
	return true;
}

static bool port_sync_now(void *context, disk_file file, struct error *error)
{
	const struct directory *directory = context;
	const struct disk_request request = directory_sync_request(directory, file);
	if (fdatasync(request.descriptor) == 0) {
		return true;
	}
	directory_failure(directory, &request, errno, error);
	return false;
}

void directory_file_operations(struct disk *disk)
{
	disk->open = port_open;
	disk->close = port_close;
	disk->read = port_read;
	disk->write_now = port_write_now;
	disk->sync_now = port_sync_now;
	directory_reading_operations(disk);
}

/* ---------------------------------------------------------------------------------------------- what both ports ask */

struct disk_request directory_write_request(const struct directory *directory, disk_file file, uint64_t offset,
					    const void *bytes, size_t size, bool durable)
{
	CHECK(is_aligned(offset, bytes, size));
	CHECK(size > 0);
	return (struct disk_request){
	    .file = file,
	    .descriptor = file_at(directory, file)->descriptor,
	    .durable = durable,
	    .offset = offset,
	    .bytes = bytes,
	    .left = size,
	};
}

struct disk_request directory_sync_request(const struct directory *directory, disk_file file)
{
	return (struct disk_request){
	    .file = file,
	    .descriptor = file_at(directory, file)->descriptor,
	    .sync = true,
	};
}

struct disk_request directory_names_request(const struct directory *directory)
{
	return (struct disk_request){.file = -1, .descriptor = directory->descriptor, .sync = true};
}

void directory_failure(const struct directory *directory, const struct disk_request *request, int errno_value,
		       struct error *error)
{
	if (request->file < 0) {
		error_errno(error, errno_value, "cannot flush '%s'", directory->path);
		return;
	}
	const char *name = file_at(directory, request->file)->name;
	if (request->left == 0) {
		error_errno(error, errno_value, "cannot flush '%s/%s'", directory->path, name);
	} else {
		error_errno(error, errno_value, "cannot write %zu bytes at offset %llu of '%s/%s'", request->left,
			    (unsigned long long)request->offset, directory->path, name);
	}
}
