/*
 * sim_disk: see the header.
 */
#include <sim/sim_disk.h>

#include <base/check.h>
#include <stdio.h>
#include <stdlib.h>

struct sim_file *sim_disk_file(struct sim_disk *sim, const char *name)
{
	for (size_t i = 0; i < sim->file_count; i++) {
		if (sim->files[i].used && strcmp(sim->files[i].name, name) == 0) {
			return &sim->files[i];
		}
	}
	return NULL;
}

/* ---- faults ---- */

static bool counts_down(uint64_t *left)
{
	return *left != 0 && --*left == 0;
}

/* Does the operation that is about to change something work? If not, it may do a part of it; its failure is counted as
 * `event`. */
static bool works(struct sim_disk *sim, enum sim_event event, struct error *error)
{
	sim->operations++;
	if (counts_down(&sim->power_cut_in)) {
		sim->powerless = true;
		sim->events[SIM_POWER_CUT]++;
	}
	if (sim->powerless) {
		return error_set(error, ERROR_IO, "simulated: the power is off");
	}
	if (counts_down(&sim->fail_in)) {
		sim->failures++;
		sim->events[event]++;
		return error_set(error, ERROR_IO, "simulated: input/output error");
	}
	return true;
}

/* Does the write fit? If not, *size becomes what does: a disk that fills takes the first part. */
static bool has_space(struct sim_disk *sim, const struct sim_file *file, uint64_t offset, size_t *size,
		      struct error *error)
{
	if (offset + *size <= file->size) {
		return true;
	}
	uint64_t used = 0;
	for (size_t i = 0; i < sim->file_count; i++) {
		used += sim->files[i].size;
	}
	const uint64_t free_bytes = used < sim->space ? sim->space - used : 0;
	const uint64_t end = file->size + free_bytes / SIM_SECTOR_SIZE * SIM_SECTOR_SIZE;
	if (offset + *size <= end) {
		return true;
	}
	*size = end > offset ? (size_t)(end - offset) : 0;
	sim->failures++;
	sim->events[SIM_NO_SPACE]++;
	return error_set(error, ERROR_NO_SPACE, "simulated: no space left on device");
}

static bool do_write(struct sim_disk *sim, struct sim_file *file, uint64_t offset, const uint8_t *bytes, size_t size,
		     struct error *error)
{
	if (!works(sim, SIM_WRITE_FAILED, error) || !has_space(sim, file, offset, &size, error)) {
		sim_file_write_some(file, offset, bytes, size, SIM_TORN, &sim->prng);
		return false;
	}
	sim_file_write(file, offset, bytes, size);
	return true;
}

static bool do_flush(struct sim_disk *sim, struct sim_file *file, struct error *error)
{
	if (works(sim, SIM_FLUSH_FAILED, error)) {
		sim_file_flush(file);
		return true;
	}
	if (sim->powerless) {
		return false;
	}
	sim_file_forget(file);
	return sim->flushes_again && do_flush(sim, file, error);
}

/* ---- the port: names and blocking operations ---- */

static bool port_lock(void *context, struct error *error)
{
	struct sim_disk *sim = context;
	if (sim->locked) {
		return error_set(error, ERROR_IN_USE, "simulated: another process holds the directory");
	}
	sim->locked = true;
	return true;
}

static int compare_entries(const void *a, const void *b)
{
	return strcmp(((const struct disk_entry *)a)->name, ((const struct disk_entry *)b)->name);
}

static bool port_list(void *context, struct disk_entry **entries, size_t *count, struct error *error)
{
	(void)error;
	struct sim_disk *sim = context;
	*entries = malloc((sim->file_count + 1) * sizeof **entries);
	CHECK(*entries != NULL);
	*count = 0;
	for (size_t i = 0; i < sim->file_count; i++) {
		const struct sim_file *file = &sim->files[i];
		if (file->used && file->name[0] != '\0') {
			struct disk_entry *entry = &(*entries)[(*count)++];
			memcpy(entry->name, file->name, sizeof entry->name);
			entry->size = file->size;
		}
	}
	qsort(*entries, *count, sizeof **entries, compare_entries);
	return true;
}

static bool create(struct sim_disk *sim, const char *name, struct sim_file **file, struct error *error)
{
	if (*file != NULL) {
		return error_set(error, ERROR_IO, "simulated: %s exists", name);
	}
	if (!works(sim, SIM_DIRECTORY_FAILED, error)) {
		return false;
	}
	uint32_t place = 0;
	while (place < sim->file_count && sim->files[place].used) {
		place++;
	}
	CHECK(place < SIM_FILES_MAX);
	sim->file_count += place == sim->file_count;
	*file = &sim->files[place];
	(*file)->used = true;
	snprintf((*file)->name, DISK_NAME_SIZE, "%s", name);
	return true;
}

static bool port_open(void *context, const char *name, bool create_it, disk_file *number, struct error *error)
{
	struct sim_disk *sim = context;
	struct sim_file *file = sim_disk_file(sim, name);
	if (create_it && !create(sim, name, &file, error)) {
		return false;
	}
	if (file == NULL) {
		return error_set(error, ERROR_IO, "simulated: %s does not exist", name);
	}
	*number = (disk_file)(file - sim->files);
	sim->opens[*number]++;
	return true;
}

static void port_close(void *context, disk_file file)
{
	struct sim_disk *sim = context;
	CHECK(file >= 0);
	/* 0: another port to the directory opened it. */
	sim->opens[file] -= sim->opens[file] > 0;
	for (uint32_t i = 0; sim->opens[file] == 0 && i < sim->queued; i++) {
		CHECK(sim->queue[i].file != file);
	}
}

static bool port_read(void *context, disk_file number, uint64_t offset, void *bytes, size_t size, size_t *got,
		      struct error *error)
{
	(void)error;
	struct sim_disk *sim = context;
	const struct sim_file *file = &sim->files[number];
	const uint64_t left = offset < file->size ? file->size - offset : 0;
	*got = left < size ? (size_t)left : size;
	if (*got > 0) {
		memcpy(bytes, file->cache + offset, *got);
	}
	return true;
}

static bool port_write_now(void *context, disk_file file, uint64_t offset, const void *bytes, size_t size,
			   struct error *error)
{
	struct sim_disk *sim = context;
	return do_write(sim, &sim->files[file], offset, bytes, size, error);
}

static bool port_sync_now(void *context, disk_file file, struct error *error)
{
	struct sim_disk *sim = context;
	return do_flush(sim, &sim->files[file], error);
}

static bool port_sync_directory(void *context, struct error *error)
{
	struct sim_disk *sim = context;
	if (!works(sim, SIM_DIRECTORY_FAILED, error)) {
		return false;
	}
	for (size_t i = 0; !sim->forgets_directory && i < sim->file_count; i++) {
		struct sim_file *file = &sim->files[i];
		memcpy(file->durable_name, file->name, sizeof file->name);
		if (file->used && file->name[0] == '\0') {
			sim_file_clear(file);
		}
	}
	return true;
}

static bool port_rename(void *context, const char *from, const char *to, struct error *error)
{
	struct sim_disk *sim = context;
	struct sim_file *file = sim_disk_file(sim, from);
	if (file == NULL) {
		return error_set(error, ERROR_IO, "simulated: %s does not exist", from);
	}
	if (!works(sim, SIM_DIRECTORY_FAILED, error)) {
		return false;
	}
	struct sim_file *replaced = sim_disk_file(sim, to);
	if (replaced != NULL) {
		replaced->name[0] = '\0';
	}
	snprintf(file->name, sizeof file->name, "%s", to);
	return true;
}

static bool port_remove(void *context, const char *name, struct error *error)
{
	struct sim_disk *sim = context;
	struct sim_file *file = sim_disk_file(sim, name);
	if (file == NULL) {
		return error_set(error, ERROR_IO, "simulated: %s does not exist", name);
	}
	if (!works(sim, SIM_DIRECTORY_FAILED, error)) {
		return false;
	}
	file->name[0] = '\0';
	return true;
}

/* ---- the port: asynchronous operations ---- */

static void enqueue(struct sim_disk *sim, struct sim_op op)
{
	CHECK(sim->queued < SIM_QUEUE_MAX);
	sim->submitted++;
	sim->queue[sim->queued++] = op;
}

static void port_write(void *context, struct disk_op *op, disk_file file, uint64_t offset, const void *bytes,
		       size_t size, bool durable)
{
	CHECK(offset % DISK_ALIGN == 0);
	CHECK(size % DISK_ALIGN == 0);
	CHECK((uintptr_t)bytes % DISK_ALIGN == 0);
	enqueue(context, (struct sim_op){op, file, offset, bytes, size, durable});
}

static void port_sync(void *context, struct disk_op *op, disk_file file)
{
	enqueue(context, (struct sim_op){.op = op, .file = file, .flush = true});
}

static void port_sync_names(void *context, struct disk_op *op)
{
	enqueue(context, (struct sim_op){.op = op, .file = -1, .flush = true});
}

static bool do_async(struct sim_disk *sim, const struct sim_op *op, struct error *error)
{
	if (op->file < 0) {
		return port_sync_directory(sim, error);
	}
	struct sim_file *file = &sim->files[op->file];
	return (op->bytes == NULL || do_write(sim, file, op->offset, op->bytes, op->size, error)) &&
	       (!op->flush || do_flush(sim, file, error));
}

bool sim_disk_step(struct sim_disk *sim)
{
	if (sim->queued == 0) {
		return false;
	}
	const uint32_t chosen = prng_below(&sim->prng, sim->queued);
	const struct sim_op op = sim->queue[chosen];
	sim->events[SIM_REORDERED] += chosen != 0;
	memmove(&sim->queue[chosen], &sim->queue[chosen + 1], (--sim->queued - chosen) * sizeof op);
	struct error error = {0};
	const bool done = do_async(sim, &op, &error);
	op.op->done(op.op, done ? NULL : &error);
	return true;
}

void sim_disk_settle(struct sim_disk *sim)
{
	while (sim_disk_step(sim)) {
	}
}

/* ---- beginning and end ---- */

void sim_disk_init(struct sim_disk *sim, uint64_t seed)
{
	*sim = (struct sim_disk){
	    .port = {.context = sim,
		     .engine = "simulated",
		     .lock = port_lock,
		     .list = port_list,
		     .open = port_open,
		     .close = port_close,
		     .read = port_read,
		     .write_now = port_write_now,
		     .sync_now = port_sync_now,
		     .sync_directory = port_sync_directory,
		     .rename = port_rename,
		     .remove = port_remove,
		     .write = port_write,
		     .sync = port_sync,
		     .sync_names = port_sync_names},
	    .space = UINT64_MAX,
	    .prng.state = seed,
	};
}

void sim_disk_fini(struct sim_disk *sim)
{
	for (size_t i = 0; i < SIM_FILES_MAX; i++) {
		sim_file_fini(&sim->files[i]);
	}
}
