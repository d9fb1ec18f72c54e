/*
 * recording: every write and flush that reached a block device, in order, so that what was on it at any moment can be made
 * again.
 *
 *   0      struct recording: how large the disk is, how many entries there are
 *   4096   entry, its bytes, entry, its bytes, ...
 *
 * The position of a moment is the number of entries then. The recorder counts an entry before it tells the kernel that it is
 * done, so whoever learns of something because of a flush and then looks at the position finds that flush below it.
 *
 * Threads: one process writes, others that have the file mapped read the count at any time, and entries below it.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#define RECORDING_ENTRIES_AT 4096

struct recording {
	uint64_t size;          /* of the disk, constant */
	_Atomic uint64_t count; /* released by the recorder when the entry is there, acquired by readers */
};

enum recording_kind {
	RECORDING_WRITE, /* `size` bytes follow */
	RECORDING_ZEROS, /* none follow: all were 0 */
	RECORDING_FLUSH, /* what is before it is on the device for good */
};

struct recording_entry {
	uint64_t offset;
	uint32_t size;
	uint32_t kind; /* enum recording_kind */
};
