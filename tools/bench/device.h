/*
 * device: how often the block device under a directory was written to and flushed, as the kernel counts it.
 *
 * That is what proves that a durable server is one: a flush can cover no more requests than were waiting for an answer,
 * connections times pipeline depth, so a server that answered more than that per flush did not wait for the device.
 * The counters are the device's: what anybody else on the machine writes is in them too.
 *
 * Threads: any.
 * See: Documentation/block/stat.rst in the kernel's sources.
 */
#pragma once

#include <base/error.h>
#include <limits.h>
#include <stdint.h>

struct device {
	char path[PATH_MAX]; /* of its stat file */
};

struct device_counts {
	uint64_t writes;
	uint64_t sectors; /* of 512 bytes */
	uint64_t flushes;
};

/* Finds the device under the directory: of a partition, the whole one, since partitions count no flushes. */
bool device_open(struct device *device, const char *directory, struct error *error);
bool device_read(const struct device *device, struct device_counts *counts, struct error *error);
/* The numbers of one such line; false if it has too few (kernels before 5.5 count no flushes). */
bool device_parse(const char *line, struct device_counts *counts);
