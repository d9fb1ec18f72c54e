/*
 * feeds: see the header.
 */
#include <base/intern.h>
#include <base/limits.h>
#include <errno.h>
#include <http/feeds.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static_assert(sizeof((struct feed *)0)->psychologist == TOKEN_SIZE_MAX + 1, "a token and its NUL");

static bool is_path(const char *path)
{
	const size_t size = strlen(path);
	const char *const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
	return size >= FEED_PATH_SIZE_MIN && size <= FEED_PATH_SIZE_MAX && strspn(path, allowed) == size;
}

/* One line; an empty one and a comment add nothing. */
static bool read_line(struct feeds *feeds, char *line, const char *file, size_t number, struct error *error)
{
	const char *const blanks = " \t\r\n";
	char *rest = NULL;
	const char *path = strtok_r(line, blanks, &rest);
	if (path == NULL || path[0] == '#') {
		return true;
	}
	const char *psychologist = strtok_r(NULL, blanks, &rest);
	if (psychologist == NULL || strtok_r(NULL, blanks, &rest) != NULL) {
		return error_set(error, ERROR_INVALID,
				 "%s line %zu: a feed is two words, its path and the psychologist", file, number);
	}
	if (!is_path(path)) {
		return error_set(error, ERROR_INVALID, "%s line %zu: a path has %d to %d characters of A-Z a-z 0-9 _ -",
				 file, number, FEED_PATH_SIZE_MIN, FEED_PATH_SIZE_MAX);
	}
	if (!token_valid(span_of(psychologist))) {
		return error_set(error, ERROR_INVALID, "%s line %zu: %.80s is not a psychologist's token", file, number,
				 psychologist);
	}
	if (feeds->count == FEEDS_MAX) {
		return error_set(error, ERROR_INVALID, "%s line %zu: more than %d feeds", file, number, FEEDS_MAX);
	}
	struct feed *feed = &feeds->all[feeds->count++];
	memcpy(feed->path, path, strlen(path) + 1);
	memcpy(feed->psychologist, psychologist, strlen(psychologist) + 1);
	return true;
}

static bool read_lines(struct feeds *feeds, FILE *stream, const char *file, struct error *error)
{
	char line[512];
	for (size_t number = 1; fgets(line, sizeof line, stream) != NULL; number++) {
		if (feeds->count % 1024 == 0) {
			void *more = realloc(feeds->all, (feeds->count + 1024) * sizeof *feeds->all);
			if (more == NULL) {
				return error_set(error, ERROR_NO_MEMORY, "no memory for the feeds of %s", file);
			}
			feeds->all = more;
		}
		if (strlen(line) == sizeof line - 1) {
			return error_set(error, ERROR_INVALID, "%s line %zu: longer than %zu bytes", file, number,
					 sizeof line - 2);
		}
		if (!read_line(feeds, line, file, number, error)) {
			return false;
		}
	}
	return !ferror(stream) || error_errno(error, errno, "cannot read %s", file);
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct feed *)a)->path, ((const struct feed *)b)->path);
}

static bool has_no_twins(const struct feeds *feeds, const char *file, struct error *error)
{
	for (size_t i = 1; i < feeds->count; i++) {
		if (compare(&feeds->all[i - 1], &feeds->all[i]) == 0) {
			return error_set(error, ERROR_INVALID, "%s: %s and %s have the same path", file,
					 feeds->all[i - 1].psychologist, feeds->all[i].psychologist);
		}
	}
	return true;
}

bool feeds_load(struct feeds *feeds, const char *file, struct error *error)
{
	*feeds = (struct feeds){0};
	FILE *stream = fopen(file, "re");
	struct stat status;
	if (stream == NULL || fstat(fileno(stream), &status) != 0) {
		error_errno(error, errno, "cannot read %s", file);
		if (stream != NULL) {
			fclose(stream);
		}
		return false;
	}
	bool read = (status.st_mode & S_IRWXO) == 0 ||
		    error_set(error, ERROR_INVALID, "%s holds secrets and others may read it: chmod o= it", file);
	read = read && read_lines(feeds, stream, file, error);
	fclose(stream);
	if (read && feeds->count > 0) {
		qsort(feeds->all, feeds->count, sizeof *feeds->all, compare);
		read = has_no_twins(feeds, file, error);
	}
	if (!read) {
		feeds_fini(feeds);
	}
	return read;
}

void feeds_fini(struct feeds *feeds)
{
	free(feeds->all);
	*feeds = (struct feeds){0};
}

const struct feed *feeds_find(const struct feeds *feeds, struct span path)
{
	struct feed wanted;
	if (path.size > FEED_PATH_SIZE_MAX || feeds->count == 0) {
		return NULL;
	}
	memcpy(wanted.path, path.at, path.size);
	wanted.path[path.size] = '\0';
	return bsearch(&wanted, feeds->all, feeds->count, sizeof *feeds->all, compare);
}
