/*
 * items: the items of a CalDAV collection, by href: as of which ETag, and what was sifted of each.
 *
 * Threads: one.
 */
#pragma once

#include <base/bytes.h>
#include <stdbool.h>

struct item {
	char *href;
	char *etag;         /* "" until it has been fetched */
	struct buffer kept; /* of sift(); empty if nothing could be read */
	uint32_t events;
	bool is_wanted; /* its text has to be asked for, */
	bool is_asked;  /* and is, by the request on its way */
	bool is_there;  /* named by the listing that is being read */
	size_t place;   /* in the array */
};

struct items {
	struct item **at; /* in any order */
	size_t count;
	size_t capacity;
	void *tree; /* of tsearch(3), by href */
};

struct item *items_find(const struct items *items, const char *href);
/* Finds or adds it; NULL if there are `most` already. */
struct item *items_get(struct items *items, const char *href, size_t most);
/* Nothing, if there is none. */
void items_drop(struct items *items, const char *href);
/* For a listing that names all there are: forgets which are there, and drops those that it has not named. */
void items_list_begin(struct items *items);
void items_list_end(struct items *items);
void item_set_etag(struct item *item, const char *etag);
void items_fini(struct items *items);
