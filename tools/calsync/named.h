/*
 * named: what is said about psychologists, one thing each: a url, a zone, a file.
 *
 * Threads: same thread only.
 */
#pragma once

#include <base/error.h>
#include <base/limits.h>
#include <stdbool.h>
#include <stddef.h>

struct named {
	char psychologist[TOKEN_SIZE_MAX + 1];
	char *value;
};

struct named_list {
	struct named *at;
	size_t count;
};

void named_add(struct named_list *list, const char *psychologist, const char *value);
/* The value for a psychologist, or NULL. */
const char *named_find(const struct named_list *list, const char *psychologist);
void named_fini(struct named_list *list);

/* True for a file that only its owner and its group can read, as one that holds secrets must be. */
bool file_is_private(const char *path, struct error *error);
