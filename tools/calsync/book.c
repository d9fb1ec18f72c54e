/*
 * book: see the header.
 */
#include <base/check.h>
#include <calsync/book.h>
#include <calsync/state.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
	const struct calendar *first = a;
	const struct calendar *second = b;
	const int order = strcmp(first->psychologist, second->psychologist);
	return order != 0 ? order : strcmp(first->text, second->text);
}

/* The first line of a file: user:password. */
static char *read_password(const char *path, struct error *error)
{
	char *line = NULL;
	size_t room = 0;
	FILE *file = fopen(path, "re");
	if (file == NULL) {
		error_errno(error, errno, "its password-file");
		return NULL;
	}
	const ssize_t size = getline(&line, &room, file);
	fclose(file);
	if (size > 0) {
		line[strcspn(line, "\r\n")] = '\0';
	}
	if (size <= 0 || strchr(line, ':') == NULL) {
		error_set(error, ERROR_INVALID, "its password-file does not begin with user:password");
		free(line);
		return NULL;
	}
	return line;
}

/* What may have changed since the run before is read again: the password. */
static void prepare(struct calendar *calendar, const struct options *options)
{
	struct error error = {0};
	const char *path = named_find(&options->passwords, calendar->psychologist);
	calendar->outcome = CALENDAR_PENDING;
	calendar->reason[0] = '\0';
	free(calendar->credentials);
	calendar->credentials = NULL;
	if (calendar->url.address == NULL && !url_parse(&calendar->url, calendar->text, options->allow_http, &error)) {
		calendar_fail(calendar, error.text);
	} else if (calendar->url.credentials != NULL) {
		calendar->credentials = strdup(calendar->url.credentials);
	} else if (path != NULL) {
		calendar->credentials = read_password(path, &error);
		if (calendar->credentials == NULL) {
			calendar_fail(calendar, error.text);
		}
	}
}

/* Moves what is known of a calendar that was followed before. */
static bool move_known(struct book *old, struct calendar *calendar)
{
	struct calendar *known =
	    old->count > 0 ? bsearch(calendar, old->calendars, old->count, sizeof *known, compare) : NULL;
	if (known == NULL) {
		return false;
	}
	free(calendar->text);
	*calendar = *known;
	*known = (struct calendar){.text = strdup(known->text)};
	memcpy(known->psychologist, calendar->psychologist, sizeof known->psychologist);
	return true;
}

void book_update(struct book *book, const struct named_list *named, const struct options *options)
{
	struct book old = *book;
	book->calendars = calloc(named->count + 1, sizeof *book->calendars);
	CHECK(book->calendars != NULL);
	book->count = 0;
	for (size_t i = 0; i < named->count; i++) {
		struct calendar *calendar = &book->calendars[book->count++];
		memcpy(calendar->psychologist, named->at[i].psychologist, sizeof calendar->psychologist);
		calendar->text = strdup(named->at[i].value);
		CHECK(calendar->text != NULL);
	}
	/* The array is there, also for none. */
	qsort(book->calendars, book->count, sizeof *book->calendars, compare);
	size_t kept = 0;
	for (size_t i = 0; i < book->count; i++) {
		if (kept > 0 && compare(&book->calendars[kept - 1], &book->calendars[i]) == 0) {
			calendar_fini(&book->calendars[i]);
		} else {
			book->calendars[kept] = book->calendars[i];
			kept++;
		}
	}
	book->count = kept;
	for (size_t i = 0; i < book->count; i++) {
		if (!move_known(&old, &book->calendars[i]) && options->state != NULL) {
			state_load(options->state, &book->calendars[i]);
		}
		prepare(&book->calendars[i], options);
	}
	book_fini(&old);
}

void book_fini(struct book *book)
{
	for (size_t i = 0; i < book->count; i++) {
		calendar_fini(&book->calendars[i]);
	}
	free(book->calendars);
	*book = (struct book){0};
}

size_t book_behind(const struct book *book, size_t first)
{
	size_t behind = first;
	while (behind < book->count &&
	       strcmp(book->calendars[behind].psychologist, book->calendars[first].psychologist) == 0) {
		behind++;
	}
	return behind;
}
