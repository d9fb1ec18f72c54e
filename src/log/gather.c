/*
 * gather: see the header.
 */
#include "gather.h"

/* How fast the average follows. */
#define WEIGHT 16

void gather_sent(struct gather *gather, uint64_t now_ns)
{
	gather->sent_ns = now_ns;
}

void gather_ended(struct gather *gather, uint64_t records, uint64_t waiting, uint64_t now_ns)
{
	const uint64_t took_ns = now_ns - gather->sent_ns;
	if (gather->usual_ns == 0) {
		gather->usual_ns = took_ns;
	} else {
		gather->usual_ns = gather->usual_ns - gather->usual_ns / WEIGHT + took_ns / WEIGHT;
	}
	gather->ended_ns = now_ns;
	gather->expected = records + waiting;
	gather->seen = waiting;
	gather->seen_ns = now_ns;
	gather->looks = 0;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t gather_until(struct gather *gather, uint64_t waiting, uint64_t now_ns)
{
	if (waiting >= least(gather->expected, GATHER_ENOUGH)) {
		return 0;
	}
	const uint32_t look = gather->looks;
	gather->looks = look < 2 ? look + 1 : look;
	if (waiting != gather->seen) {
		gather->seen = waiting;
		gather->seen_ns = now_ns;
		gather->ended_ns = look == 1 ? now_ns : gather->ended_ns;
	}
	const uint64_t until_ns = least(gather->ended_ns + least(gather->limit_ns, gather->usual_ns / 2),
					gather->seen_ns + gather->usual_ns / 4);
	return now_ns < until_ns ? until_ns : 0;
}
