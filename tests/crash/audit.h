/*
 * audit: does the restarted server stand by the ledger?
 *
 * Every slot is asked for, then the session that has it, and whoever has one asks again and must be told the same id
 * [I10]. What the server says goes into the ledger, which counts what is lost, doubled, or nobody's.
 *
 * Threads: one, no load running.
 */
#pragma once

#include "ledger.h"
#include <drive/server.h>

/* False: the server does not say who has a slot, or not twice the same; said why. */
bool audit(struct ledger *ledger, const struct server *server);
/* False: INFO does not have this wal_engine; said so. */
bool audit_engine(const struct server *server, const char *engine);
/* False: slotd-replay --verify does not find the log sound; said why. No server is running. */
bool audit_log(const struct server *server);
