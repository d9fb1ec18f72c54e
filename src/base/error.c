/*
 * error: filling in what went wrong. See base/error.h.
 */
#include <base/error.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool error_set(struct error *error, enum error_code code, const char *format, ...)
{
	if (error != NULL) {
		va_list arguments;
		va_start(arguments, format);
		error->code = code;
		vsnprintf(error->text, sizeof error->text, format, arguments);
		va_end(arguments);
	}
	return false;
}

static enum error_code code_of(int errno_value)
{
	switch (errno_value) {
	case ENOSPC:
	case EDQUOT:
		return ERROR_NO_SPACE;
	case ENOMEM:
		return ERROR_NO_MEMORY;
	default:
		return ERROR_IO;
	}
}

bool error_errno(struct error *error, int errno_value, const char *format, ...)
{
	if (error != NULL) {
		va_list arguments;
		va_start(arguments, format);
		error->code = code_of(errno_value);
		vsnprintf(error->text, sizeof error->text, format, arguments);
		va_end(arguments);
		const size_t used = strlen(error->text);
		char reason[128];
		/* The GNU strerror_r: it may answer with a text of its own instead of filling in ours. */
		snprintf(error->text + used, sizeof error->text - used, ": %s",
			 strerror_r(errno_value, reason, sizeof reason));
	}
	return false;
}
