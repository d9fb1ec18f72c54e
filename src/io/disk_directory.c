/*
 * disk_directory: a directory, its lock, and its files by name (disk_directory.h).
 *
 * See: fcntl(2) on F_OFD_SETLK.
 */
#include "disk_directory.h"

#include <base/check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCK_NAME "lock"

/* ---------------------------------------------------------------------------------------------------- the directory */

/* Makes the name of a new directory durable in its parent. */
static bool sync_parent(const char *path)
{
	char parent[PATH_MAX];
	const char *slash = strrchr(path, '/');
	if (slash == NULL) {
		snprintf(parent, sizeof parent, ".");
	} else {
		snprintf(parent, sizeof parent, "%.*s", slash == path ? 1 : (int)(slash - path), path);
	}
	const int descriptor = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (descriptor < 0) {
		return false;
	}
	const int result = fsync(descriptor);
	const int saved_errno = errno;
	close(descriptor);
	errno = saved_errno;
	return result == 0;
}

/* Creates a directory and the parents it lacks, each durably. errno on failure. */
static bool make_directories(const char *path)
{
	char prefix[PATH_MAX];
	if (strlen(path) >= sizeof prefix) {
		errno = ENAMETOOLONG;
		return false;
	}
	size_t size = 0;
	while (path[size] != '\0') {
		size += strspn(path + size, "/");
		size += strcspn(path + size, "/");
		snprintf(prefix, sizeof prefix, "%.*s", (int)size, path);
		if (mkdir(prefix, 0700) == 0) {
			if (!sync_parent(prefix)) {
				return false;
			}
		} else if (errno != EEXIST) {
			return false;
		}
	}
	return true;
}

static bool open_path(struct directory *directory, struct error *error)
{
	const char *path = directory->path;
	directory->descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory->descriptor < 0 && errno == ENOENT && directory->access == DISK_READ_WRITE) {
		if (!make_directories(path)) {
			return error_errno(error, errno, "cannot create the data directory '%s'", path);
		}
		directory->descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (directory->descriptor < 0 && errno == ENOTDIR) {
		return error_set(error, ERROR_INVALID, "'%s' is not a directory", path);
	}
	if (directory->descriptor < 0) {
		return error_errno(error, errno, "cannot open the data directory '%s'", path);
	}
	if (directory->access == DISK_READ_WRITE && faccessat(AT_FDCWD, path, R_OK | W_OK | X_OK, AT_EACCESS) != 0) {
		return error_errno(error, errno, "cannot write to the data directory '%s'", path);
	}
	return true;
}

bool directory_open(struct directory *directory, const char *path, enum disk_access access, struct error *error)
{
	*directory =
	    (struct directory){.path = strdup(path), .access = access, .descriptor = -1, .lock_descriptor = -1};
	if (directory->path == NULL) {
		return error_set(error, ERROR_NO_MEMORY, "no memory for the disk port");
	}
	if (open_path(directory, error)) {
		return true;
	}
	directory_close(directory);
	return false;
}

void directory_close(struct directory *directory)
{
	for (disk_file file = 0; file < directory->file_count; file++) {
		if (directory->files[file].descriptor >= 0) {
			close(directory->files[file].descriptor);
		}
	}
	if (directory->lock_descriptor >= 0) {
		close(directory->lock_descriptor);
	}
	if (directory->descriptor >= 0) {
		close(directory->descriptor);
	}
	free(directory->files);
	free(directory->path);
	*directory = (struct directory){.descriptor = -1, .lock_descriptor = -1};
}

/* The kernel takes up to a second to tear down the ring of a process that ended or was killed, and the ring holds the lock
 * until its last write has landed (ring_hold). What is really in use is refused after this. */
#define LOCK_PATIENCE_MS 3000
#define LOCK_PAUSE_MS    10

/* A lock of the open file, not of the process (OFD): it does not vanish when some other descriptor of the file is
 * closed, and goes with the process however it dies. False, with errno. */
static bool lock_file(int descriptor)
{
	const struct timespec pause = {.tv_nsec = LOCK_PAUSE_MS * 1000000L};
	for (int waited_ms = 0;; waited_ms += LOCK_PAUSE_MS) {
		struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
		if (fcntl(descriptor, F_OFD_SETLK, &all) == 0) {
			return true;
		}
		if ((errno != EAGAIN && errno != EACCES) || waited_ms >= LOCK_PATIENCE_MS) {
			return false;
		}
		nanosleep(&pause, NULL);
	}
}

static bool port_lock(void *context, struct error *error)
{
	struct directory *directory = context;
	CHECK(directory->lock_descriptor < 0);
	const int descriptor =
	    openat(directory->descriptor, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (descriptor < 0) {
		return error_errno(error, errno, "cannot open '%s/%s'", directory->path, LOCK_NAME);
	}
	if (lock_file(descriptor)) {
		directory->lock_descriptor = descriptor;
		return true;
	}
	if (errno == EAGAIN || errno == EACCES) {
		error_set(error, ERROR_IN_USE, "data directory '%s' is in use by another slotd", directory->path);
	} else {
		error_errno(error, errno, "cannot lock '%s/%s'", directory->path, LOCK_NAME);
	}
	close(descriptor);
	return false;
}

/* ---------------------------------------------------------------------------------------------------------- by name */

static int compare_entries(const void *a, const void *b)
{
	const struct disk_entry *left = a;
	const struct disk_entry *right = b;
	return strcmp(left->name, right->name);
}

bool directory_lists(const char *name)
{
	return name[0] != '.' && strcmp(name, LOCK_NAME) != 0 && strlen(name) < DISK_NAME_SIZE;
}

static void add_entry(struct buffer *found, const char *name, uint64_t size)
{
	struct disk_entry entry = {.size = size};
	CHECK(strlen(name) < sizeof entry.name);
	memcpy(entry.name, name, strlen(name) + 1);
	buffer_add(found, &entry, sizeof entry);
}

static bool read_entries(struct directory *directory, DIR *stream, struct buffer *found, struct error *error)
{
	for (;;) {
		errno = 0;
		const struct dirent *next = readdir(stream);
		if (next == NULL && errno != 0) {
			return error_errno(error, errno, "cannot list '%s'", directory->path);
		}
		if (next == NULL) {
			return true;
		}
		struct stat status;
		if (!directory_lists(next->d_name)) {
			continue;
		}
		if (fstatat(directory->descriptor, next->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
			return error_errno(error, errno, "cannot look at '%s/%s'", directory->path, next->d_name);
		}
		if (S_ISREG(status.st_mode)) {
			add_entry(found, next->d_name, (uint64_t)status.st_size);
		}
	}
}

static bool port_list(void *context, struct disk_entry **entries, size_t *count, struct error *error)
{
	struct directory *directory = context;
	/* Its own place in the directory, and its own descriptor for closedir to close. */
	const int descriptor = openat(directory->descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = descriptor < 0 ? NULL : fdopendir(descriptor);
	if (stream == NULL) {
		error_errno(error, errno, "cannot list '%s'", directory->path);
		if (descriptor >= 0) {
			close(descriptor);
		}
		return false;
	}
	struct buffer found = {0};
	const bool listed = read_entries(directory, stream, &found, error);
	closedir(stream);
	if (!listed) {
		buffer_fini(&found);
		return false;
	}
	*count = found.size / sizeof **entries;
	*entries = (struct disk_entry *)(void *)found.at;
	if (*count > 0) {
		qsort(*entries, *count, sizeof **entries, compare_entries);
	}
	return true;
}

static bool port_rename(void *context, const char *from, const char *to, struct error *error)
{
	struct directory *directory = context;
	if (renameat(directory->descriptor, from, directory->descriptor, to) != 0) {
		return error_errno(error, errno, "cannot rename '%s/%s' to '%s'", directory->path, from, to);
	}
	/* So that errors name the file as it is called now. */
	for (disk_file file = 0; file < directory->file_count; file++) {
		if (strcmp(directory->files[file].name, from) == 0) {
			snprintf(directory->files[file].name, DISK_NAME_SIZE, "%s", to);
		}
	}
	return true;
}

static bool port_remove(void *context, const char *name, struct error *error)
{
	return directory_remove(context, name, error);
}

static bool port_sync_directory(void *context, struct error *error)
{
	struct directory *directory = context;
	return fsync(directory->descriptor) == 0 || error_errno(error, errno, "cannot flush '%s'", directory->path);
}

void directory_operations(struct disk *disk)
{
	disk->lock = port_lock;
	disk->list = port_list;
	disk->rename = port_rename;
	disk->remove = port_remove;
	disk->sync_directory = port_sync_directory;
	directory_file_operations(disk);
}
