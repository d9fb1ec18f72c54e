/*
 * timeline: see model/timeline.h.
 */
#include <base/check.h>
#include <model/timeline.h>
#include <stdlib.h>

void timeline_init(struct timeline *timeline)
{
	*timeline = (struct timeline){.count = 0};
	timeline_add(timeline, &(struct moment){.lsn = 0});
}

void timeline_fini(struct timeline *timeline)
{
	free(timeline->moments);
}

void timeline_add(struct timeline *timeline, const struct moment *moment)
{
	if (timeline->count > 0 && timeline->moments[timeline->count - 1].lsn == moment->lsn) {
		timeline->moments[timeline->count - 1] = *moment;
		return;
	}
	if ((timeline->count & (timeline->count - 1)) == 0) {
		const size_t capacity = timeline->count == 0 ? 1 : timeline->count * 2;
		timeline->moments = realloc(timeline->moments, capacity * sizeof *timeline->moments);
		CHECK(timeline->moments != NULL);
	}
	timeline->moments[timeline->count++] = *moment;
}

size_t timeline_at(const struct timeline *timeline, uint64_t lsn)
{
	size_t low = 0;
	size_t high = timeline->count;
	while (high - low > 1) {
		const size_t middle = low + (high - low) / 2;
		if (timeline->moments[middle].lsn <= lsn) {
			low = middle;
		} else {
			high = middle;
		}
	}
	return low;
}

static bool is_free(const struct toy_record *record)
{
	return record->type == TOY_CHANGE ? !session_occupies(record->status) : record->type != TOY_BOOK;
}

void timeline_read(struct timeline *timeline, const struct toy_desk *toy, uint64_t key)
{
	timeline_init(timeline);
	for (uint64_t lsn = 1; lsn <= toy_lsn(toy); lsn++) {
		const struct toy_record *record = &toy->records[lsn - 1];
		if (record->key == key) {
			timeline_add(timeline,
				     &(struct moment){.lsn = lsn,
						      .session = record->session,
						      .there = record->type != TOY_CLOSE,
						      .status = is_free(record) ? SESSION_FREE : SESSION_BOOKED});
		}
	}
}

static bool ended_by(const struct timeline *timeline, size_t i, uint64_t lsn)
{
	return i + 1 < timeline->count && timeline->moments[i + 1].lsn <= lsn;
}

bool timeline_allows(const struct timeline *timeline, const struct toy_look *look, uint64_t lsn_before)
{
	size_t i = timeline_at(timeline, look->lsn);
	const struct moment *moment = &timeline->moments[i];
	const bool free = moment->status == SESSION_FREE;
	if (look->there) {
		return moment->lsn == look->lsn && moment->there && free == look->view.free &&
		       (free || moment->session == look->view.session) && !ended_by(timeline, i, lsn_before);
	}
	for (; !ended_by(timeline, i, lsn_before); i--) {
		if (!timeline->moments[i].there) {
			return true;
		}
		CHECK(i > 0); /* the first moment is one that is not there */
	}
	return false;
}
