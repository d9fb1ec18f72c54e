/*
 * images: a server was under load on a disk that was recorded; whatever moment the power had been cut at, nothing that was
 * acknowledged by then is gone.
 *
 * Cuts are chosen at random between the first step of the journal and the last. For each, the disk is made as it may have
 * been then (platter.h), mounted (the file system recovers), the log must pass slotd-replay --verify, the server starts, and
 * every slot is held against what the ledger knew at that position.
 *
 * Threads: one, no load running.
 */
#pragma once

#include "journal.h"
#include <drive/server.h>

struct images {
	const char *place; /* a folder: the recording is in it, and images are made there, as `image` */
	const char *show;  /* the command that mounts the image where the server's data are */
	struct server *server;
	const struct journal *journal;
	uint64_t seed;
	uint32_t count;
	uint32_t early; /* of a run that must fail: answers are taken to have come so many entries before they did */
};

/* The recording of `place`, mapped until the program ends, or NULL: said why. */
const struct recording *images_recording(const char *place);

/* Prints a line with the counts. False: an image was bad: it could not be mounted, or its log was refused, or something was
 * lost, doubled, nobody's. The first bad one is kept as `bad` in the place. */
bool images_check(const struct images *images);
