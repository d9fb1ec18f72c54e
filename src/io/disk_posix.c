/*
 * disk_posix: the disk port on plain system calls (io/disk_posix.h); blocking operations are in disk_directory.c, the thread
 * for the others is disk_thread.c.
 */
#include "disk_thread.h"

#include <assert.h>
#include <base/check.h>
#include <stdlib.h>
#include <sys/eventfd.h>

static_assert(sizeof(struct thread_op) <= sizeof((struct disk_op){0}.reserved), "a thread_op fits in a disk_op");

struct disk_posix {
	struct directory directory; /* first: the blocking operations take it for the whole */
	/* const after disk_posix_start */
	bool started;
	struct disk_thread thread;
	/* owned by the owner */
	uint32_t under_way;
};

static struct disk_op *disk_op_of(struct thread_op *op)
{
	return (struct disk_op *)(void *)((char *)op - offsetof(struct disk_op, reserved));
}

static void submit(struct disk_posix *posix, struct disk_op *disk_op, struct disk_request request)
{
	CHECK(posix->started);
	posix->under_way++;
	disk_thread_submit(&posix->thread, (struct thread_op *)(void *)disk_op->reserved, request);
}

static void port_write(void *context, struct disk_op *op, disk_file file, uint64_t offset, const void *bytes,
		       size_t size, bool durable)
{
	struct disk_posix *posix = context;
	submit(posix, op, directory_write_request(&posix->directory, file, offset, bytes, size, durable));
}

static void port_sync(void *context, struct disk_op *op, disk_file file)
{
	struct disk_posix *posix = context;
	submit(posix, op, directory_sync_request(&posix->directory, file));
}

static void port_sync_names(void *context, struct disk_op *op)
{
	struct disk_posix *posix = context;
	submit(posix, op, directory_names_request(&posix->directory));
}

void disk_posix_deliver(void *context)
{
	struct disk_posix *posix = context;
	eventfd_t count;
	(void)eventfd_read(posix->thread.finished_descriptor, &count);
	struct thread_op *op = disk_thread_take(&posix->thread);
	while (op != NULL) {
		struct thread_op *next = op->next;
		struct disk_op *disk_op = disk_op_of(op);
		struct error error;
		const bool failed = op->failure != 0;
		if (failed) {
			directory_failure(&posix->directory, &op->request, op->failure, &error);
		}
		posix->under_way--;
		disk_op->done(disk_op, failed ? &error : NULL);
		op = next;
	}
}

bool disk_posix_open(struct disk *disk, const char *path, enum disk_access access, struct error *error)
{
	struct disk_posix *posix = calloc(1, sizeof *posix);
	if (posix == NULL) {
		return error_set(error, ERROR_NO_MEMORY, "no memory for the disk port");
	}
	if (!directory_open(&posix->directory, path, access, error)) {
		free(posix);
		return false;
	}
	*disk = (struct disk){
	    .context = posix,
	    .engine = "pwrite",
	    .write = port_write,
	    .sync = port_sync,
	    .sync_names = port_sync_names,
	};
	directory_operations(disk);
	return true;
}

bool disk_posix_start(struct disk *disk, int *descriptor, struct error *error)
{
	struct disk_posix *posix = disk->context;
	CHECK(!posix->started);
	posix->started = disk_thread_start(&posix->thread, error);
	*descriptor = posix->thread.finished_descriptor;
	return posix->started;
}

int disk_posix_lock_descriptor(const struct disk *disk)
{
	return ((const struct disk_posix *)disk->context)->directory.lock_descriptor;
}

void disk_posix_close(struct disk *disk)
{
	struct disk_posix *posix = disk->context;
	CHECK(posix->under_way == 0);
	if (posix->started) {
		disk_thread_stop(&posix->thread);
	}
	directory_close(&posix->directory);
	free(posix);
	*disk = (struct disk){0};
}
