/*
 * select: see the header.
 */
#include "select.h"

#include <base/intern.h>
#include <slot/civil.h>

#define MS_PER_MINUTE 60000
#define MS_PER_DAY    (UINT64_C(24) * 60 * MS_PER_MINUTE)

void selection_init(struct selection *selection)
{
	*selection = (struct selection){.end_lsn = UINT64_MAX, .limit = UINT64_MAX, .until_ms = UINT64_MAX};
}

void selection_fini(struct selection *selection)
{
	ids_fini(&selection->sessions);
}

/* -------------------------------------------------------------------------------------------------------------- words */

/* Takes what stands before the first `end` of *text, and leaves what stands behind it; all if there is none. */
static struct span take_part(struct span *text, char end)
{
	const uint8_t *found = text->size == 0 ? NULL : memchr(text->at, end, text->size);
	const size_t size = found == NULL ? text->size : (size_t)(found - text->at);
	const struct span part = {text->at, size};
	const size_t used = found == NULL ? size : size + 1;
	*text = (struct span){text->at + used, text->size - used};
	return part;
}

bool selection_parse_slot(struct selection *selection, struct span text)
{
	const bool slash_last = text.size > 0 && text.at[text.size - 1] == '/';
	selection->psychologist = take_part(&text, '/');
	selection->one_day = text.size > 0;
	const struct span date = take_part(&text, '/');
	selection->one_minute = text.size > 0;
	return !slash_last && token_valid(selection->psychologist) &&
	       (!selection->one_day || civil_parse_date(date, &selection->day)) &&
	       (!selection->one_minute || civil_parse_time(text, &selection->minute));
}

/* "30" or "30.123", at most three digits behind the point. */
static bool parse_seconds(struct span text, uint64_t *ms)
{
	uint64_t digits = 0;
	for (size_t i = 0; i < 6; i++) {
		const uint8_t byte = i < text.size ? text.at[i] : '0';
		if (i == 2) {
			if (text.size > 2 && (byte != '.' || text.size == 3)) {
				return false;
			}
		} else if (byte < '0' || byte > '9') {
			return false;
		} else {
			digits = 10 * digits + byte - '0';
		}
	}
	*ms = digits;
	/* 60 is a leap second, which the clock of the log does not know. */
	return text.size >= 2 && text.size <= 6 && digits < MS_PER_MINUTE;
}

bool selection_parse_moment(struct span text, uint64_t *at_ms)
{
	uint16_t day;
	uint16_t minute = 0;
	uint64_t ms = 0;
	const bool date_only = text.size == CIVIL_DATE_SIZE;
	if (text.size < CIVIL_DATE_SIZE || !civil_parse_date((struct span){text.at, CIVIL_DATE_SIZE}, &day)) {
		return false;
	}
	text = (struct span){text.at + CIVIL_DATE_SIZE, text.size - CIVIL_DATE_SIZE};
	if (!date_only) {
		if (text.at[text.size - 1] == 'Z') {
			text.size--;
		}
		const size_t whole = 1 + CIVIL_TIME_SIZE;
		if (text.size < whole || text.at[0] != 'T' ||
		    !civil_parse_time((struct span){text.at + 1, CIVIL_TIME_SIZE}, &minute)) {
			return false;
		}
		text = (struct span){text.at + whole, text.size - whole};
		if (text.size > 0 &&
		    (text.at[0] != ':' || !parse_seconds((struct span){text.at + 1, text.size - 1}, &ms))) {
			return false;
		}
	}
	*at_ms = day * MS_PER_DAY + minute * UINT64_C(60000) + ms;
	return true;
}

/* ------------------------------------------------------------------------------------------------------------ records */

bool selection_narrows(const struct selection *selection)
{
	return selection->start_lsn > 1 || selection->end_lsn != UINT64_MAX || selection->limit != UINT64_MAX ||
	       selection->since_ms != 0 || selection->until_ms != UINT64_MAX || selection->session != 0 ||
	       selection->psychologist.size != 0;
}

bool selection_skips(const struct selection *selection, uint64_t first_lsn, uint32_t record_count)
{
	/* With a slot asked for, the bookings before the start say which sessions concern it. */
	return first_lsn + record_count <= selection->start_lsn && selection->psychologist.size == 0;
}

bool selection_over(const struct selection *selection, uint64_t next_lsn)
{
	return next_lsn > selection->end_lsn || selection->taken >= selection->limit;
}

static bool is_at(const struct selection *selection, uint16_t day, uint16_t minute)
{
	return (!selection->one_day || day == selection->day) &&
	       (!selection->one_minute || minute == selection->minute);
}

static bool lists_slot(const struct selection *selection, const struct record *record)
{
	for (uint16_t i = 0; i < record->slot_count; i++) {
		const struct record_slot slot = record_slot(record, i);
		if (is_at(selection, slot.day, slot.minute)) {
			return true;
		}
	}
	return false;
}

static bool concerns_slot(struct selection *selection, const struct record *record);

/* All members are looked at, since looking remembers. */
static bool group_concerns_slot(struct selection *selection, const struct record *group)
{
	struct span rest = group->members;
	struct record member;
	bool concerns = false;
	while (record_next_member(&rest, &member)) {
		concerns = concerns_slot(selection, &member) || concerns;
	}
	return concerns;
}

/* From there, or to there. */
static bool move_concerns_slot(struct selection *selection, const struct record *record)
{
	const bool takes =
	    span_equal(record->psychologist, selection->psychologist) && is_at(selection, record->day, record->minute);
	const bool leaves = span_equal(record->from.psychologist, selection->psychologist) &&
			    is_at(selection, record->from.day, record->from.minute);
	if (takes) {
		ids_add(&selection->sessions, record->session);
	}
	return takes || leaves;
}

/* Is the day in the window? */
static bool busy_concerns_day(const struct selection *selection, const struct record *record)
{
	const struct record_busy window = record_busy(record, 0);
	return !selection->one_day || (window.start / MINUTES_PER_DAY <= selection->day &&
				       selection->day <= (window.end - 1) / MINUTES_PER_DAY);
}

/* Is it about the slot asked for? */
static bool concerns_slot(struct selection *selection, const struct record *record)
{
	switch (record->type) {
	case RECORD_CANCEL:
	case RECORD_STATUS:
		return ids_has(&selection->sessions, record->session);
	case RECORD_PURGE:
		return !selection->one_day || selection->day < record->day;
	case RECORD_BOOK:
	case RECORD_HOLD:
	case RECORD_IMPORT:
		if (!span_equal(record->psychologist, selection->psychologist) ||
		    !is_at(selection, record->day, record->minute)) {
			return false;
		}
		ids_add(&selection->sessions, record->session);
		return true;
	case RECORD_MOVE:
		return move_concerns_slot(selection, record);
	case RECORD_BUSY:
		return span_equal(record->psychologist, selection->psychologist) &&
		       busy_concerns_day(selection, record);
	case RECORD_HOURS:
		return span_equal(record->psychologist, selection->psychologist);
	case RECORD_CALENDAR:
		return span_equal(record->psychologist, selection->psychologist) && !selection->one_day;
	case RECORD_OPEN:
	case RECORD_CLOSE:
		return span_equal(record->psychologist, selection->psychologist) && lists_slot(selection, record);
	case RECORD_GROUP:
		return group_concerns_slot(selection, record);
	}
	return false;
}

static bool names_session(const struct record *record, uint64_t session)
{
	struct span rest = record->members;
	struct record member;
	while (record_next_member(&rest, &member)) {
		if (member.session == session) {
			return true;
		}
	}
	return record->session == session;
}

bool selection_takes(struct selection *selection, const struct record *record, uint64_t lsn)
{
	/* First, since it remembers. */
	if (selection->psychologist.size != 0 && !concerns_slot(selection, record)) {
		return false;
	}
	const bool takes = lsn >= selection->start_lsn && lsn <= selection->end_lsn &&
			   selection->taken < selection->limit && record->at_ms >= selection->since_ms &&
			   record->at_ms < selection->until_ms &&
			   (selection->session == 0 || names_session(record, selection->session));
	selection->taken += takes;
	return takes;
}
