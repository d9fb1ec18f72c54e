/*
 * state: see the header.
 */
#include <base/check.h>
#include <base/hash.h>
#include <calsync/report.h>
#include <calsync/state.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_LINE "slotd-calsync 1\n"
#define END_SIZE   21 /* "end ", 16 digits, LF */

bool state_open(const char *directory, struct error *error)
{
	return mkdir(directory, 0700) == 0 || errno == EEXIST || error_errno(error, errno, "state %s", directory);
}

/* The name says nothing of the url, which may be secret. */
static char *path_of(const char *directory, const struct calendar *calendar, const char *suffix)
{
	char *path = NULL;
	const uint64_t url = hash_bytes(calendar->text, strlen(calendar->text), 0);
	CHECK(asprintf(&path, "%s/%s-%016" PRIx64 "%s", directory, calendar->psychologist, url, suffix) >= 0);
	return path;
}

/* ---- writing ---- */

static void add(struct buffer *file, const char *name, const void *bytes, size_t size)
{
	buffer_format(file, "%s %zu\n", name, size);
	buffer_add(file, bytes, size);
	buffer_add(file, "\n", 1);
}

static void add_text(struct buffer *file, const char *name, const char *text)
{
	add(file, name, text, strlen(text));
}

static void add_number(struct buffer *file, const char *name, uint64_t number)
{
	char text[24];
	snprintf(text, sizeof text, "%" PRIu64, number);
	add_text(file, name, text);
}

static void write_fields(struct buffer *file, const struct calendar *calendar)
{
	buffer_add(file, FIRST_LINE, strlen(FIRST_LINE));
	add_number(file, "failures", calendar->failures);
	add_number(file, "not-before", calendar->not_before_ms);
	for (size_t i = 0; i < calendar->items.count; i++) {
		const struct item *item = calendar->items.at[i];
		add_text(file, "item", item->href);
		add_text(file, "item-etag", item->etag);
		add_number(file, "item-events", item->events);
		add(file, "item-kept", item->kept.at, item->kept.size);
	}
	/* Items may be there before all are known: what was too much for one run goes on from them. */
	if (!calendar->is_known) {
		return;
	}
	add_number(file, "hash", calendar->hash);
	add_text(file, "etag", calendar->etag);
	add_text(file, "date", calendar->date);
	if (calendar->token != NULL) {
		add_text(file, "token", calendar->token);
	}
	add_number(file, "has-changed", calendar->has_changed);
	add(file, "kept", calendar->kept.at, calendar->kept.size);
}

static bool write_file(const char *path, const struct buffer *file)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool is_good = fd >= 0;
	for (size_t done = 0; is_good && done < file->size;) {
		const ssize_t written = write(fd, file->at + done, file->size - done);
		is_good = written > 0;
		done += is_good ? (size_t)written : 0;
	}
	return fd >= 0 && close(fd) == 0 && is_good;
}

void state_save(const char *directory, const struct calendar *calendar)
{
	struct buffer file = {0};
	char *path = path_of(directory, calendar, "");
	char *fresh = path_of(directory, calendar, ".new");
	write_fields(&file, calendar);
	buffer_format(&file, "end %016" PRIx64 "\n", hash_bytes(file.at, file.size, 0));
	if (!write_file(fresh, &file) || rename(fresh, path) != 0) {
		log_line(LOG_WARNING, "the state of a calendar cannot be kept", "psychologist=%s reason=\"%s\"",
			 calendar->psychologist, strerror(errno));
	}
	buffer_fini(&file);
	free(path);
	free(fresh);
}

/* ---- reading ---- */

static bool read_file(const char *path, struct buffer *file)
{
	FILE *stream = fopen(path, "re");
	if (stream == NULL) {
		return false;
	}
	for (size_t got; (got = fread(buffer_room(file, 65536), 1, 65536, stream)) > 0;) {
		file->size += got;
	}
	fclose(stream);
	const size_t first = strlen(FIRST_LINE);
	if (file->size < first + END_SIZE || memcmp(file->at, FIRST_LINE, first) != 0) {
		return false;
	}
	char end[END_SIZE + 1];
	file->size -= END_SIZE;
	snprintf(end, sizeof end, "end %016" PRIx64 "\n", hash_bytes(file->at, file->size, 0));
	return memcmp(file->at + file->size, end, END_SIZE) == 0;
}

/* Cuts the next field; its bytes have a NUL behind them, in place of the LF. */
static bool next_field(struct buffer *file, size_t *at, char **name, char **bytes, size_t *size)
{
	char *line = (char *)file->at + *at;
	char *blank = *at < file->size ? memchr(line, ' ', file->size - *at) : NULL;
	char *end = blank != NULL ? memchr(blank, '\n', file->size - *at - (size_t)(blank - line)) : NULL;
	uint64_t number;
	if (end == NULL ||
	    !span_number((struct span){(uint8_t *)blank + 1, (size_t)(end - blank - 1)}, file->size, &number)) {
		return false;
	}
	*blank = '\0';
	*name = line;
	*bytes = end + 1;
	*size = number;
	const size_t start = (size_t)(*bytes - (char *)file->at);
	if (number >= file->size - start) {
		return false;
	}
	(*bytes)[number] = '\0';
	*at = start + number + 1;
	return true;
}

static uint64_t number_of(const char *text)
{
	return strtoull(text, NULL, 10);
}

static void take_item(struct item *item, const char *name, const char *bytes, size_t size)
{
	if (strcmp(name, "item-etag") == 0) {
		item_set_etag(item, bytes);
	} else if (strcmp(name, "item-events") == 0) {
		item->events = (uint32_t)number_of(bytes);
	} else if (strcmp(name, "item-kept") == 0) {
		buffer_add(&item->kept, bytes, size);
	}
}

static void take_field(struct calendar *calendar, struct item **item, const char *name, const char *bytes, size_t size)
{
	if (strcmp(name, "failures") == 0) {
		calendar->failures = (uint32_t)number_of(bytes);
	} else if (strcmp(name, "not-before") == 0) {
		calendar->not_before_ms = number_of(bytes);
	} else if (strcmp(name, "hash") == 0) {
		calendar->hash = number_of(bytes);
	} else if (strcmp(name, "etag") == 0) {
		snprintf(calendar->etag, sizeof calendar->etag, "%s", bytes);
	} else if (strcmp(name, "date") == 0) {
		snprintf(calendar->date, sizeof calendar->date, "%s", bytes);
	} else if (strcmp(name, "token") == 0) {
		free(calendar->token);
		calendar->token = strdup(bytes);
	} else if (strcmp(name, "has-changed") == 0) {
		calendar->has_changed = number_of(bytes) != 0;
	} else if (strcmp(name, "item") == 0) {
		*item = items_get(&calendar->items, bytes, SIZE_MAX);
	} else if (strcmp(name, "kept") == 0) {
		buffer_add(&calendar->kept, bytes, size);
		calendar->is_known = true;
	} else if (*item != NULL) {
		take_item(*item, name, bytes, size);
	}
}

void state_load(const char *directory, struct calendar *calendar)
{
	struct buffer file = {0};
	char *path = path_of(directory, calendar, "");
	if (read_file(path, &file)) {
		size_t at = strlen(FIRST_LINE);
		struct item *item = NULL;
		char *name;
		char *bytes;
		size_t size;
		while (next_field(&file, &at, &name, &bytes, &size)) {
			take_field(calendar, &item, name, bytes, size);
		}
	}
	buffer_fini(&file);
	free(path);
}
