/*
 * named: see the header.
 */
#include <base/check.h>
#include <calsync/named.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void named_add(struct named_list *list, const char *psychologist, const char *value)
{
	list->at = realloc(list->at, (list->count + 1) * sizeof *list->at);
	CHECK(list->at != NULL);
	struct named *named = &list->at[list->count++];
	snprintf(named->psychologist, sizeof named->psychologist, "%s", psychologist);
	named->value = strdup(value);
	CHECK(named->value != NULL);
}

const char *named_find(const struct named_list *list, const char *psychologist)
{
	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->at[i].psychologist, psychologist) == 0) {
			return list->at[i].value;
		}
	}
	return NULL;
}

void named_fini(struct named_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->at[i].value);
	}
	free(list->at);
	*list = (struct named_list){0};
}

bool file_is_private(const char *path, struct error *error)
{
	struct stat status;
	if (stat(path, &status) != 0) {
		return error_errno(error, errno, "cannot read %s", path);
	}
	return (status.st_mode & 07) == 0 ||
	       error_set(error, ERROR_INVALID, "%s holds secrets and others may read it: chmod o= it", path);
}
