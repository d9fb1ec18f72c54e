/*
 * Proves: an error carries code and text, also when the text is longer than it has room for, and names what errno says.
 * Method: examples.
 */
#include <base/error.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

Test(error, set_fills_in_code_and_text_and_returns_false)
{
	struct error error;
	cr_assert_not(error_set(&error, ERROR_INVALID, "port %d is not allowed", 70000));
	cr_assert_eq(error.code, ERROR_INVALID);
	cr_assert_str_eq(error.text, "port 70000 is not allowed");
}

Test(error, nobody_has_to_want_the_error)
{
	cr_assert_not(error_set(NULL, ERROR_IO, "text"));
	cr_assert_not(error_errno(NULL, EIO, "text"));
}

Test(error, errno_says_why_and_which_code)
{
	struct error error;
	error_errno(&error, ENOENT, "cannot open %s", "x.wal");
	cr_assert_eq(error.code, ERROR_IO);
	cr_assert_str_eq(error.text, "cannot open x.wal: No such file or directory");
	error_errno(&error, ENOSPC, "w");
	cr_assert_eq(error.code, ERROR_NO_SPACE);
	error_errno(&error, EDQUOT, "w");
	cr_assert_eq(error.code, ERROR_NO_SPACE);
	error_errno(&error, ENOMEM, "w");
	cr_assert_eq(error.code, ERROR_NO_MEMORY);
}

Test(error, long_texts_are_cut_not_overrun)
{
	struct error error;
	error_errno(&error, EIO, "%0*d", 2000, 1);
	cr_assert_eq(strlen(error.text), sizeof error.text - 1);
}
