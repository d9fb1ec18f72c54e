/*
 * Proves: what is set last is what is got and walked over, and nothing else; a record is appended for each change and for
 * nothing that stands; memory is given back to the last byte, and a setting for which there is none changes nothing.
 *
 * Method: random settings of some psychologists compared with a model; examples for the outcomes.
 */
#include <criterion/criterion.h>
#include <sim/prng.h>
#include <slot/settings.h>
#include <stdio.h>

#define PSYCHOLOGISTS 40

static uint64_t next_lsn(void *context)
{
	return ++*(uint64_t *)context;
}

struct fixture {
	struct memory memory;
	struct settings settings;
	uint64_t lsn; /* of the last record */
};

static void init(struct fixture *fixture, uint64_t limit)
{
	memory_init(&fixture->memory, limit);
	settings_init(&fixture->settings, &fixture->memory);
	fixture->lsn = 0;
}

static uint64_t used(const struct fixture *fixture)
{
	return atomic_load_explicit(&fixture->memory.used, memory_order_relaxed);
}

static enum settings_outcome set(struct fixture *fixture, enum setting_kind kind, uint32_t psychologist,
				 const char *text, uint64_t *lsn)
{
	return settings_set(&fixture->settings, kind, psychologist, span_of(text), false, next_lsn, &fixture->lsn, lsn);
}

static const char *get(struct fixture *fixture, enum setting_kind kind, uint32_t psychologist, uint64_t *lsn)
{
	static char text[SETTING_TEXT_MAX + 1];
	struct buffer got = {0};
	const bool there = settings_get(&fixture->settings, kind, psychologist, &got, lsn);
	cr_assert_eq(there, got.size > 0);
	snprintf(text, sizeof text, "%.*s", (int)got.size, (const char *)got.at);
	buffer_fini(&got);
	return text;
}

struct model {
	char text[SETTING_KINDS][PSYCHOLOGISTS + 1][32];
	uint64_t lsn[SETTING_KINDS][PSYCHOLOGISTS + 1];
	uint64_t removed_lsn[SETTING_KINDS];
};

static void change(struct fixture *fixture, struct model *model, struct prng *prng)
{
	const enum setting_kind kind = prng_below(prng, SETTING_KINDS);
	const uint32_t psychologist = 1 + prng_below(prng, PSYCHOLOGISTS);
	char text[32] = "";
	uint64_t lsn;
	if (!prng_one_in(prng, 3)) {
		snprintf(text, sizeof text, "text %u", prng_below(prng, 4));
	}
	char *now = model->text[kind][psychologist];
	const bool changes = strcmp(text, now) != 0;
	cr_assert_eq(set(fixture, kind, psychologist, text, &lsn), changes ? SETTINGS_CHANGED : SETTINGS_STANDS);
	if (changes) {
		cr_assert_eq(lsn, fixture->lsn);
		strcpy(now, text);
		model->lsn[kind][psychologist] = lsn;
		model->removed_lsn[kind] = text[0] == '\0' ? lsn : model->removed_lsn[kind];
	} else {
		cr_assert_eq(lsn, text[0] == '\0' ? model->removed_lsn[kind] : model->lsn[kind][psychologist]);
	}
}

static void compare(struct fixture *fixture, const struct model *model, enum setting_kind kind)
{
	struct buffer text = {0};
	uint64_t lsn;
	uint32_t at = 0;
	uint32_t count = 0;
	for (uint32_t psychologist = 1; psychologist <= PSYCHOLOGISTS; psychologist++) {
		const char *expected = model->text[kind][psychologist];
		cr_assert_str_eq(get(fixture, kind, psychologist, &lsn), expected);
		if (expected[0] != '\0') {
			at = settings_next(&fixture->settings, kind, at, &text, &lsn);
			cr_assert_eq(at, psychologist);
			cr_assert_eq(lsn, model->lsn[kind][psychologist]);
			cr_assert(span_equal((struct span){text.at, text.size}, span_of(expected)));
			text.size = 0;
			count++;
		}
	}
	cr_assert_eq(settings_next(&fixture->settings, kind, at, &text, &lsn), 0);
	cr_assert_eq(lsn, model->removed_lsn[kind], "that there is none behind depends on who took one out");
	cr_assert_eq(fixture->settings.counts[kind], count);
	buffer_fini(&text);
}

Test(settings, are_as_they_were_set_last)
{
	struct fixture fixture;
	static struct model model;
	init(&fixture, UINT64_C(1) << 30);
	struct prng prng = {0x5e77};
	for (uint32_t round = 0; round < 200; round++) {
		for (uint32_t i = 0; i < 20; i++) {
			change(&fixture, &model, &prng);
		}
		compare(&fixture, &model, SETTING_HOURS);
		compare(&fixture, &model, SETTING_CALENDAR);
	}
	for (uint32_t psychologist = 1; psychologist <= PSYCHOLOGISTS; psychologist++) {
		uint64_t lsn;
		set(&fixture, SETTING_HOURS, psychologist, "", &lsn);
		set(&fixture, SETTING_CALENDAR, psychologist, "", &lsn);
	}
	cr_assert_eq(used(&fixture), 0);
	settings_fini(&fixture.settings);
}

Test(settings, without_memory_change_nothing)
{
	struct fixture fixture;
	uint64_t lsn;
	init(&fixture, 200);
	cr_assert_eq(set(&fixture, SETTING_HOURS, 1, "short", &lsn), SETTINGS_CHANGED);
	const uint64_t before = used(&fixture);
	char large[301];
	memset(large, 'a', 300);
	large[300] = '\0';
	cr_assert_eq(set(&fixture, SETTING_HOURS, 1, large, &lsn), SETTINGS_NO_MEMORY);
	cr_assert_eq(set(&fixture, SETTING_HOURS, 2, large, &lsn), SETTINGS_NO_MEMORY);
	cr_assert_eq(fixture.lsn, 1, "no record");
	cr_assert_eq(used(&fixture), before);
	cr_assert_str_eq(get(&fixture, SETTING_HOURS, 1, &lsn), "short");
	cr_assert_str_eq(get(&fixture, SETTING_HOURS, 2, &lsn), "");
	/* The log is obeyed all the same. */
	cr_assert_eq(
	    settings_set(&fixture.settings, SETTING_HOURS, 2, span_of(large), true, next_lsn, &fixture.lsn, &lsn),
	    SETTINGS_CHANGED);
	cr_assert_eq(set(&fixture, SETTING_HOURS, 2, "", &lsn), SETTINGS_CHANGED);
	cr_assert_eq(used(&fixture), before);
	settings_fini(&fixture.settings);
}
