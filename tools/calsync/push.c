/*
 * push: see the header.
 */
#include <calsync/push.h>

bool push_next(const struct busy_interval *window, const struct busy_interval *intervals, uint32_t count, uint32_t *at,
	       struct push_part *part)
{
	if (*at > count || (*at == count && count > 0)) {
		return false;
	}
	const uint32_t left = count - *at;
	part->count = left < BUSY_COUNT_MAX ? left : BUSY_COUNT_MAX;
	part->intervals = intervals + *at;
	part->window.start = *at == 0 ? window->start : part->intervals[0].start;
	part->window.end = part->count == left ? window->end : part->intervals[part->count].start;
	*at += part->count > 0 ? part->count : 1;
	return true;
}

bool push(struct server *server, const char *psychologist, uint64_t now_ms, const struct busy_interval *window,
	  const struct busy_interval *intervals, uint32_t count, struct told *told, struct error *error)
{
	uint64_t generation;
	if (!server_generation(server, psychologist, &generation, error)) {
		return false;
	}
	generation = generation >= now_ms ? generation + 1 : now_ms;
	struct push_part part;
	for (uint32_t at = 0; push_next(window, intervals, count, &at, &part);) {
		if (!server_busy(server, psychologist, generation, &part.window, part.intervals, part.count, told,
				 error)) {
			return false;
		}
	}
	return true;
}
