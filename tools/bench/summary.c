/*
 * summary: see summary.h.
 */
#include <bench/goals.h>
#include <bench/summary.h>
#include <errno.h>
#include <string.h>

static void print_range(const struct statistics *of, int digits)
{
	printf("%.*f", digits, of->median);
	if (of->count > 1) {
		printf(" (%.*f-%.*f)", digits, of->least, digits, of->greatest);
	}
}

static uint32_t repetitions_of(const struct sheet *sheet)
{
	uint32_t most = 0;
	for (size_t i = 0; i < sheet->count; i++) {
		most = sheet->lines[i].repetition > most ? sheet->lines[i].repetition : most;
	}
	return most;
}

static void print_goals(const struct sheet *sheet)
{
	const uint32_t repetitions = repetitions_of(sheet);
	puts("| what | against | goal | reached: median (range) | met |\n|---|---|---|---|---|");
	for (size_t i = 0; i < goal_count; i++) {
		const struct goal *goal = &goals[i];
		const struct statistics reached = goal_reached(goal, sheet);
		printf("| %s | %s | %s %gx | ", goal->what, goal->against, goal->at_least ? "at least" : "at most",
		       goal->bound);
		if (reached.count == 0) {
			puts("not measured | **no** |");
			continue;
		}
		print_range(&reached, 2);
		if (reached.count < repetitions) {
			printf(", in %zu of %u repetitions", reached.count, repetitions);
		}
		printf(" | %s |\n", goal_met(goal, &reached) ? "yes" : "**no**");
	}
}

/* Is this line the first of its figure, repetitions aside? */
static bool is_first(const struct sheet *sheet, size_t index)
{
	const struct sheet_line *line = &sheet->lines[index];
	for (size_t i = 0; i < index; i++) {
		const struct sheet_line *before = &sheet->lines[i];
		if (strcmp(before->row, line->row) == 0 && strcmp(before->who, line->who) == 0 &&
		    strcmp(before->metric, line->metric) == 0) {
			return false;
		}
	}
	return true;
}

static struct statistics figure(const struct sheet *sheet, const struct sheet_line *line, const char *metric)
{
	return sheet_statistics(sheet, (struct sheet_name){line->row, line->who, metric});
}

/* Everything that was timed, one line for a row and who. */
static void print_timed(const struct sheet *sheet)
{
	static const struct {
		const char *title;
		const char *metric;
		int digits;
	} columns[] = {
	    {"a second", "rate", 0},
	    {"p50 us", "p50_us", 0},
	    {"p99 us", "p99_us", 0},
	    {"p99.9 us", "p999_us", 0},
	    {"flushes a second", "flushes_per_s", 0},
	    {"claims a flush", "claims_per_flush", 1},
	    {"writes a flush", "writes_per_flush", 2},
	};
	const size_t count = sizeof columns / sizeof columns[0];
	printf("| row | who ");
	for (size_t i = 0; i < count; i++) {
		printf("| %s ", columns[i].title);
	}
	printf("|\n|---|---");
	for (size_t i = 0; i < count; i++) {
		printf("|---:");
	}
	puts("|");
	for (size_t i = 0; i < sheet->count; i++) {
		const struct sheet_line *line = &sheet->lines[i];
		if (strcmp(line->metric, "rate") != 0 || !is_first(sheet, i)) {
			continue;
		}
		printf("| %s | %s ", line->row, line->who);
		for (size_t k = 0; k < count; k++) {
			const struct statistics of = figure(sheet, line, columns[k].metric);
			printf("| ");
			if (of.count > 0 && k == 0) {
				print_range(&of, columns[k].digits);
				putchar(' ');
			} else if (of.count > 0) {
				printf("%.*f ", columns[k].digits, of.median);
			}
		}
		puts("|");
	}
}

/* What is left: figures of rows that have no rate. */
static void print_others(const struct sheet *sheet)
{
	puts("| row | who | figure | median (range) |\n|---|---|---|---:|");
	for (size_t i = 0; i < sheet->count; i++) {
		const struct sheet_line *line = &sheet->lines[i];
		if (figure(sheet, line, "rate").count > 0 || !is_first(sheet, i)) {
			continue;
		}
		const struct statistics of = figure(sheet, line, line->metric);
		printf("| %s | %s | %s | ", line->row, line->who, line->metric);
		print_range(&of, of.median < 100 ? 1 : 0);
		puts(" |");
	}
}

static void print_summary(const struct sheet *sheet)
{
	print_goals(sheet);
	puts("\n### Everything that was timed\n");
	print_timed(sheet);
	puts("\n### Everything else\n");
	print_others(sheet);
}

static void print_medians(const struct sheet *sheet)
{
	for (size_t i = 0; i < sheet->count; i++) {
		const struct sheet_line *line = &sheet->lines[i];
		if (is_first(sheet, i)) {
			const struct statistics of = figure(sheet, line, line->metric);
			printf("%s %s %s %.9g %.9g %.9g\n", line->row, line->who, line->metric, of.median, of.least,
			       of.greatest);
		}
	}
}

static int print_sheet(const struct options *options, void (*print)(const struct sheet *sheet))
{
	if (options->sheet == NULL) {
		options_refuse("mode", options->mode, "needs --sheet");
	}
	struct error error;
	struct sheet sheet = {0};
	FILE *file = fopen(options->sheet, "r");
	bool good = file != NULL || error_errno(&error, errno, "opening %s", options->sheet);
	if (good) {
		good = sheet_read(&sheet, file, &error);
		fclose(file);
	}
	if (good) {
		print(&sheet);
	} else {
		fprintf(stderr, "slotd-bench: %s\n", error.text);
	}
	sheet_fini(&sheet);
	return good ? 0 : 1;
}

int summary_run(const struct options *options)
{
	return print_sheet(options, print_summary);
}

int summary_medians(const struct options *options)
{
	return print_sheet(options, print_medians);
}
