/*
 * import: the records of another server's log, taken in over a connection as replay takes them in from the disk.
 *
 *   NONE --BEGIN--> QUIETING --nobody else is at work--> ON --END, all durable--> NONE
 *                       |                                 |
 *                       +--not empty--> NONE              +--a record refused, the connection gone--> BROKEN
 *
 * Why it cannot collide with anybody [I1, I4, I5]. It begins on a server without a record or a slot, and from BEGIN to END the
 * server is loading: every other command is refused as while it reads its log. Who was in the midst of a command when that was
 * said is waited for: each worker says once a loop that it has heard (import_look), and the housekeeper begins no snapshot.
 * From then on one thread has the table, as in replay, and applies each record by the same strict functions
 * (log/replay.h), appends it, and gives it the same lsn, which is part of the command. END does what the end of replay does.
 *
 * A record that does not fit leaves the table in between, and so does a peer that goes away: then the import is broken, and the
 * server never serves from it, nor does a restart (log/import_mark.h). It was empty before, so nothing is lost.
 *
 * Threads: import_look any worker; import_refusal any; the others the worker whose connection imports.
 */
#pragma once

#include <base/bytes.h>
#include <base/error.h>
#include <serve/service.h>

enum import_stage {
	IMPORT_NONE,
	IMPORT_QUIETING,
	IMPORT_ON,
	IMPORT_BROKEN,
};

struct import {
	/* shared: an enum import_stage; changed by who begins (compare-and-swap from NONE), then by it alone; release */
	_Atomic uint32_t stage;
	/* shared: counts the imports that were begun; release, pairs with import_look */
	_Atomic uint32_t round;
	_Atomic uint32_t heard[THREADS_MAX]; /* each written by its worker: the round it has seen; release */
	/* of the worker that imports; the failure is read by all once the stage is BROKEN */
	uint64_t newest_ms; /* the latest moment a record says */
	uint64_t began_ns;  /* monotonic */
	struct error failure;
};

/* False, with why not: the server is not empty, or another import is under way. */
bool import_begin(struct service *service, struct error *error);
/* Is nobody else at work? wake_all tells when to ask again. */
bool import_is_quiet(struct service *service);
/* They are: takes the table. False: it was not empty after all, or the mark could not be written; there is no import then. */
bool import_take_table(struct service *service, struct error *error);

/* Applies and appends encoded records, back to back, the first of which gets `lsn`; together they may be as large as the
 * largest record that the log takes. False: one does not fit, the import is broken. */
bool import_records(struct service *service, uint64_t lsn, struct span bytes, struct error *error);

/* False: `lsn` is not that of the last record. */
bool import_may_end(struct service *service, uint64_t lsn, struct error *error);
/* All is durable: from here on the server serves. False: the import is broken. */
bool import_end(struct service *service, struct error *error);

/* Whatever stage it is in, it ends here. */
void import_break(struct service *service, const char *why);

/* For each worker, once a loop, in which it then asks for the stage anew. */
void import_look(struct service *service);

/* What others are told because of an import. NULL: there is none. */
const char *import_refusal(const struct service *service);
