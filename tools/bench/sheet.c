/*
 * sheet: see sheet.h.
 */
#include <base/check.h>
#include <bench/sheet.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool parse_line(const char *text, struct sheet_line *line)
{
	char end;
	return sscanf(text, "%39s %39s %" SCNu32 " %39s %lf %c", line->row, line->who, &line->repetition, line->metric,
		      &line->value, &end) == 5 &&
	       line->repetition > 0 && line->repetition <= SHEET_REPETITIONS_MAX;
}

static void add(struct sheet *sheet, const struct sheet_line *line)
{
	if (sheet->count == sheet->capacity) {
		sheet->capacity = sheet->capacity == 0 ? 256 : 2 * sheet->capacity;
		sheet->lines = realloc(sheet->lines, sheet->capacity * sizeof *sheet->lines);
		CHECK(sheet->lines != NULL);
	}
	sheet->lines[sheet->count++] = *line;
}

bool sheet_read(struct sheet *sheet, FILE *file, struct error *error)
{
	char text[256];
	while (fgets(text, sizeof text, file) != NULL) {
		struct sheet_line line;
		if (!parse_line(text, &line)) {
			return error_set(error, ERROR_INVALID, "the sheet's line %zu is no figure: %s",
					 sheet->count + 1, text);
		}
		add(sheet, &line);
	}
	return true;
}

void sheet_fini(struct sheet *sheet)
{
	free(sheet->lines);
	*sheet = (struct sheet){0};
}

static bool has_name(const struct sheet_line *line, struct sheet_name name)
{
	return strcmp(line->row, name.row) == 0 && strcmp(line->who, name.who) == 0 &&
	       strcmp(line->metric, name.metric) == 0;
}

bool sheet_value(const struct sheet *sheet, struct sheet_name name, uint32_t repetition, double *value)
{
	for (size_t i = 0; i < sheet->count; i++) {
		if (sheet->lines[i].repetition == repetition && has_name(&sheet->lines[i], name)) {
			*value = sheet->lines[i].value;
			return true;
		}
	}
	return false;
}

struct statistics sheet_statistics(const struct sheet *sheet, struct sheet_name name)
{
	double values[SHEET_REPETITIONS_MAX];
	size_t count = 0;
	for (uint32_t i = 1; i <= SHEET_REPETITIONS_MAX; i++) {
		count += sheet_value(sheet, name, i, &values[count]);
	}
	return statistics_of(values, count);
}
