/*
 * sim_verdict: how often each decision of recovery (log/verdict.h) was taken.
 *
 * The linker puts this between the reader and the decision tables in every program of tests/sim (Makefile: --wrap); the
 * reader does not notice. A decision is a row of a table: the verdict, and for which reason.
 *
 * Threads: one.
 */
#pragma once

#include <log/verdict.h>

/* One count for each combination of facts. */
struct sim_verdicts {
	uint64_t tails[TAIL_FACTS];
	uint64_t headers[HEADER_FACTS];
};

/* Of this process so far. */
const struct sim_verdicts *sim_verdicts_seen(void);

/* Prints each row but the impossible ones, and how often it decided. Returns how many never did. */
uint32_t sim_verdicts_print(const struct sim_verdicts *verdicts);
