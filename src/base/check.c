/*
 * check: where a failed assertion ends. See base/check.h.
 */
#include <base/check.h>
#include <stdio.h>
#include <stdlib.h>

_Noreturn void check_failed(const char *condition, const char *file, int line, const char *function)
{
	fprintf(stderr, "slotd: impossible: %s does not hold in %s (%s:%d)\n", condition, function, file, line);
	abort();
}
