/*
 * book: the calendars that are followed, in the order of their psychologists; what is known of one stays from run to run.
 *
 * Threads: one.
 */
#pragma once

#include <calsync/calendar.h>

struct book {
	struct calendar *calendars;
	size_t count;
};

/* Follows these from now on, each once; of one that is new what the state directory has is known. One whose url or
 * password file is wrong is there, and has failed. */
void book_update(struct book *book, const struct named_list *named, const struct options *options);
void book_fini(struct book *book);

/* Where the calendars of the psychologist end whose first one is at `first`. */
size_t book_behind(const struct book *book, size_t first);
