/*
 * keep: see the header.
 */
#include "keep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define COPY_SIZE 65536

static bool flush_directory(const char *path, struct error *error)
{
	const int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const bool flushed = descriptor >= 0 && fsync(descriptor) == 0;
	const int reason = errno;
	if (descriptor >= 0) {
		close(descriptor);
	}
	return flushed || error_errno(error, reason, "cannot flush '%s'", path);
}

/* A name nobody has yet; two repairs within a second are told apart by a number. */
static bool make_directory(struct keep *keep, struct error *error)
{
	char moment[32];
	const time_t now = time(NULL);
	struct tm parts;
	strftime(moment, sizeof moment, "%Y%m%dT%H%M%SZ", gmtime_r(&now, &parts));
	char suffix[16] = "";
	for (unsigned i = 2;; i++) {
		const int size =
		    snprintf(keep->path, sizeof keep->path, "%s/repair-%s%s", keep->directory, moment, suffix);
		if (size < 0 || (size_t)size >= sizeof keep->path - DISK_NAME_SIZE) {
			return error_set(error, ERROR_INVALID, "the name of the directory is too long");
		}
		if (mkdir(keep->path, 0700) == 0) {
			return flush_directory(keep->directory, error);
		}
		if (errno != EEXIST) {
			return error_errno(error, errno, "cannot create '%s'", keep->path);
		}
		snprintf(suffix, sizeof suffix, "-%u", i);
	}
}

static bool copy_bytes(int from, int to, const char *path, struct error *error)
{
	static char bytes[COPY_SIZE];
	for (;;) {
		const ssize_t got = read(from, bytes, sizeof bytes);
		if (got < 0) {
			return error_errno(error, errno, "cannot read what is to be copied to '%s'", path);
		}
		if (got == 0) {
			break;
		}
		for (ssize_t done = 0; done < got;) {
			const ssize_t written = write(to, bytes + done, (size_t)(got - done));
			if (written < 0) {
				return error_errno(error, errno, "cannot write '%s'", path);
			}
			done += written;
		}
	}
	return fsync(to) == 0 || error_errno(error, errno, "cannot flush '%s'", path);
}

static bool copy_file(const char *source, const char *target, struct error *error)
{
	const int from = open(source, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (from < 0) {
		return error_errno(error, errno, "cannot open '%s'", source);
	}
	const int to = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	const int reason = errno;
	bool copied = to >= 0 && copy_bytes(from, to, target, error);
	if (to >= 0) {
		close(to);
	} else {
		copied = reason == EEXIST || error_errno(error, reason, "cannot create '%s'", target);
	}
	close(from);
	return copied;
}

bool keep_file(struct keep *keep, const char *name, struct error *error)
{
	if (keep->path[0] == '\0' && !make_directory(keep, error)) {
		keep->path[0] = '\0';
		return false;
	}
	char source[PATH_MAX + DISK_NAME_SIZE];
	char target[PATH_MAX + DISK_NAME_SIZE];
	snprintf(source, sizeof source, "%s/%s", keep->directory, name);
	snprintf(target, sizeof target, "%s/%s", keep->path, name);
	return copy_file(source, target, error) && flush_directory(keep->path, error);
}
