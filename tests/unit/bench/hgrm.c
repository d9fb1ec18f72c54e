/*
 * Proves: the percentile table has every value, is in HdrHistogram's layout to the letter, and its shares end at 1.
 */
#include <bench/hgrm.h>
#include <criterion/criterion.h>
#include <stdlib.h>

static char *printed(const struct histogram *histogram, double unit)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	hgrm_print(file, histogram, unit);
	fclose(file);
	return text;
}

Test(hgrm, a_table_is_laid_out_as_the_tools_read_it)
{
	struct histogram histogram = {0};
	histogram_add(&histogram, 10);
	histogram_add(&histogram, 10);
	histogram_add(&histogram, 10);
	histogram_add(&histogram, 20);
	char *text = printed(&histogram, 10);
	cr_assert_str_eq(text, "       Value     Percentile TotalCount 1/(1-Percentile)\n"
			       "\n"
			       "       1.000 0.750000000000          3           4.00\n"
			       "       2.000 1.000000000000          4\n"
			       "#[Mean    =        1.250, StdDeviation   =        0.433]\n"
			       "#[Max     =        2.000, Total count    =            4]\n"
			       "#[Buckets =           36, SubBuckets     =          128]\n");
	free(text);
}

Test(hgrm, every_cell_that_holds_a_value_has_its_line)
{
	struct histogram histogram = {0};
	for (uint64_t value = 1; value < UINT64_C(1) << 45; value *= 2) { /* the last ones share the last cell */
		histogram_add(&histogram, value);
	}
	char *text = printed(&histogram, 1);
	size_t lines = 0;
	for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++) {
		lines++;
	}
	cr_assert_eq(lines, 2 + 43 + 3, "%zu lines:\n%s", lines, text);
	cr_assert_not_null(strstr(text, " 1.000000000000         45\n"));
	free(text);
}

Test(hgrm, of_nothing_only_head_and_foot_are_printed)
{
	const struct histogram histogram = {0};
	char *text = printed(&histogram, 1);
	cr_assert_not_null(strstr(text, "Total count    =            0]"));
	cr_assert_null(strstr(text, "nan"));
	free(text);
}
