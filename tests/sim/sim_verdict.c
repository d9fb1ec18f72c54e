/*
 * sim_verdict: see the header.
 */
#include <sim/sim_verdict.h>

#include <base/check.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What the linker makes of the names when it wraps them: __real_ is the table, __wrap_ is who is asked. */
struct verdict_row __real_verdict_of_tail(unsigned facts);
struct verdict_row __real_verdict_of_header(unsigned facts);
struct verdict_row __wrap_verdict_of_tail(unsigned facts);
struct verdict_row __wrap_verdict_of_header(unsigned facts);

static struct sim_verdicts seen;

struct verdict_row __wrap_verdict_of_tail(unsigned facts)
{
	seen.tails[facts]++;
	return __real_verdict_of_tail(facts);
}

struct verdict_row __wrap_verdict_of_header(unsigned facts)
{
	seen.headers[facts]++;
	return __real_verdict_of_header(facts);
}

const struct sim_verdicts *sim_verdicts_seen(void)
{
	return &seen;
}

#define ROWS_MAX 32

struct row_count {
	struct verdict_row row;
	uint64_t count;
};

static bool same_row(struct verdict_row a, struct verdict_row b)
{
	const bool same_reason =
	    a.reason == b.reason || (a.reason != NULL && b.reason != NULL && strcmp(a.reason, b.reason) == 0);
	return a.verdict == b.verdict && same_reason;
}

typedef struct verdict_row verdict_of_f(unsigned facts);

/* Sums the combinations of facts by the row that decides them, and prints the sums. */
static uint32_t print_table(const char *what, verdict_of_f *verdict_of, const uint64_t *counts, unsigned facts_end)
{
	static const char *const names[] = {"impossible", "next", "clean", "torn", "damaged", "newer"};
	struct row_count rows[ROWS_MAX];
	uint32_t row_count = 0;
	for (unsigned facts = 0; facts < facts_end; facts++) {
		const struct verdict_row row = verdict_of(facts);
		uint32_t i = 0;
		while (i < row_count && !same_row(rows[i].row, row)) {
			i++;
		}
		if (i == row_count) {
			CHECK(row_count < ROWS_MAX);
			rows[row_count++] = (struct row_count){.row = row};
		}
		rows[i].count += counts[facts];
	}
	uint32_t missing = 0;
	for (uint32_t i = 0; i < row_count; i++) {
		const struct verdict_row *row = &rows[i].row;
		if (row->verdict == VERDICT_IMPOSSIBLE) {
			CHECK(rows[i].count == 0);
			continue;
		}
		printf("sim: %12" PRIu64 "  %s: %s%s%s\n", rows[i].count, what, names[row->verdict],
		       row->reason != NULL ? ", " : "", row->reason != NULL ? row->reason : "");
		missing += rows[i].count == 0;
	}
	return missing;
}

uint32_t sim_verdicts_print(const struct sim_verdicts *verdicts)
{
	return print_table("tail", __real_verdict_of_tail, verdicts->tails, TAIL_FACTS) +
	       print_table("header", __real_verdict_of_header, verdicts->headers, HEADER_FACTS);
}
