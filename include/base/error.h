/*
 * error: what the world did to us, in one line a person can act on.
 *
 * A function that can fail for reasons outside slotd returns bool (or a value) and takes `struct error *` as its last
 * parameter. On failure it has filled in a code for the program and a text for the person: what, where, what is allowed
 * or what to do. errno is read only next to the call that set it. Bugs are CHECKs, refusals of a client's request are
 * outcomes (serve/desk.h); neither is an error.
 *
 * Threads: any; an error belongs to its caller.
 */
#pragma once

#include <stdbool.h>

enum error_code {
	ERROR_NONE,
	ERROR_INVALID,     /* bad configuration or argument */
	ERROR_IO,          /* the device or the file system failed */
	ERROR_NO_SPACE,    /* the device is full */
	ERROR_NO_MEMORY,   /* address space or memory refused */
	ERROR_DAMAGED,     /* the log holds something that was never written so */
	ERROR_NEWER,       /* written by a newer slotd */
	ERROR_IN_USE,      /* another process holds it */
	ERROR_UNSUPPORTED, /* this kernel or container does not offer it */
};

struct error {
	enum error_code code;
	char text[512];
};

/* Fills in `error` (which may be NULL) and returns false, so that a caller can `return error_set(...)`. */
bool error_set(struct error *error, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* As error_set, with ": " and the text of `errno_value` behind; ENOSPC and EDQUOT become ERROR_NO_SPACE. */
bool error_errno(struct error *error, int errno_value, const char *format, ...) __attribute__((format(printf, 3, 4)));
