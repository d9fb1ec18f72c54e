/*
 * journal: see journal.h.
 */
#include "journal.h"
#include <base/check.h>
#include <stdlib.h>

void journal_init(struct journal *journal, const struct recording *recording)
{
	*journal = (struct journal){.recording = recording};
	lock_init(&journal->lock);
}

void journal_fini(struct journal *journal)
{
	free(journal->steps);
	lock_fini(&journal->lock);
}

void journal_note(struct journal *journal, struct step step)
{
	if (journal == NULL) {
		return;
	}
	lock_take(&journal->lock);
	if (journal->count == journal->capacity) {
		journal->capacity = journal->capacity > 0 ? 2 * journal->capacity : 65536;
		journal->steps = realloc(journal->steps, journal->capacity * sizeof *journal->steps);
		CHECK(journal->steps != NULL);
	}
	step.position = atomic_load_explicit(&journal->recording->count, memory_order_acquire); /* pairs with record */
	journal->steps[journal->count++] = step;
	lock_give(&journal->lock);
}
