/*
 * disk: the port to the directory that holds the log, so that a simulator can own it.
 *
 * Files are named, and live in one directory. Blocking operations are for start-up, for tools and for rare moments;
 * what a running server does is asynchronous: submit, and be told through `done`, on the thread that owns the port.
 *
 * Write is durable when done: the bytes, and the metadata needed to read them back, are flushed to the device. Offsets,
 * sizes and the memory itself are multiples of DISK_ALIGN (O_DIRECT). A short write never reports success.
 * Nothing here retries a failed write or flush [I6].
 *
 * Two ports may be open on one directory, as when start-up hands over to a worker; file numbers belong to the port that
 * gave them. One lock covers the process: take it on one of the ports and keep that one open.
 *
 * Implementations: disk_ring (io_uring), disk_posix (pwrite and fdatasync on a thread of its own), tests/sim
 * (simulated).
 *
 * Threads: the thread that owns the port, but for disk_posix's own.
 */
#pragma once

#include <base/bytes.h>
#include <base/error.h>
#include <stdbool.h>
#include <stdint.h>

#define DISK_ALIGN     4096
#define DISK_NAME_SIZE 64
#define DISK_FILES_MAX 65536

struct disk_op;
/* `failure` is NULL when the operation did what it should, else good until `done` returns. */
typedef void disk_done_f(struct disk_op *op, const struct error *failure);

/* One asynchronous operation, embedded in whatever it is for; untouched by the caller until done. */
struct disk_op {
	disk_done_f *done;
	void *reserved[16]; /* the implementation's */
};

typedef int disk_file; /* a file the port has open; the implementation's numbers, negative is none */

struct disk_entry {
	char name[DISK_NAME_SIZE];
	uint64_t size;
};

/* A read that is under way, of whoever waits for it; untouched until then. */
struct disk_reading {
	void *reserved[20]; /* the implementation's */
};

struct disk {
	void *context;
	const char *engine; /* "io_uring", "pwrite", "simulated": shown as wal_engine in INFO */

	/* Takes the directory for this process alone, until the port is closed. ERROR_IN_USE, which names the directory, after
	 * some seconds: a process that has just ended may hold it a moment longer. */
	bool (*lock)(void *context, struct error *error);
	/* The files there are, sorted by name, without the port's own (the lock, hidden ones) and without what is no
	 * plain file. `entries` is malloc'd for the caller. */
	bool (*list)(void *context, struct disk_entry **entries, size_t *count, struct error *error);
	/* Opens for reading and writing; with `create` a new file, which must not exist. Creating makes the name
	 * durable only after sync_directory. */
	bool (*open)(void *context, const char *name, bool create, disk_file *file, struct error *error);
	void (*close)(void *context, disk_file file);
	/* Blocking read of up to `size` bytes, best aligned as writes are; *got is less only at the end of the file. */
	bool (*read)(void *context, disk_file file, uint64_t offset, void *bytes, size_t size, size_t *got,
		     struct error *error);
	/* The same in two steps, between which the caller does something else: several can be under way. The file stays open,
	 * the bytes are the port's until read_wait, which is called once for each. May be NULL, both: reading ahead is nothing
	 * here. */
	void (*read_begin)(void *context, struct disk_reading *reading, disk_file file, uint64_t offset, void *bytes,
			   size_t size);
	bool (*read_wait)(void *context, struct disk_reading *reading, size_t *got, struct error *error);
	/* Blocking write of aligned bytes, not yet durable; blocking flush of file, of the directory. */
	bool (*write_now)(void *context, disk_file file, uint64_t offset, const void *bytes, size_t size,
			  struct error *error);
	bool (*sync_now)(void *context, disk_file file, struct error *error);
	bool (*sync_directory)(void *context, struct error *error);
	bool (*rename)(void *context, const char *from, const char *to, struct error *error);
	bool (*remove)(void *context, const char *name, struct error *error);

	/* Asynchronous: write and, if `durable`, flush; done is called when both are. */
	void (*write)(void *context, struct disk_op *op, disk_file file, uint64_t offset, const void *bytes,
		      size_t size, bool durable);
	/* Asynchronous: flush everything written to the file. */
	void (*sync)(void *context, struct disk_op *op, disk_file file);
	/* Asynchronous: as sync_directory, which takes some milliseconds where a flush takes one. */
	void (*sync_names)(void *context, struct disk_op *op);
};
