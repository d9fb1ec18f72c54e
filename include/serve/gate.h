/*
 * gate: replies of one connection on their way out; none leaves before what it depends on is durable [I2].
 *
 * Replies are written to `waiting` in the order of their requests. A mark says: the bytes up to here need this lsn. As
 * replies leave in order, a mark's lsn is at least that of the mark before. What durable_lsn has reached moves on to
 * `leaving`, which the network port borrows until it is sent.
 *
 *   command -> waiting |....reply....|..reply..|  -- durable_lsn >= lsn -->  leaving -> net
 *                           mark 5        mark 9
 *
 * Should the log fail, what still waits never leaves [I6]. But a client pairs replies with requests by counting, so each
 * mark knows how many replies it stands for, and that many error lines leave instead.
 *
 * Threads: owned by the connection's worker.
 */
#pragma once

#include <base/bytes.h>

/* A pass over the input makes one mark, and passes between two commits are few; beyond this, marks are merged. */
#define GATE_MARKS_MAX 16

struct gate_mark {
	size_t end; /* of the bytes in waiting */
	uint64_t lsn;
	uint32_t replies; /* since the mark before */
};

struct gate {
	struct buffer waiting;
	struct buffer leaving; /* borrowed by the port while it has bytes */
	struct gate_mark marks[GATE_MARKS_MAX];
	uint32_t mark_count;
};

/* Everything written to waiting since the last mark, so many replies, depends on `lsn` (0: on nothing). */
void gate_mark(struct gate *gate, uint64_t lsn, uint32_t replies);

/* Moves what may leave, given `durable_lsn`, to leaving; which must be empty. True if there is something to send. */
bool gate_release(struct gate *gate, uint64_t durable_lsn);
/* durable_lsn grows no more: each reply that waits for more becomes `refusal`, which is a whole reply and waits for nothing. */
void gate_fail(struct gate *gate, uint64_t durable_lsn, struct span refusal);
/* The port has sent what was leaving. */
void gate_sent(struct gate *gate);

/* Nothing waits and nothing is leaving. */
bool gate_empty(const struct gate *gate);
/* Bytes held: what output-limit bounds. */
size_t gate_bytes(const struct gate *gate);
void gate_fini(struct gate *gate);
