/*
 * disk_remove: removes a file without holding up everybody's flushes (disk_directory.h).
 *
 * On a file system that discards what it frees (mount option discard) removing a segment of 64 MiB is one command to the
 * device, and a flush that comes behind it takes 10 ms and not 0.1. So what has no name any more is freed piece by piece, with
 * a rest as long as the piece took; but only if nobody else has it: not under another name (a backup of hard links), and not
 * open (a copy that is being made). Otherwise whoever closes it last frees it.
 *
 * Should the machine stop in between, the rest is freed by the next mount, or by fsck where there is no journal.
 *
 * See: fcntl(2) on F_SETLEASE: it is refused if the file is open elsewhere, and without a name it cannot be opened again.
 */
#include "disk_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A piece, and how many there are at most. Bytes. */
#define PIECE_MIN  ((off_t)1 << 20)
#define PIECES_MAX 1024

static bool is_ours_alone(int descriptor, off_t *size)
{
	struct stat status;
	if (fstat(descriptor, &status) != 0 || status.st_nlink > 0 || fcntl(descriptor, F_SETLEASE, F_WRLCK) != 0) {
		return false;
	}
	*size = status.st_size;
	return true;
}

static struct timespec now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now;
}

static void rest_since(struct timespec since)
{
	struct timespec rest = now();
	rest.tv_sec -= since.tv_sec;
	rest.tv_nsec -= since.tv_nsec;
	if (rest.tv_nsec < 0) {
		rest.tv_sec--;
		rest.tv_nsec += 1000000000;
	}
	nanosleep(&rest, NULL);
}

static void free_in_pieces(int descriptor, off_t size)
{
	const off_t piece = size / PIECES_MAX > PIECE_MIN ? size / PIECES_MAX : PIECE_MIN;
	for (off_t left = size - piece; left > 0; left -= piece) {
		const struct timespec began = now();
		if (ftruncate(descriptor, left) != 0) {
			return; /* closing frees it, too */
		}
		rest_since(began);
	}
}

bool directory_remove(const struct directory *directory, const char *name, struct error *error)
{
	off_t size;
	/* What cannot be opened can be removed all the same. */
	const int descriptor = openat(directory->descriptor, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	const bool removed = unlinkat(directory->descriptor, name, 0) == 0 ||
			     error_errno(error, errno, "cannot remove '%s/%s'", directory->path, name);
	if (descriptor >= 0) {
		if (removed && is_ours_alone(descriptor, &size)) {
			free_in_pieces(descriptor, size);
		}
		close(descriptor);
	}
	return removed;
}
