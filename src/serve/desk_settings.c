/*
 * desk_settings: what is set for a psychologist: the record, then the setting, as slot/settings.h has it.
 */
#include "desk_parts.h"

struct appending {
	struct desk *desk;
	struct record record;
};

static uint64_t append(void *context)
{
	const struct appending *appending = context;
	return wal_append(desk_wal(appending->desk), &appending->record);
}

struct outcome desk_set(struct desk *desk, enum setting_kind kind, uint32_t psychologist, struct span text,
			bool promised)
{
	struct appending appending = {
	    .desk = desk,
	    .record = {.type = kind == SETTING_HOURS ? RECORD_HOURS : RECORD_CALENDAR,
		       .at_ms = clock_wall_ms(desk->clock),
		       .psychologist = intern_token(&desk->table->psychologists, psychologist),
		       .text = text},
	};
	uint64_t lsn;
	const enum settings_outcome outcome =
	    table_set(desk->table, kind, psychologist, text, promised, append, &appending, &lsn);
	return (struct outcome){.code = outcome == SETTINGS_NO_MEMORY ? OUTCOME_MEMORY : OUTCOME_DONE,
				.lsn = lsn,
				.value = outcome == SETTINGS_CHANGED};
}

struct outcome desk_calendar(struct desk *desk, struct span psychologist, struct span url)
{
	struct intern *psychologists = &desk->table->psychologists;
	/* One that is not known has none. */
	const uint32_t number =
	    url.size != 0 ? intern_add(psychologists, psychologist, false) : intern_find(psychologists, psychologist);
	if (number == 0) {
		return (struct outcome){.code = url.size != 0 ? OUTCOME_MEMORY : OUTCOME_DONE};
	}
	return desk_set(desk, SETTING_CALENDAR, number, url, false);
}
