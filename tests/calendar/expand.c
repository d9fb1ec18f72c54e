/*
 * expand: prints when a calendar makes busy, for tests/calendar/oracle.py to compare.
 *
 * usage: expand FILE ZONE FROM TO        FROM, TO: YYYY-MM-DD, civil days of the zone, TO behind the last
 *
 * One interval a line, "2031-01-05T09:30 2031-01-05T10:00"; then "unreadable N cut N unknown-zones N".
 */
#include <base/bytes.h>
#include <calsync/expand.h>
#include <calsync/limits.h>
#include <calsync/sift.h>
#include <calsync/zones.h>
#include <slot/civil.h>
#include <stdio.h>
#include <stdlib.h>

static struct buffer read_file(const char *path)
{
	struct buffer bytes = {0};
	FILE *file = fopen(path, "r");
	if (file == NULL) {
		perror(path);
		exit(2);
	}
	for (size_t got; (got = fread(buffer_room(&bytes, 65536), 1, 65536, file)) > 0;) {
		bytes.size += got;
	}
	fclose(file);
	return bytes;
}

static uint32_t midnight(const char *text)
{
	uint16_t day = 0;
	if (!civil_parse_date(span_of(text), &day)) {
		fprintf(stderr, "no date: %s\n", text);
		exit(2);
	}
	return day * (uint32_t)MINUTES_PER_DAY;
}

static void print_minute(uint32_t minute, char end)
{
	char date[CIVIL_DATE_SIZE];
	char time[CIVIL_TIME_SIZE];
	civil_format_date((uint16_t)(minute / MINUTES_PER_DAY), date);
	civil_format_time((uint16_t)(minute % MINUTES_PER_DAY), time);
	printf("%.*sT%.*s%c", CIVIL_DATE_SIZE, date, CIVIL_TIME_SIZE, time, end);
}

int main(int argc, char **argv)
{
	if (argc != 5) {
		fputs("usage: expand FILE ZONE FROM TO\n", stderr);
		return 2;
	}
	zones_init();
	struct buffer bytes = read_file(argv[1]);
	struct buffer kept = {0};
	struct sifted sifted = {0};
	struct error error = {0};
	struct expansion expansion;
	if (!sift((struct span){bytes.at, bytes.size}, LIMITS_DEFAULT.events, &kept, &sifted, &error)) {
		fprintf(stderr, "%s %s\n", argv[1], error.text);
		return 1;
	}
	const struct expansion_asked asked = {
	    .kept = {kept.at, kept.size},
	    .zone = argv[2],
	    .window = {midnight(argv[3]), midnight(argv[4])},
	    .occurrences_max = LIMITS_DEFAULT.occurrences,
	};
	if (!expand(&asked, &expansion, &error)) {
		fprintf(stderr, "%s %s\n", argv[1], error.text);
		return 1;
	}
	for (uint32_t i = 0; i < expansion.count; i++) {
		print_minute(expansion.intervals[i].start, ' ');
		print_minute(expansion.intervals[i].end, '\n');
	}
	printf("unreadable %u cut %u unknown-zones %u\n", expansion.unreadable, expansion.cut, expansion.unknown_zones);
	free(expansion.intervals);
	buffer_fini(&bytes);
	buffer_fini(&kept);
	return 0;
}
