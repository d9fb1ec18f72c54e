/*
 * replay: the table again, from the log [I4].
 *
 * Every record is applied by a restore function of the table, which refuses what cannot have been: a slot booked twice, a
 * session cancelled twice, hours that overlap. One tolerance: what concerns days that an earlier PURGE took away is skipped.
 * A worker may have appended such a record just behind the PURGE of another worker; both orders end in the same table.
 *
 * Threads: one, before anybody else looks at the table.
 */
#pragma once

#include <log/record.h>
#include <slot/table.h>

/* Applies one record; false, with what contradicts it, if the table cannot be in the state it was written in. */
bool replay_apply(struct table *table, const struct record *record, uint64_t lsn, struct error *error);
