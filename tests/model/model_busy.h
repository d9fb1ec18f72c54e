/*
 * model_busy: what the files of the model share about calendars.
 *
 * Threads: under the model's lock.
 */
#pragma once

#include <model/model.h>

/* Is a source of the psychologist busy at some minute of a slot that was opened with so many minutes? Not of another's (0). */
bool model_busy(const struct model *model, uint64_t key, uint16_t minutes);
