/*
 * settings: what one run of crash is to do.
 *
 * usage: crash [--bin DIR] [--cycles N] [--seed S] [--keep] [--dir DIR] [--io ENGINE] [--options WORDS]
 *              [--deny EPERM|ENOSYS] [--unprivileged] [--during COMMAND] [--cut COMMAND --renew COMMAND]
 *              [--recorded PLACE --show COMMAND --images N [--early N]]
 *
 * The server under test:
 *   --options WORDS    further options of its command line
 *   --deny ERRNO       it gets this for every io_uring call, and must be on the pwrite engine
 *   --unprivileged     it runs as nobody and may lock 64 KiB of memory. It is restarted at once, while the kernel still counts
 *                      the rings of the one before against that limit, and must be on io_uring all the same
 *
 * What happens to it:
 *   --during COMMAND   runs in the middle of each load, and the server must acknowledge claims after it
 *   --cut COMMAND      ends each load, in place of kill -9: takes the file system of --dir away from under the server.
 *                      --renew COMMAND brings the file system back as the cut left it
 *   --recorded PLACE   the disk under --dir is recorded there; --images so many are made of it afterwards (images.h).
 *                      --show COMMAND mounts one
 *   --early N          each answer is taken to have come so many entries of the recording before it did: must be found
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct settings {
	uint64_t seed;
	uint32_t cycles;
	uint32_t images;
	uint32_t early;
	int deny; /* errno, or 0 */
	bool unprivileged;
	bool keep;
	/* Commands and names, NULL where none was given, but for the first two. */
	const char *bin;
	const char *options;
	const char *io;
	const char *dir;
	const char *during;
	const char *cut;
	const char *renew;
	const char *recorded;
	const char *show;
};

extern const char settings_usage[];

/* Takes the words of a command line, without the first; the settings are zero before. False: one is wrong. */
bool settings_parse(struct settings *settings, char **words);
