/*
 * peer_postgres: PostgreSQL, through libpq: see bench/peer.h.
 *
 * A claim is a prepared INSERT ... ON CONFLICT DO NOTHING RETURNING id under the partial unique index of the back end that
 * slotd replaces (table.sql), each a transaction of its own. libpq's pipeline mode sends it without waiting, so depth and
 * open loops mean what they mean for the others.
 *
 * Threads: a link belongs to one thread.
 * See: https://www.postgresql.org/docs/15/libpq-pipeline-mode.html
 */
#pragma once

#include <bench/peer.h>

extern const struct peer peer_postgres;
