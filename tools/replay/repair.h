/*
 * repair: a log that slotd refuses, made one that it takes.
 *
 * Never by itself, never while a server runs, never what a newer slotd wrote. What is changed or removed is copied
 * before, whole files, to DIR/repair-<time>/. Then, from what loses least:
 *
 *   a damaged snapshot                                goes; the one before it and the log have everything
 *   damage in what the newest snapshot has, too       the log begins with the segment behind it
 *   a segment file of the wrong size                  gets the size its header says
 *   bytes behind the last block of a finished segment are zeroed; the next segment continues all the same
 *   a torn tail                                       is zeroed, as slotd would itself
 *   anything else                                     the log is cut before the first damaged block, and a snapshot
 *                                                     that needs what was cut goes, if the log from lsn 1 is there
 *
 * and the log is judged again. A crash in between leaves a log that is refused still, or has a torn tail; repairing it
 * again ends in the same log.
 *
 * Keeps I7: what is lost is said, record by record where it can still be read, before anything is changed.
 *
 * Threads: one.
 */
#pragma once

#include "options.h"

/* Returns the exit status. The directory must be there: one that is not would be made. */
int repair_run(const struct options *options);
