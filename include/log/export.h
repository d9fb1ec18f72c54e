/*
 * export: the table as records, which lead an empty one to the same state.
 *
 * For a log whose beginning is gone (log/snapshot.h): what a snapshot and the records behind it make is said in as few records
 * as it takes, in this order, each of them strictly applicable behind those before it (log/replay.h):
 *
 *   PURGE    the horizon, if there is one
 *   OPEN     the listed slots, occupied or not
 *   IMPORT   the sessions, by number: ids, statuses, versions and times as they are; and the ids that were used up
 *   BUSY     what calendars say, in as many windows as it takes
 *   HOURS, CALENDAR      what is set for psychologists
 *
 * Only the lsn are those of the new log, and the moments of what has none of its own (OPEN, PURGE, HOURS, CALENDAR) are that
 * of the export.
 *
 * Threads: one; nobody changes the table meanwhile.
 */
#pragma once

#include <log/record.h>
#include <slot/table.h>

/* Takes a record, whose spans are good until it returns. False ends the export. */
typedef bool export_f(void *context, const struct record *record);

/* `at_ms`: the newest moment the table was made by; whoever takes the records in lets the hold clock begin there. */
void table_export(const struct table *table, uint64_t at_ms, export_f *take, void *context);
