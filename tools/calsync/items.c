/*
 * items: see the header.
 */
#include <base/check.h>
#include <calsync/items.h>
#include <search.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct item *)a)->href, ((const struct item *)b)->href);
}

struct item *items_find(const struct items *items, const char *href)
{
	const struct item wanted = {.href = (char *)(uintptr_t)href};
	struct item *const *found = tfind(&wanted, (void *const *)&items->tree, compare);
	return found != NULL ? *found : NULL;
}

struct item *items_get(struct items *items, const char *href, size_t most)
{
	struct item *item = items_find(items, href);
	if (item != NULL || items->count >= most) {
		return item;
	}
	if (items->count == items->capacity) {
		items->capacity = items->capacity == 0 ? 64 : 2 * items->capacity;
		items->at = realloc(items->at, items->capacity * sizeof(struct item *));
		CHECK(items->at != NULL);
	}
	item = calloc(1, sizeof *item);
	CHECK(item != NULL);
	item->href = strdup(href);
	item->etag = strdup("");
	CHECK(item->href != NULL && item->etag != NULL);
	item->place = items->count;
	items->at[items->count++] = item;
	CHECK(tsearch(item, &items->tree, compare) != NULL);
	return item;
}

static void item_fini(struct item *item)
{
	buffer_fini(&item->kept);
	free(item->href);
	free(item->etag);
	free(item);
}

void items_drop(struct items *items, const char *href)
{
	struct item *item = items_find(items, href);
	if (item != NULL) {
		struct item *last = items->at[--items->count];
		tdelete(item, &items->tree, compare);
		items->at[item->place] = last;
		last->place = item->place;
		item_fini(item);
	}
}

void items_list_begin(struct items *items)
{
	for (size_t i = 0; i < items->count; i++) {
		items->at[i]->is_there = false;
	}
}

void items_list_end(struct items *items)
{
	for (size_t i = 0; i < items->count;) {
		if (items->at[i]->is_there) {
			i++;
		} else {
			items_drop(items, items->at[i]->href);
		}
	}
}

void item_set_etag(struct item *item, const char *etag)
{
	free(item->etag);
	item->etag = strdup(etag);
	CHECK(item->etag != NULL);
}

void items_fini(struct items *items)
{
	while (items->count > 0) {
		items_drop(items, items->at[items->count - 1]->href);
	}
	free(items->at);
	*items = (struct items){0};
}
