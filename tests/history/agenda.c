/*
 * agenda: see agenda.h.
 */
#include <base/check.h>
#include <history/agenda.h>
#include <slot/civil.h>
#include <stdio.h>

void agenda_add(struct agenda *agenda, const char *psychologist, uint32_t number, uint16_t day, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		CHECK(agenda->count < AGENDA_SLOTS_MAX);
		struct agenda_slot *slot = &agenda->slots[agenda->count++];
		*slot =
		    (struct agenda_slot){.psychologist_number = number, .day = day, .minute = (uint16_t)(540 + 60 * i)};
		snprintf(slot->psychologist, sizeof slot->psychologist, "%s", psychologist);
		civil_format_date(day, slot->date);
		civil_format_time(slot->minute, slot->time);
	}
}

uint32_t agenda_find(const struct agenda *agenda, struct span psychologist, struct span date, struct span time)
{
	uint32_t i = 0;
	while (i < agenda->count &&
	       !(span_equal(time, span_of(agenda->slots[i].time)) && span_equal(date, span_of(agenda->slots[i].date)) &&
		 span_equal(psychologist, span_of(agenda->slots[i].psychologist)))) {
		i++;
	}
	return i;
}

uint32_t agenda_find_key(const struct agenda *agenda, struct span psychologist, uint16_t day, uint16_t minute)
{
	uint32_t i = 0;
	while (i < agenda->count && !(agenda->slots[i].day == day && agenda->slots[i].minute == minute &&
				      span_equal(psychologist, span_of(agenda->slots[i].psychologist)))) {
		i++;
	}
	return i;
}
