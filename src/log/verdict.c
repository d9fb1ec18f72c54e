/*
 * verdict: the decision tables of recovery. Keeps I7.
 *
 * The first row whose facts all hold decides; the last row of a table has none, so one always does.
 */
#include <base/check.h>
#include <log/verdict.h>
#include <stddef.h>

struct rule {
	unsigned facts;
	struct verdict_row row;
};

static const struct rule tail_rules[] = {
    /* Zeros hold no block, a newer block is none of ours, and the last segment is not continued. */
    {TAIL_ZERO | TAIL_NEWER, {VERDICT_IMPOSSIBLE, NULL}},
    {TAIL_ZERO | TAIL_STRANGER, {VERDICT_IMPOSSIBLE, NULL}},
    {TAIL_ZERO | TAIL_PROOF, {VERDICT_IMPOSSIBLE, NULL}},
    {TAIL_NEWER | TAIL_STRANGER, {VERDICT_IMPOSSIBLE, NULL}},
    {TAIL_LAST | TAIL_CONTINUED, {VERDICT_IMPOSSIBLE, NULL}},

    /* Wherever they stand. */
    {TAIL_NEWER, {VERDICT_NEWER, "a block written by a newer slotd"}},
    {TAIL_STRANGER, {VERDICT_DAMAGED, "a block that does not follow the one before it"}},

    /* The last segment. */
    {TAIL_LAST | TAIL_ZERO, {VERDICT_CLEAN, NULL}},
    {TAIL_LAST | TAIL_PROOF, {VERDICT_DAMAGED, "an unreadable block that a later one knows to be durable"}},
    {TAIL_LAST, {VERDICT_TORN, NULL}},

    /* A segment behind which another was begun, which happens only when all of it is durable. */
    {TAIL_CONTINUED | TAIL_ZERO, {VERDICT_NEXT, NULL}},
    {TAIL_CONTINUED, {VERDICT_DAMAGED, "bytes behind the last block of a finished segment"}},
    {TAIL_ZERO, {VERDICT_DAMAGED, "zeros instead of blocks that the next segment continues"}},
    {0, {VERDICT_DAMAGED, "an unreadable block that the next segment continues"}},
};

static const struct rule header_rules[] = {
    {HEADER_WHOLE | HEADER_NEWER, {VERDICT_IMPOSSIBLE, NULL}},
    {HEADER_GAP, {VERDICT_DAMAGED, "the segment file before this one is missing"}},
    {HEADER_NEWER, {VERDICT_NEWER, "a segment written by a newer slotd"}},

    /* A segment in use. */
    {HEADER_WHOLE | HEADER_OURS | HEADER_IN_PLACE | HEADER_SIZED, {VERDICT_NEXT, NULL}},
    {HEADER_WHOLE | HEADER_OURS | HEADER_IN_PLACE, {VERDICT_DAMAGED, "a segment file of the wrong size"}},
    {HEADER_WHOLE | HEADER_OURS, {VERDICT_DAMAGED, "a segment under the name of another one"}},
    {HEADER_WHOLE, {VERDICT_DAMAGED, "a segment of another log"}},

    /* No header, or a broken one. The first segment gets its name only when its header is durable; the others get their
     * header when they are begun, and blocks only behind a durable header. */
    {HEADER_FIRST, {VERDICT_DAMAGED, "no header on the first segment"}},
    {HEADER_FINAL | HEADER_EMPTY, {VERDICT_CLEAN, NULL}},
    {HEADER_FINAL, {VERDICT_DAMAGED, "no header on a segment that is not empty"}},
    {0, {VERDICT_DAMAGED, "no header on a segment that has others behind it"}},
};

static struct verdict_row decide(const struct rule *rules, unsigned facts)
{
	while ((facts & rules->facts) != rules->facts) {
		rules++;
	}
	return rules->row;
}

struct verdict_row verdict_of_tail(unsigned facts)
{
	CHECK(facts < TAIL_FACTS);
	return decide(tail_rules, facts);
}

struct verdict_row verdict_of_header(unsigned facts)
{
	CHECK(facts < HEADER_FACTS);
	return decide(header_rules, facts);
}
