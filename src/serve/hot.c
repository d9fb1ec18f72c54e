/*
 * hot: see the header for the idea and its bounds.
 */
#include <base/check.h>
#include <serve/hot.h>
#include <slot/key.h>
#include <stdlib.h>
#include <string.h>

bool hot_init(struct hot *hot, uint32_t entry_count_max, struct error *error)
{
	*hot = (struct hot){.entry_count_max = entry_count_max, .head_count = 1};
	lock_init(&hot->lock);
	while (hot->head_count < entry_count_max) {
		hot->head_count *= 2;
	}
	hot->entries = calloc((size_t)entry_count_max + 1, sizeof *hot->entries);
	hot->ranks = calloc((size_t)entry_count_max + 1, sizeof *hot->ranks);
	hot->heads = malloc(hot->head_count * sizeof *hot->heads);
	if (hot->entries == NULL || hot->ranks == NULL || hot->heads == NULL) {
		hot_fini(hot);
		return error_set(error, ERROR_NO_MEMORY, "no memory for %u hot-entries", entry_count_max);
	}
	memset(hot->heads, 0xff, hot->head_count * sizeof *hot->heads); /* HOT_NONE */
	return true;
}

void hot_fini(struct hot *hot)
{
	free(hot->entries);
	free(hot->ranks);
	free(hot->heads);
	lock_fini(&hot->lock);
}

static uint32_t *head_of(struct hot *hot, uint64_t key)
{
	return &hot->heads[(key * UINT64_C(0x9e3779b97f4a7c15)) >> 32 & (hot->head_count - 1)];
}

static uint32_t find(struct hot *hot, uint64_t key)
{
	uint32_t entry = *head_of(hot, key);
	while (entry != HOT_NONE && hot->entries[entry].key != key) {
		entry = hot->entries[entry].next;
	}
	return entry;
}

static void unlink_entry(struct hot *hot, uint32_t entry)
{
	uint32_t *link = head_of(hot, hot->entries[entry].key);
	while (*link != entry) {
		link = &hot->entries[*link].next;
	}
	*link = hot->entries[entry].next;
}

/* An entry for a slot that has none: a new one, or that of the slot with the fewest losers. */
static uint32_t replace(struct hot *hot, uint64_t key)
{
	uint32_t number;
	if (hot->entry_count < hot->entry_count_max) {
		number = hot->entry_count++;
		hot->ranks[number] = number;
		hot->entries[number] = (struct hot_entry){.rank = number};
	} else {
		number = hot->ranks[hot->entry_count - 1];
		unlink_entry(hot, number);
	}
	struct hot_entry *entry = &hot->entries[number];
	uint32_t *head = head_of(hot, key);
	entry->key = key;
	entry->excess = entry->losers;
	entry->next = *head;
	*head = number;
	return number;
}

/* The first rank whose entry has no more losers than this. */
static uint32_t first_rank(const struct hot *hot, uint64_t losers, uint32_t rank)
{
	uint32_t low = 0;
	while (low < rank) {
		const uint32_t middle = low + (rank - low) / 2;
		if (hot->entries[hot->ranks[middle]].losers > losers) {
			low = middle + 1;
		} else {
			rank = middle;
		}
	}
	return low;
}

void hot_count(struct hot *hot, uint64_t key)
{
	if (hot->entry_count_max == 0) {
		return;
	}
	lock_take(&hot->lock);
	uint32_t number = find(hot, key);
	if (number == HOT_NONE) {
		number = replace(hot, key);
	}
	struct hot_entry *entry = &hot->entries[number];
	const uint32_t rank = first_rank(hot, entry->losers, entry->rank);
	const uint32_t other = hot->ranks[rank];
	hot->entries[other].rank = entry->rank;
	hot->ranks[entry->rank] = other;
	entry->rank = rank;
	hot->ranks[rank] = number;
	entry->losers++;
	lock_give(&hot->lock);
}

static int compare_keys(const void *a, const void *b)
{
	const uint64_t first = ((const struct hot_row *)a)->key;
	const uint64_t second = ((const struct hot_row *)b)->key;
	return (first > second) - (first < second);
}

static int compare_losers(const void *a, const void *b)
{
	const struct hot_row *first = a;
	const struct hot_row *second = b;
	return first->losers != second->losers ? (first->losers < second->losers) - (first->losers > second->losers)
					       : compare_keys(a, b);
}

/* Adds a table's entries to the rows. What a full table has not may have had as many losers as its last: that is added to
 * *missed, and taken off what it has. */
static size_t collect(struct hot *hot, uint32_t psychologist, struct hot_row *rows, uint64_t *missed)
{
	size_t count = 0;
	lock_take(&hot->lock);
	const bool full = hot->entry_count > 0 && hot->entry_count == hot->entry_count_max;
	const uint64_t least = full ? hot->entries[hot->ranks[hot->entry_count - 1]].losers : 0;
	for (uint32_t i = 0; i < hot->entry_count; i++) {
		const struct hot_entry *entry = &hot->entries[i];
		if (psychologist == 0 || key_psychologist(entry->key) == psychologist) {
			rows[count++] =
			    (struct hot_row){entry->key, entry->losers - least, entry->losers - entry->excess};
		}
	}
	lock_give(&hot->lock);
	*missed += least;
	return count;
}

/* Rows of the same slot, side by side, become one. */
static size_t unite(struct hot_row *rows, size_t count)
{
	size_t united = 0;
	for (size_t i = 0; i < count; i++) {
		if (united > 0 && rows[united - 1].key == rows[i].key) {
			rows[united - 1].losers += rows[i].losers;
			rows[united - 1].certain += rows[i].certain;
		} else {
			rows[united++] = rows[i];
		}
	}
	return united;
}

size_t hot_merge(struct hot *hots, uint32_t hot_count, uint32_t psychologist, struct hot_row *rows, size_t count)
{
	size_t room = 1;
	for (uint32_t i = 0; i < hot_count; i++) {
		room += hots[i].entry_count_max;
	}
	struct hot_row *all = malloc(room * sizeof *all);
	if (all == NULL) {
		return SIZE_MAX;
	}
	size_t found = 0;
	uint64_t missed = 0;
	for (uint32_t i = 0; i < hot_count; i++) {
		found += collect(&hots[i], psychologist, &all[found], &missed);
	}
	qsort(all, found, sizeof *all, compare_keys);
	found = unite(all, found);
	qsort(all, found, sizeof *all, compare_losers);
	count = found < count ? found : count;
	for (size_t i = 0; i < count; i++) {
		rows[i] = all[i];
		rows[i].losers += missed;
	}
	free(all);
	return count;
}
