/*
 * Proves: writes, sectors and flushes are read from their places in a block device's stat line, and a kernel that counts no
 * flushes is told apart from one that saw none.
 */
#include <bench/device.h>
#include <criterion/criterion.h>

Test(device, a_line_of_seventeen_numbers_has_writes_and_flushes)
{
	struct device_counts counts;
	cr_assert(
	    device_parse("  593535    31154 103707874   235060  2073891   136143 89058808   473980        0   415152   "
			 "945971   151904       86 64879912    54799   682650   182131\n",
			 &counts));
	cr_assert_eq(counts.writes, 2073891);
	cr_assert_eq(counts.sectors, 89058808);
	cr_assert_eq(counts.flushes, 682650);
}

Test(device, a_kernel_that_counts_no_flushes_is_told)
{
	struct device_counts counts;
	cr_assert_not(device_parse("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15\n", &counts));
	cr_assert_not(device_parse("", &counts));
}
