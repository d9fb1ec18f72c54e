/*
 * disk_reading: reads that are under way while their caller does something else (disk_directory.h).
 *
 * Each is a thread that does one blocking read and ends: for reads of a megabyte and more, which take longer than that costs
 * by far, there is nothing to keep between them. Where no thread can be started, the read is done when it is waited for.
 *
 * Threads: the owner's; the one of a read has a copy of all it needs.
 */
#include "disk_directory.h"

#include <assert.h>
#include <base/check.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>

struct file_reading {
	struct directory_file file;
	uint64_t offset;
	void *bytes;
	size_t size;
	ssize_t result;
	int failure; /* errno, if the result is negative */
	bool started;
	pthread_t thread;
};
static_assert(sizeof(struct file_reading) <= sizeof((struct disk_reading){0}.reserved), "it fits in a disk_reading");

static struct file_reading *file_reading_of(struct disk_reading *reading)
{
	return (struct file_reading *)(void *)reading->reserved;
}

static void *read_now(void *context)
{
	struct file_reading *reading = context;
	reading->result = directory_read(&reading->file, reading->offset, reading->bytes, reading->size);
	reading->failure = errno;
	return NULL;
}

static void port_read_begin(void *context, struct disk_reading *disk_reading, disk_file file, uint64_t offset,
			    void *bytes, size_t size)
{
	struct file_reading *reading = file_reading_of(disk_reading);
	*reading = (struct file_reading){
	    .file = *directory_file(context, file), .offset = offset, .bytes = bytes, .size = size};
	/* Signals are for the threads that expect them. */
	sigset_t all;
	sigset_t before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	reading->started = pthread_create(&reading->thread, NULL, read_now, reading) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static bool port_read_wait(void *context, struct disk_reading *disk_reading, size_t *got, struct error *error)
{
	struct file_reading *reading = file_reading_of(disk_reading);
	if (reading->started) {
		CHECK(pthread_join(reading->thread, NULL) == 0);
	} else {
		read_now(reading);
	}
	if (reading->result < 0) {
		directory_read_failure(context, reading->file.name, reading->offset, reading->size, reading->failure,
				       error);
		return false;
	}
	*got = (size_t)reading->result;
	return true;
}

void directory_reading_operations(struct disk *disk)
{
	disk->read_begin = port_read_begin;
	disk->read_wait = port_read_wait;
}
