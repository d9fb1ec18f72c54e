/*
 * Proves what io/disk.h promises, for each way to do it: disk_posix with its thread, disk_ring with the ring and its thread;
 * each on the file system of the working directory and on tmpfs, where there is no direct I/O. [I6]: a
 * failed write is told and not tried again; a short one is continued and flushed anew.
 *
 * Method: every test runs over the table of `variants`, in a directory of its own. Short writes are made by standing in
 * front of pwritev2 and of liburing's submit, failures by RLIMIT_FSIZE and by a tmpfs that is full (root only; skipped
 * with a message otherwise).
 */
#include <base/check.h>
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <io/disk_posix.h>
#include <io/disk_ring.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* -------------------------------------------------------------------- in front of the kernel: short writes, flushes */

static int shorten;      /* so many writes come up half */
static int flush_count;  /* flushes asked for since it was reset */
static int write_count;  /* asynchronous writes */
static int last_durable; /* was the last one written with RWF_DSYNC? */

ssize_t pwritev2(int descriptor, const struct iovec *pieces, int count, off_t offset, int flags)
{
	struct iovec piece = pieces[0];
	CHECK(count == 1);
	if (shorten > 0) {
		shorten--;
		piece.iov_len /= 2;
	}
	write_count++;
	last_durable = (flags & RWF_DSYNC) != 0;
	return syscall(SYS_pwritev2, descriptor, &piece, 1L, offset, 0L, (long)flags);
}

int fdatasync(int descriptor)
{
	flush_count++;
	return (int)syscall(SYS_fdatasync, descriptor);
}

int io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **cqe, unsigned count,
				     struct __kernel_timespec *span, sigset_t *mask)
{
	for (unsigned i = ring->sq.sqe_head; i != ring->sq.sqe_tail; i++) {
		struct io_uring_sqe *sqe = &ring->sq.sqes[i & ring->sq.ring_mask];
		flush_count += sqe->opcode == IORING_OP_FSYNC;
		if (sqe->opcode != IORING_OP_WRITE) {
			continue;
		}
		write_count++;
		last_durable = (sqe->rw_flags & RWF_DSYNC) != 0;
		if (shorten > 0) {
			shorten--;
			sqe->len /= 2;
		}
	}
	static int (*next)(struct io_uring *, struct io_uring_cqe **, unsigned, struct __kernel_timespec *, sigset_t *);
	if (next == NULL) {
		*(void **)&next = dlsym(RTLD_NEXT, "io_uring_submit_and_wait_timeout");
	}
	return next(ring, cqe, count, span, mask);
}

/* ----------------------------------------------------------------------------------------------------- the variants */

enum engine {
	POSIX,
	RING,
};

static const struct variant {
	const char *name;
	enum engine engine;
	const char *parent;
} variants[] = {
    {"posix", POSIX, "/tmp"},
    {"ring", RING, "/tmp"},
    {"posix on tmpfs", POSIX, "/dev/shm"},
    {"ring on tmpfs", RING, "/dev/shm"},
};

struct fixture {
	const struct variant *variant;
	char path[64];
	struct ring ring;
	struct disk disk;
	int finished; /* disk_posix's descriptor */
};

static void open_disk(struct fixture *fixture)
{
	struct error error = {0};
	if (fixture->variant->engine == POSIX) {
		cr_assert(disk_posix_open(&fixture->disk, fixture->path, DISK_READ_WRITE, &error), "%s", error.text);
		cr_assert(disk_posix_start(&fixture->disk, &fixture->finished, &error), "%s", error.text);
		return;
	}
	cr_assert(ring_open(&fixture->ring, 64, &error), "%s", error.text);
	cr_assert(disk_ring_open(&fixture->disk, &fixture->ring, fixture->path, &error), "%s", error.text);
}

static void close_disk(struct fixture *fixture)
{
	if (fixture->variant->engine == POSIX) {
		disk_posix_close(&fixture->disk);
		return;
	}
	disk_ring_close(&fixture->disk);
	ring_close(&fixture->ring);
}

static void remove_tree(const char *path)
{
	char command[128];
	snprintf(command, sizeof command, "rm -rf '%s'", path);
	cr_assert(system(command) == 0);
}

static void with_disk(const struct variant *variant, void (*test)(struct fixture *))
{
	struct fixture fixture = {.variant = variant};
	snprintf(fixture.path, sizeof fixture.path, "%s/slotd-disk-XXXXXX", variant->parent);
	cr_assert(mkdtemp(fixture.path) != NULL);
	open_disk(&fixture);
	test(&fixture);
	close_disk(&fixture);
	remove_tree(fixture.path);
}

#define DISK_TEST(behaviour)                                                                                           \
	static void behaviour(struct fixture *fixture);                                                                \
	Test(disk, behaviour)                                                                                          \
	{                                                                                                              \
		for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++)                                      \
			with_disk(&variants[i], behaviour);                                                            \
	}                                                                                                              \
	static void behaviour(struct fixture *fixture)

/* One asynchronous operation and how it ended. */
struct outcome {
	struct disk_op op;
	int done;
	struct error failure;
};

static void on_done(struct disk_op *op, const struct error *failure)
{
	struct outcome *outcome = (struct outcome *)(void *)((char *)op - offsetof(struct outcome, op));
	outcome->done++;
	if (failure != NULL) {
		outcome->failure = *failure;
	}
}

static void wait_done(struct fixture *fixture, struct outcome *outcome)
{
	while (outcome->done == 0) {
		if (fixture->variant->engine != POSIX) {
			ring_wait(&fixture->ring, -1);
			continue;
		}
		struct pollfd ready = {.fd = fixture->finished, .events = POLLIN};
		cr_assert(poll(&ready, 1, 10000) == 1);
		disk_posix_deliver(fixture->disk.context);
	}
	cr_assert(outcome->done == 1);
}

static struct outcome write_async(struct fixture *fixture, disk_file file, uint64_t offset, const uint8_t *bytes,
				  size_t size, bool durable)
{
	struct disk *disk = &fixture->disk;
	struct outcome outcome = {.op.done = on_done};
	disk->write(disk->context, &outcome.op, file, offset, bytes, size, durable);
	wait_done(fixture, &outcome);
	return outcome;
}

static disk_file create(struct fixture *fixture, const char *name)
{
	struct error error = {0};
	disk_file file;
	cr_assert(fixture->disk.open(fixture->disk.context, name, true, &file, &error), "%s: %s",
		  fixture->variant->name, error.text);
	return file;
}

static size_t read_back(struct fixture *fixture, disk_file file, uint64_t offset, void *bytes, size_t size)
{
	struct error error = {0};
	size_t got = 0;
	cr_assert(fixture->disk.read(fixture->disk.context, file, offset, bytes, size, &got, &error), "%s: %s",
		  fixture->variant->name, error.text);
	return got;
}

#define BLOCKS 16
#define SIZE   ((size_t)BLOCKS * DISK_ALIGN)

static uint8_t *pattern(void)
{
	uint8_t *bytes = aligned_alloc(DISK_ALIGN, SIZE);
	for (size_t i = 0; i < SIZE; i++) {
		bytes[i] = (uint8_t)(i * 7 + i / DISK_ALIGN + 1);
	}
	return bytes;
}

/* ------------------------------------------------------------------------------------------------------------ tests */

DISK_TEST(what_was_written_is_read_back_aligned_or_not)
{
	uint8_t *bytes = pattern();
	const disk_file file = create(fixture, "a");
	for (int durable = 0; durable <= 1; durable++) {
		const struct outcome outcome =
		    write_async(fixture, file, (uint64_t)durable * SIZE, bytes, SIZE, durable);
		cr_assert(outcome.failure.code == ERROR_NONE, "%s: %s", fixture->variant->name, outcome.failure.text);
	}
	struct outcome sync = {.op.done = on_done};
	fixture->disk.sync(fixture->disk.context, &sync.op, file);
	wait_done(fixture, &sync);
	cr_assert(sync.failure.code == ERROR_NONE);
	struct outcome sync_names = {.op.done = on_done};
	fixture->disk.sync_names(fixture->disk.context, &sync_names.op);
	wait_done(fixture, &sync_names);
	cr_assert(sync_names.failure.code == ERROR_NONE);

	uint8_t *got = aligned_alloc(DISK_ALIGN, 3 * SIZE);
	cr_assert(read_back(fixture, file, 0, got, 3 * SIZE) == 2 * SIZE, "less only at the end of the file");
	cr_assert(memcmp(got, bytes, SIZE) == 0);
	cr_assert(memcmp(got + SIZE, bytes, SIZE) == 0);
	cr_assert(read_back(fixture, file, 5001, got + 1, SIZE) == SIZE);
	cr_assert(memcmp(got + 1, bytes + 5001, SIZE - 5001) == 0);
	cr_assert(memcmp(got + 1 + SIZE - 5001, bytes, 5001) == 0);
	cr_assert(read_back(fixture, file, 2 * SIZE - 10, got, 100) == 10);
	cr_assert(read_back(fixture, file, 3 * SIZE, got, 100) == 0);
	free(got);
	free(bytes);
}

DISK_TEST(durable_write_is_flushed_and_a_plain_one_is_not)
{
	uint8_t *bytes = pattern();
	const disk_file file = create(fixture, "a");
	flush_count = 0;
	write_async(fixture, file, 0, bytes, SIZE, false);
	cr_assert(!last_durable);
	cr_assert(flush_count == 0);
	write_async(fixture, file, 0, bytes, SIZE, true);
	cr_assert(last_durable, "%s", fixture->variant->name);
	cr_assert(flush_count == 0, "%s: twice", fixture->variant->name);
	free(bytes);
}

DISK_TEST(short_write_is_continued_and_flushed_anew)
{
	uint8_t *bytes = pattern();
	const disk_file file = create(fixture, "a");
	flush_count = 0;
	write_count = 0;
	shorten = 2;
	const struct outcome outcome = write_async(fixture, file, SIZE, bytes, SIZE, true);
	cr_assert(outcome.failure.code == ERROR_NONE, "%s: %s", fixture->variant->name, outcome.failure.text);
	cr_assert(shorten == 0);
	cr_assert(write_count == 3);
	cr_assert(flush_count >= 1, "%s: the rest was not flushed", fixture->variant->name);
	uint8_t *got = aligned_alloc(DISK_ALIGN, SIZE);
	cr_assert(read_back(fixture, file, SIZE, got, SIZE) == SIZE);
	cr_assert(memcmp(got, bytes, SIZE) == 0);
	free(got);
	free(bytes);
}

DISK_TEST(write_past_the_limit_of_the_file_size_fails_and_is_not_tried_again)
{
	uint8_t *bytes = pattern();
	const disk_file file = create(fixture, "a");
	signal(SIGXFSZ, SIG_IGN);
	struct rlimit before;
	cr_assert(getrlimit(RLIMIT_FSIZE, &before) == 0);
	const struct rlimit small = {.rlim_cur = 4 * DISK_ALIGN, .rlim_max = before.rlim_max};
	cr_assert(setrlimit(RLIMIT_FSIZE, &small) == 0);
	write_count = 0;
	const struct outcome outcome = write_async(fixture, file, 0, bytes, SIZE, true);
	cr_assert(setrlimit(RLIMIT_FSIZE, &before) == 0);
	cr_assert(outcome.failure.code == ERROR_IO, "%s", fixture->variant->name);
	cr_assert(strstr(outcome.failure.text, "at offset 16384 of '") != NULL, "%s", outcome.failure.text);
	cr_assert(strstr(outcome.failure.text, "/a': File too large") != NULL, "%s", outcome.failure.text);
	/* Four blocks fit, the rest failed, and that was that. */
	cr_assert(write_count == 2, "%s: %d", fixture->variant->name, write_count);
	free(bytes);
}

DISK_TEST(many_operations_at_once_are_each_done_once)
{
	uint8_t *bytes = pattern();
	const disk_file file = create(fixture, "a");
	struct outcome outcomes[200];
	for (size_t i = 0; i < 200; i++) {
		outcomes[i] = (struct outcome){.op.done = on_done};
		fixture->disk.write(fixture->disk.context, &outcomes[i].op, file, i * DISK_ALIGN,
				    bytes + i % BLOCKS * DISK_ALIGN, DISK_ALIGN, i % 3 == 0);
	}
	for (size_t i = 0; i < 200; i++) {
		wait_done(fixture, &outcomes[i]);
		cr_assert(outcomes[i].failure.code == ERROR_NONE);
	}
	uint8_t *got = aligned_alloc(DISK_ALIGN, DISK_ALIGN);
	for (size_t i = 0; i < 200; i++) {
		cr_assert(read_back(fixture, file, i * DISK_ALIGN, got, DISK_ALIGN) == DISK_ALIGN);
		cr_assert(memcmp(got, bytes + i % BLOCKS * DISK_ALIGN, DISK_ALIGN) == 0);
	}
	free(got);
	free(bytes);
}

DISK_TEST(files_are_created_listed_renamed_and_removed_by_name)
{
	struct disk *disk = &fixture->disk;
	struct error error = {0};
	cr_assert(disk->lock(disk->context, &error), "%s", error.text);
	uint8_t *bytes = pattern();
	const disk_file c = create(fixture, "c");
	cr_assert(disk->write_now(disk->context, c, 0, bytes, SIZE, &error), "%s", error.text);
	cr_assert(disk->sync_now(disk->context, c, &error), "%s", error.text);
	disk->close(disk->context, create(fixture, "b"));
	disk->close(disk->context, create(fixture, "a"));
	cr_assert(disk->rename(disk->context, "a", "d", &error), "%s", error.text);
	cr_assert(disk->remove(disk->context, "b", &error), "%s", error.text);
	cr_assert(disk->sync_directory(disk->context, &error), "%s", error.text);

	struct disk_entry *entries = NULL;
	size_t count = 0;
	cr_assert(disk->list(disk->context, &entries, &count, &error), "%s", error.text);
	cr_assert(count == 2);
	cr_assert(strcmp(entries[0].name, "c") == 0);
	cr_assert(entries[0].size == SIZE);
	cr_assert(strcmp(entries[1].name, "d") == 0);
	cr_assert(entries[1].size == 0);
	free(entries);

	disk_file again;
	cr_assert(!disk->open(disk->context, "c", true, &again, &error), "creates what is there");
	cr_assert(!disk->open(disk->context, "b", false, &again, &error), "opens what is not there");
	cr_assert(strstr(error.text, "/b': No such file") != NULL, "%s", error.text);
	cr_assert(disk->open(disk->context, "d", false, &again, &error), "%s", error.text);
	struct stat status;
	char name[128];
	snprintf(name, sizeof name, "%s/c", fixture->path);
	cr_assert(stat(name, &status) == 0);
	cr_assert((status.st_mode & 0777) == 0600);
	free(bytes);
}

DISK_TEST(symbolic_links_are_not_followed_and_not_listed)
{
	char name[128];
	snprintf(name, sizeof name, "%s/a", fixture->path);
	cr_assert(symlink("/etc/passwd", name) == 0);
	struct error error = {0};
	disk_file file;
	cr_assert(!fixture->disk.open(fixture->disk.context, "a", false, &file, &error));
	struct disk_entry *entries = NULL;
	size_t count = 1;
	cr_assert(fixture->disk.list(fixture->disk.context, &entries, &count, &error), "%s", error.text);
	cr_assert(count == 0);
	free(entries);
}

/* In a process of its own: exit status 0 if the lock is refused as it should be. */
static int try_lock_elsewhere(const char *path)
{
	const pid_t child = fork();
	if (child == 0) {
		struct disk disk;
		struct error error = {0};
		if (!disk_posix_open(&disk, path, DISK_READ_WRITE, &error)) {
			_exit(2);
		}
		if (disk.lock(disk.context, &error)) {
			_exit(1);
		}
		char expected[160];
		snprintf(expected, sizeof expected, "data directory '%s' is in use by another slotd", path);
		_exit(error.code == ERROR_IN_USE && strcmp(error.text, expected) == 0 ? 0 : 3);
	}
	int status;
	cr_assert(waitpid(child, &status, 0) == child);
	cr_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

DISK_TEST(second_process_is_refused_the_lock_until_the_first_is_gone)
{
	struct error error = {0};
	cr_assert(fixture->disk.lock(fixture->disk.context, &error), "%s", error.text);
	cr_assert(try_lock_elsewhere(fixture->path) == 0);
	close_disk(fixture);
	cr_assert(try_lock_elsewhere(fixture->path) == 1, "not free after close");
	open_disk(fixture);
}

/* ---------------------------------------------------------------------------------------- the directory, full disks */

static char scratch[64];

static void make_scratch(void)
{
	snprintf(scratch, sizeof scratch, "/tmp/slotd-disk-XXXXXX");
	cr_assert(mkdtemp(scratch) != NULL);
}

static void remove_scratch(void)
{
	remove_tree(scratch);
}

Test(directory, is_created_with_its_parents_for_this_user_alone, .init = make_scratch, .fini = remove_scratch)
{
	char path[128];
	snprintf(path, sizeof path, "%s/one/two//three/", scratch);
	struct disk disk;
	struct error error = {0};
	cr_assert(!disk_posix_open(&disk, path, DISK_READ_ONLY, &error), "a reader creates nothing");
	cr_assert(strstr(error.text, "No such file") != NULL, "%s", error.text);
	cr_assert(disk_posix_open(&disk, path, DISK_READ_WRITE, &error), "%s", error.text);
	disk_posix_close(&disk);
	struct stat status;
	cr_assert(stat(path, &status) == 0);
	cr_assert((status.st_mode & 0777) == 0700);
	cr_assert(disk_posix_open(&disk, path, DISK_READ_ONLY, &error), "%s", error.text);
	disk_posix_close(&disk);
}

Test(directory, that_cannot_be_used_is_refused_with_the_reason, .init = make_scratch, .fini = remove_scratch)
{
	char path[128];
	struct disk disk;
	struct error error = {0};
	snprintf(path, sizeof path, "%s/file", scratch);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	cr_assert(!disk_posix_open(&disk, path, DISK_READ_WRITE, &error));
	cr_assert(strstr(error.text, "/file' is not a directory") != NULL, "%s", error.text);
	snprintf(path, sizeof path, "%s/file/below", scratch);
	cr_assert(!disk_posix_open(&disk, path, DISK_READ_WRITE, &error));
	cr_assert(strstr(error.text, "/file/below' is not a directory") != NULL, "%s", error.text);

	snprintf(path, sizeof path, "%s/guarded", scratch);
	cr_assert(mkdir(path, 0555) == 0);
	if (geteuid() == 0) {
		cr_assert(chmod(scratch, 0755) == 0);
		cr_assert(seteuid(65534) == 0);
	}
	cr_assert(!disk_posix_open(&disk, path, DISK_READ_WRITE, &error));
	cr_assert(strstr(error.text, "cannot write to the data directory") != NULL, "%s", error.text);
	cr_assert(seteuid(getuid()) == 0);
}

static void fill_up(struct fixture *fixture)
{
	uint8_t *bytes = pattern();
	const disk_file file = create(fixture, "a");
	cr_assert(write_async(fixture, file, 0, bytes, SIZE, true).failure.code == ERROR_NONE);
	const struct outcome full = write_async(fixture, file, SIZE, bytes, SIZE, true);
	cr_assert(full.failure.code == ERROR_NO_SPACE, "%s: %s", fixture->variant->name, full.failure.text);
	free(bytes);
}

Test(directory, full_device_is_told_as_no_space)
{
	char path[] = "/tmp/slotd-disk-full-XXXXXX";
	cr_assert(mkdtemp(path) != NULL);
	/* In a mount name space of our own, so that nothing is left behind. */
	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("slotd-test", path, "tmpfs", 0, "size=112k") != 0) {
		rmdir(path);
		cr_skip_test("SKIPPED: only root can mount a tmpfs that is small enough to be filled");
	}
	for (enum engine engine = POSIX; engine <= RING; engine++) {
		const struct variant variant = {.name = "on a full tmpfs", .engine = engine, .parent = path};
		with_disk(&variant, fill_up);
	}
	cr_assert(umount(path) == 0);
	rmdir(path);
}
