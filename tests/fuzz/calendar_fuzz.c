/*
 * Fuzzes what becomes of a calendar: whatever the bytes are, it ends in bounded steps, and what comes out is in order,
 * apart, inside the window, and no more than the window has minutes.
 *
 * The size of an input chooses the psychologist's zone.
 */
#include <base/check.h>
#include <calsync/expand.h>
#include <calsync/limits.h>
#include <calsync/sift.h>
#include <calsync/zones.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* 60 days from 2026-06-01 on. */
static const struct busy_interval window = {20605 * MINUTES_PER_DAY, 20665 * MINUTES_PER_DAY};

static void check(const struct expansion *expansion)
{
	uint32_t end = 0;
	for (uint32_t i = 0; i < expansion->count; i++) {
		CHECK(expansion->intervals[i].start >= window.start);
		CHECK(expansion->intervals[i].end <= window.end);
		CHECK(expansion->intervals[i].start < expansion->intervals[i].end);
		CHECK(i == 0 || expansion->intervals[i].start > end);
		end = expansion->intervals[i].end;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const char *const zones[] = {"Europe/Berlin", "UTC", "Australia/Lord_Howe", "America/New_York"};
	static bool is_ready;
	if (!is_ready) {
		zones_init();
		is_ready = true;
	}
	struct buffer kept = {0};
	struct sifted sifted = {0};
	if (sift((struct span){bytes, size}, LIMITS_DEFAULT.events, &kept, &sifted, NULL)) {
		CHECK(kept.size <= 2 * size + 64 * (size_t)sifted.events); /* a UID may be shorter than its hash */
		const struct expansion_asked asked = {
		    .kept = {kept.at, kept.size},
		    .zone = zones[size % 4],
		    .window = window,
		    .occurrences_max = LIMITS_DEFAULT.occurrences,
		};
		struct expansion expansion;
		if (expand(&asked, &expansion, NULL)) {
			check(&expansion);
			free(expansion.intervals);
		}
	}
	buffer_fini(&kept);
	return 0;
}
