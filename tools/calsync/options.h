/*
 * options: what slotd-calsync is told, by the command line and a file.
 *
 * The words are the same in both: `--name value`, and lines `name value` (# comments). On the command line a word that is
 * about a psychologist is `--calendar psychologist=URL`; in the file `calendar psychologist URL` is as good. What is said
 * once more counts, but for these, which add up.
 *
 * Threads: one; const afterwards.
 */
#pragma once

#include <base/error.h>
#include <calsync/limits.h>
#include <calsync/named.h>
#include <stdbool.h>
#include <stddef.h>

#define STATUS_FRESH     0
#define STATUS_NOT_FRESH 1
#define STATUS_USAGE     2

struct options {
	char *server; /* server: HOST:PORT, default 127.0.0.1:5545 */
	bool once;
	uint32_t every;   /* every: seconds, default 900 */
	uint32_t horizon; /* horizon: days, default 60 */
	bool allow_http;
	bool show;     /* show: print the intervals instead of sending them */
	char *state;   /* state: a directory, or NULL */
	char *netrc;   /* netrc-file */
	char *ca_file; /* ca-file: whom to trust instead of the system's */
	struct limits limits;
	struct named_list calendars; /* calendar */
	struct named_list zones;     /* zone */
	struct named_list passwords; /* password-file: user:password is its first line */
};

/* False to end at once with *status; what there is to say has been said. Secrets in `argv` are overwritten. */
bool options_parse(struct options *options, int argc, char **argv, int *status);
void options_fini(struct options *options);
