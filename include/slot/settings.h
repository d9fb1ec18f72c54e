/*
 * settings: what is set for a psychologist and stays until it is set anew: the weekly hours, the calendar. Each is a text,
 * whose meaning others know (slot/hours.h for the hours; a calendar is an url, which may carry a secret).
 *
 * A setting that is made empty is none any more.
 *
 * Threads: any. One lock, a leaf but for the log's staging lock, guards all texts; no claim takes it.
 */
#pragma once

#include <base/bytes.h>
#include <base/limits.h>
#include <base/lock.h>
#include <base/memory.h>

enum setting_kind {
	SETTING_HOURS,
	SETTING_CALENDAR,
	SETTING_KINDS,
};

struct setting {
	uint32_t psychologist;
	uint32_t size;
	uint64_t lsn; /* of the record that set it */
	uint8_t text[];
};

struct settings_list {
	struct setting **at; /* by psychologist */
	uint32_t count;
	uint32_t room;
	uint64_t removed_lsn; /* highest of the records that took one out */
};

struct settings {
	/* const after settings_init */
	struct memory *memory;
	/* guards lists */
	struct lock lock;
	struct settings_list lists[SETTING_KINDS];
	_Atomic uint32_t counts[SETTING_KINDS]; /* relaxed, for INFO */
};

void settings_init(struct settings *settings, struct memory *memory);
void settings_fini(struct settings *settings);

/* Appends the record of a change to the log and returns its lsn; everything that can fail is behind it [I5]. */
typedef uint64_t settings_append_f(void *context);

enum settings_outcome {
	SETTINGS_CHANGED,
	SETTINGS_STANDS, /* it is set like this already: no record */
	SETTINGS_NO_MEMORY,
};

/* Sets it (`text` of at most SETTING_TEXT_MAX bytes; empty: to none): asks for everything that can fail, appends the
 * record, and has it so from then on. *lsn is what the outcome depends on [I2]. `promised` does not ask the limit of memory.
 */
enum settings_outcome settings_set(struct settings *settings, enum setting_kind kind, uint32_t psychologist,
				   struct span text, bool promised, settings_append_f *append, void *context,
				   uint64_t *lsn);

/* Adds the text to *text. False: there is none. *lsn is what either depends on. */
bool settings_get(struct settings *settings, enum setting_kind kind, uint32_t psychologist, struct buffer *text,
		  uint64_t *lsn);
/* The same for the next psychologist, by number, behind this one (0: the first) who has one; 0: there is none. A walk sees
 * each as it is at that moment, and depends on all the lsn it was given. */
uint32_t settings_next(struct settings *settings, enum setting_kind kind, uint32_t psychologist, struct buffer *text,
		       uint64_t *lsn);
