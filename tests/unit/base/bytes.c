/*
 * Proves: spans compare and parse as base/bytes.h says, also at the edges of the numbers; a buffer keeps every byte
 * while it grows, is formatted into and is dropped from. Method: examples, and one buffer compared with a plain array.
 */
#include <base/bytes.h>
#include <criterion/criterion.h>

Test(bytes, span_is_ignores_ascii_case_only)
{
	cr_assert(span_is(span_of("BoOk"), "book"));
	cr_assert(span_is(span_of(""), ""));
	cr_assert_not(span_is(span_of("book"), "books"));
	cr_assert_not(span_is(span_of("boo{"), "boo["));
	cr_assert_not(span_is((struct span){(const uint8_t *)"a\0b", 3}, "a"));
}

Test(bytes, span_equal_compares_bytes_and_size)
{
	cr_assert(span_equal(span_of("abc"), span_of("abc")));
	cr_assert_not(span_equal(span_of("abc"), span_of("abC")));
	cr_assert_not(span_equal(span_of("abc"), span_of("ab")));
	cr_assert(span_equal((struct span){NULL, 0}, span_of("")));
}

Test(bytes, a_number_is_digits_without_leading_zero_up_to_its_maximum)
{
	uint64_t number = 7;
	cr_assert(span_number(span_of("0"), 10, &number));
	cr_assert_eq(number, 0);
	cr_assert(span_number(span_of("1440"), 1440, &number));
	cr_assert_eq(number, 1440);
	cr_assert(span_number(span_of("18446744073709551615"), UINT64_MAX, &number));
	cr_assert_eq(number, UINT64_MAX);
	const char *const refused[] = {
	    "", "1441", "-1", "+1", "01", "00", "1 ", " 1", "0x1", "1e3", "99999999999999999999"};
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		cr_assert_not(span_number(span_of(refused[i]), 1440, &number), "took '%s'", refused[i]);
	}
	cr_assert_not(span_number(span_of("18446744073709551616"), UINT64_MAX, &number));
	cr_assert_not(span_number(span_of("5"), 4, &number));
}

Test(bytes, loads_and_stores_are_little_endian_at_any_address)
{
	uint8_t bytes[11] = {0};
	store64(bytes + 1, UINT64_C(0x1122334455667788));
	cr_assert_eq(bytes[1], 0x88);
	cr_assert_eq(bytes[8], 0x11);
	cr_assert_eq(load64(bytes + 1), UINT64_C(0x1122334455667788));
	cr_assert_eq(load32(bytes + 1), 0x55667788u);
	cr_assert_eq(load16(bytes + 7), 0x1122u);
}

Test(bytes, a_buffer_keeps_what_was_added_while_it_grows)
{
	struct buffer buffer = {0};
	for (uint32_t i = 0; i < 10000; i++) {
		buffer_add(&buffer, &i, sizeof i);
	}
	cr_assert_eq(buffer.size, 40000);
	for (uint32_t i = 0; i < 10000; i++) {
		cr_assert_eq(load32(buffer.at + 4 * i), i);
	}
	buffer_fini(&buffer);
	cr_assert_null(buffer.at);
}

Test(bytes, adding_nothing_to_an_empty_buffer_is_allowed)
{
	struct buffer buffer = {0};
	buffer_add(&buffer, NULL, 0);
	cr_assert_eq(buffer.size, 0);
	buffer_drop(&buffer, 0);
	buffer_fini(&buffer);
}

Test(bytes, format_adds_text_that_is_longer_than_the_room)
{
	struct buffer buffer = {0};
	buffer_add(&buffer, "x", 1);
	buffer_format(&buffer, "%0*d", 5000, 7);
	cr_assert_eq(buffer.size, 5001);
	cr_assert_eq(buffer.at[0], 'x');
	cr_assert_eq(buffer.at[1], '0');
	cr_assert_eq(buffer.at[5000], '7');
	buffer_format(&buffer, "%s", "");
	cr_assert_eq(buffer.size, 5001);
	buffer_fini(&buffer);
}

Test(bytes, drop_moves_the_rest_to_the_front)
{
	struct buffer buffer = {0};
	buffer_add(&buffer, "abcdef", 6);
	buffer_drop(&buffer, 2);
	cr_assert_eq(buffer.size, 4);
	cr_assert_eq(memcmp(buffer.at, "cdef", 4), 0);
	buffer_drop(&buffer, 4);
	cr_assert_eq(buffer.size, 0);
	buffer_fini(&buffer);
}

Test(bytes, an_emptied_buffer_keeps_little_memory)
{
	struct buffer buffer = {0};
	memset(buffer_room(&buffer, 100), 'x', 100);
	buffer.size = 100;
	buffer_empty(&buffer);
	cr_assert_eq(buffer.size, 0);
	cr_assert_geq(buffer.capacity, 100);
	memset(buffer_room(&buffer, 10 * BUFFER_KEEP), 'x', 10 * BUFFER_KEEP);
	buffer.size = 10 * BUFFER_KEEP;
	buffer_empty(&buffer);
	cr_assert_eq(buffer.size, 0);
	cr_assert_leq(buffer.capacity, BUFFER_KEEP);
	buffer_fini(&buffer);
}
