/*
 * settings: see the header.
 */
#include <base/check.h>
#include <slot/settings.h>
#include <stdlib.h>

void settings_init(struct settings *settings, struct memory *memory)
{
	*settings = (struct settings){.memory = memory};
	lock_init(&settings->lock);
}

void settings_fini(struct settings *settings)
{
	for (uint32_t kind = 0; kind < SETTING_KINDS; kind++) {
		struct settings_list *list = &settings->lists[kind];
		for (uint32_t i = 0; i < list->count; i++) {
			free(list->at[i]);
		}
		free(list->at);
	}
	lock_fini(&settings->lock);
}

/* What a setting takes from the budget, its place in the list and malloc's own share included. */
static size_t bytes_of(size_t text_size)
{
	return sizeof(struct setting) + 2 * sizeof(struct setting *) + text_size + 16;
}

/* How many of the list are of lower numbers. */
static uint32_t place_of(const struct settings_list *list, uint32_t psychologist)
{
	uint32_t low = 0;
	uint32_t high = list->count;
	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;
		if (list->at[middle]->psychologist < psychologist) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

static struct setting *setting_at(const struct settings_list *list, uint32_t place, uint32_t psychologist)
{
	return place < list->count && list->at[place]->psychologist == psychologist ? list->at[place] : NULL;
}

static bool make_room(struct settings_list *list)
{
	if (list->count < list->room) {
		return true;
	}
	const uint32_t room = list->room == 0 ? 16 : 2 * list->room;
	struct setting **at = realloc(list->at, room * sizeof(struct setting *));
	if (at == NULL) {
		return false;
	}
	list->at = at;
	list->room = room;
	return true;
}

/* A setting with this text, paid for; NULL when memory is spent. */
static struct setting *make(struct settings *settings, uint32_t psychologist, struct span text, bool promised)
{
	if (promised) {
		memory_force(settings->memory, bytes_of(text.size));
	} else if (!memory_take(settings->memory, bytes_of(text.size))) {
		return NULL;
	}
	struct setting *made = malloc(sizeof *made + text.size);
	if (made == NULL) {
		memory_give(settings->memory, bytes_of(text.size));
		return NULL;
	}
	made->psychologist = psychologist;
	made->size = (uint32_t)text.size;
	memcpy(made->text, text.at, text.size);
	return made;
}

static void drop(struct settings *settings, struct setting *setting)
{
	if (setting != NULL) {
		memory_give(settings->memory, bytes_of(setting->size));
		free(setting);
	}
}

/* Puts it where it belongs, in place of `there` or (NULL) before all of higher numbers. */
static void put(struct settings_list *list, uint32_t place, const struct setting *there, struct setting *made)
{
	if (there == NULL) {
		memmove(&list->at[place + 1], &list->at[place], (list->count - place) * sizeof(struct setting *));
		list->count++;
	}
	list->at[place] = made;
}

static void take_out(struct settings_list *list, uint32_t place, uint64_t lsn)
{
	list->count--;
	memmove(&list->at[place], &list->at[place + 1], (list->count - place) * sizeof(struct setting *));
	list->removed_lsn = lsn > list->removed_lsn ? lsn : list->removed_lsn;
}

static enum settings_outcome set(struct settings *settings, struct settings_list *list, uint32_t psychologist,
				 struct span text, bool promised, settings_append_f *append, void *context,
				 uint64_t *lsn)
{
	const uint32_t place = place_of(list, psychologist);
	struct setting *there = setting_at(list, place, psychologist);
	const struct span had = {there != NULL ? there->text : NULL, there != NULL ? there->size : 0};
	if (span_equal(had, text)) {
		*lsn = there != NULL ? there->lsn : list->removed_lsn;
		return SETTINGS_STANDS;
	}
	if (text.size == 0) {
		*lsn = append(context);
		take_out(list, place, *lsn);
		drop(settings, there);
		return SETTINGS_CHANGED;
	}
	struct setting *made = make_room(list) ? make(settings, psychologist, text, promised) : NULL;
	if (made == NULL) {
		*lsn = 0;
		return SETTINGS_NO_MEMORY;
	}
	*lsn = made->lsn = append(context);
	put(list, place, there, made);
	drop(settings, there);
	return SETTINGS_CHANGED;
}

enum settings_outcome settings_set(struct settings *settings, enum setting_kind kind, uint32_t psychologist,
				   struct span text, bool promised, settings_append_f *append, void *context,
				   uint64_t *lsn)
{
	CHECK(text.size <= SETTING_TEXT_MAX);
	struct settings_list *list = &settings->lists[kind];
	lock_take(&settings->lock);
	const enum settings_outcome outcome = set(settings, list, psychologist, text, promised, append, context, lsn);
	atomic_store_explicit(&settings->counts[kind], list->count, memory_order_relaxed); /* a figure */
	lock_give(&settings->lock);
	return outcome;
}

bool settings_get(struct settings *settings, enum setting_kind kind, uint32_t psychologist, struct buffer *text,
		  uint64_t *lsn)
{
	const struct settings_list *list = &settings->lists[kind];
	lock_take(&settings->lock);
	const struct setting *setting = setting_at(list, place_of(list, psychologist), psychologist);
	*lsn = setting != NULL ? setting->lsn : list->removed_lsn;
	if (setting != NULL) {
		buffer_add(text, setting->text, setting->size);
	}
	lock_give(&settings->lock);
	return setting != NULL;
}

uint32_t settings_next(struct settings *settings, enum setting_kind kind, uint32_t psychologist, struct buffer *text,
		       uint64_t *lsn)
{
	const struct settings_list *list = &settings->lists[kind];
	uint32_t next = 0;
	lock_take(&settings->lock);
	const uint32_t place = place_of(list, psychologist + 1);
	*lsn = list->removed_lsn;
	if (place < list->count) {
		const struct setting *setting = list->at[place];
		next = setting->psychologist;
		*lsn = setting->lsn;
		buffer_add(text, setting->text, setting->size);
	}
	lock_give(&settings->lock);
	return next;
}
