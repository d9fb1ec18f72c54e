/*
 * gather: how long a commit waits for those the last one answered.
 *
 * Whoever is answered by a commit tends to ask again at once. Sent without them, the next batch carries only those who came
 * while the last was on its way, and the others wait for a whole commit: two halves take turns. So a batch waits
 *
 *   until it has as many records as the last one answered and left waiting (one client alone never waits),
 *   or GATHER_ENOUGH, which share a flush well already,
 *   at most `limit`, and half of what a commit usually takes, after those it answered began to come,
 *   and only while they keep coming: a quarter of a commit without a new one ends it.
 *
 * The answers leave after the first look that follows the end of a commit, and the kernel takes its time to send them; so
 * whoever has come by the second look is taken for the beginning.
 *
 * The idea is commit_delay and commit_siblings of PostgreSQL, and the batching of ext4's journal, with measured times in
 * place of set ones (docs/decisions/0008).
 *
 * Threads: the one that owns the log.
 */
#pragma once

#include <stdint.h>

#define GATHER_ENOUGH 64

/* Zero-initialised, but for limit_ns, is ready. */
struct gather {
	uint64_t limit_ns; /* option commit-delay; 0: no commit waits */
	uint64_t usual_ns; /* what a commit takes: a running average */
	uint64_t sent_ns;  /* the commit under way: since when */
	uint64_t ended_ns; /* the last one; then: since when those it answered come */
	uint32_t looks;    /* of gather_until since then, at most 2 */
	uint64_t expected; /* records the next batch may come to */
	uint64_t seen;     /* records it had when last looked at */
	uint64_t seen_ns;  /* and since when */
};

/* A batch goes to the device. */
void gather_sent(struct gather *gather, uint64_t now_ns);
/* It is durable, `records` are answered, and `waiting` are in the open batch. */
void gather_ended(struct gather *gather, uint64_t records, uint64_t waiting, uint64_t now_ns);
/* With `waiting` records in the open batch and none in flight: 0: send it. Otherwise when to look again, even if no other
 * arrives. */
uint64_t gather_until(struct gather *gather, uint64_t waiting, uint64_t now_ns);
