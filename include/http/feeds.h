/*
 * feeds: which paths of the HTTP port publish whose hours, from the file that `feed-file` names.
 *
 *   # path                            psychologist
 *   kB2mZx9w-Qb7fLr3TnYc8dVh          dr-lee
 *
 * The path is the whole secret: whoever knows it sees when the psychologist is busy, and nobody else can guess it. So it has
 * at least FEED_PATH_SIZE_MIN characters, and the file must not be readable by others. `openssl rand -hex 16` makes one.
 *
 * Threads: feeds_load and feeds_fini at start and end; feeds_find any in between.
 */
#pragma once

#include <base/bytes.h>
#include <base/error.h>

/* Characters of a path: A-Z a-z 0-9 _ - only. 22 of 64 are 132 bits. */
#define FEED_PATH_SIZE_MIN 22
#define FEED_PATH_SIZE_MAX 128
/* Feeds of a file, at most. */
#define FEEDS_MAX 100000

struct feed {
	char path[FEED_PATH_SIZE_MAX + 1];
	char psychologist[65];
};

/* Sorted by path. */
struct feeds {
	struct feed *all;
	size_t count;
};

/* Reads the file. The error names file and line, and never a path of a feed. */
bool feeds_load(struct feeds *feeds, const char *file, struct error *error);
void feeds_fini(struct feeds *feeds);

/* The feed at this path; NULL if there is none. */
const struct feed *feeds_find(const struct feeds *feeds, struct span path);
