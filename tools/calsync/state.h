/*
 * state: what is known of calendars, kept between runs of the program: a file each, which only we can read.
 *
 *   slotd-calsync 1              then fields, in any order:   name size LF bytes LF
 *   end HASH                     of everything before
 *
 * A file that is not whole, or of another version, is as none: the calendar is fetched anew.
 *
 * Threads: one.
 */
#pragma once

#include <calsync/calendar.h>

/* Makes the directory if there is none. */
bool state_open(const char *directory, struct error *error);
/* Fills in what is known of a calendar of which nothing is. */
void state_load(const char *directory, struct calendar *calendar);
/* What cannot be written is said in the log, and no more. */
void state_save(const char *directory, const struct calendar *calendar);
