/*
 * audit: what the replies of a race claim, asked again where it counts: of the server, and of its log [I1, I2, I10].
 *
 * Threads: the main thread.
 */
#pragma once

#include <bench/connection.h>
#include <bench/ledger.h>
#include <bench/server.h>

/* What a loser is answered, without the '-'. */
#define AUDIT_TAKEN "TAKEN This time slot was just booked by another user"

/* Does the server say what the race's replies said: slot and session are the winner's, the winner asking again gets the
 * same id, somebody else is told TAKEN? */
bool audit_server(const struct ledger *ledger, uint32_t race, struct connection *connection, struct error *error);

/* Of a server that was stopped: does slotd-replay --verify find its log sound, and is there one BOOK for each race, the
 * winner's? *records is how many BOOK records of these races were found. */
bool audit_log(const struct ledger *ledger, const char *directory, uint32_t *records, struct error *error);
