/*
 * sheet: the figures of many measurements, one a line: row, who, repetition, metric, value.
 *
 *   book-50x16 slotd 3 rate 612345.1
 *   book-50x16 redis-always 3 rate 221034.9
 *
 * Each measurement adds its lines to the end of the file; the summary reads them all. Medians and ratios are those of
 * repetitions: a ratio is taken within a repetition, where both sides met the same weather, and then its median.
 *
 * Threads: same thread only.
 */
#pragma once

#include <base/error.h>
#include <bench/statistics.h>
#include <stdint.h>
#include <stdio.h>

#define SHEET_WORD_SIZE       40
#define SHEET_REPETITIONS_MAX 100

/* What a figure is called; a repetition of it has one value. */
struct sheet_name {
	const char *row;
	const char *who;
	const char *metric;
};

struct sheet_line {
	char row[SHEET_WORD_SIZE];
	char who[SHEET_WORD_SIZE];
	uint32_t repetition;
	char metric[SHEET_WORD_SIZE];
	double value;
};

/* Zero-initialised is empty. */
struct sheet {
	struct sheet_line *lines;
	size_t count;
	size_t capacity;
};

bool sheet_read(struct sheet *sheet, FILE *file, struct error *error);
void sheet_fini(struct sheet *sheet);
/* The figure's value in a repetition; false if there is none. */
bool sheet_value(const struct sheet *sheet, struct sheet_name name, uint32_t repetition, double *value);
struct statistics sheet_statistics(const struct sheet *sheet, struct sheet_name name);
