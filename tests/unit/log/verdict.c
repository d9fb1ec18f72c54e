/*
 * Proves: the decisions of I7, for every combination of facts. What is expected is said a second time here, as one
 * would explain it; the tables must agree with it everywhere, and no row may be idle.
 */
#include <criterion/criterion.h>
#include <log/verdict.h>
#include <string.h>

static enum verdict expected_of_tail(unsigned facts)
{
	const bool zero = facts & TAIL_ZERO;
	const bool newer = facts & TAIL_NEWER;
	const bool stranger = facts & TAIL_STRANGER;
	const bool proof = facts & TAIL_PROOF;
	const bool last = facts & TAIL_LAST;
	const bool continued = facts & TAIL_CONTINUED;
	if ((zero && (newer || stranger || proof)) || (newer && stranger) || (last && continued)) {
		return VERDICT_IMPOSSIBLE;
	}
	if (newer) {
		return VERDICT_NEWER;
	}
	if (zero && continued) {
		return VERDICT_NEXT;
	}
	if (zero && last) {
		return VERDICT_CLEAN;
	}
	/* To be cut it must be no block at all, in the last segment, and nothing may say that it was durable. */
	return last && !zero && !stranger && !proof ? VERDICT_TORN : VERDICT_DAMAGED;
}

static enum verdict expected_of_header(unsigned facts)
{
	const bool whole = facts & HEADER_WHOLE;
	const bool newer = facts & HEADER_NEWER;
	const unsigned right = HEADER_OURS | HEADER_IN_PLACE | HEADER_SIZED;
	if (whole && newer) {
		return VERDICT_IMPOSSIBLE;
	}
	if (facts & HEADER_GAP) {
		return VERDICT_DAMAGED;
	}
	if (newer) {
		return VERDICT_NEWER;
	}
	if (whole) {
		return (facts & right) == right ? VERDICT_NEXT : VERDICT_DAMAGED;
	}
	/* Without a header only the spare is right: the last file, not the first, and empty. */
	const bool spare = (facts & HEADER_FINAL) && (facts & HEADER_EMPTY) && !(facts & HEADER_FIRST);
	return spare ? VERDICT_CLEAN : VERDICT_DAMAGED;
}

typedef struct verdict_row verdict_of_f(unsigned facts);

static void check_all(unsigned count, verdict_of_f *verdict_of, enum verdict (*expected)(unsigned facts),
		      size_t reasons_expected)
{
	const char *reasons[16] = {NULL};
	size_t reason_count = 0;
	for (unsigned facts = 0; facts < count; facts++) {
		const struct verdict_row row = verdict_of(facts);
		cr_assert_eq(row.verdict, expected(facts), "facts %#x: %d instead of %d", facts, (int)row.verdict,
			     (int)expected(facts));
		const bool refused = row.verdict == VERDICT_DAMAGED || row.verdict == VERDICT_NEWER;
		cr_assert_eq(row.reason != NULL, refused, "facts %#x", facts);
		size_t i = 0;
		while (i < reason_count && row.reason != NULL && strcmp(reasons[i], row.reason) != 0) {
			i++;
		}
		if (row.reason != NULL && i == reason_count) {
			reasons[reason_count++] = row.reason;
		}
	}
	cr_assert_eq(reason_count, reasons_expected, "%zu reasons are ever given", reason_count);
}

Test(verdict, of_every_tail_is_the_one_explained)
{
	check_all(TAIL_FACTS, verdict_of_tail, expected_of_tail, 6);
}

Test(verdict, of_every_header_is_the_one_explained)
{
	check_all(HEADER_FACTS, verdict_of_header, expected_of_header, 8);
}
