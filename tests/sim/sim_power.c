/*
 * sim_power: what becomes of a simulated disk when the power goes, or the process; its twin, and its copies. See sim_disk.h.
 */
#include <sim/sim_disk.h>

#include <assert.h>

const char *const sim_event_names[SIM_EVENTS] = {
    [SIM_WRITE_LOST] = "write on its way lost",
    [SIM_WRITE_KEPT] = "write on its way kept",
    [SIM_WRITE_TORN] = "write on its way torn",
    [SIM_CACHE_LOST] = "cache lost",
    [SIM_CACHE_KEPT] = "cache kept",
    [SIM_CACHE_TORN] = "cache kept in part",
    [SIM_NAME_OLD] = "name not durable, old",
    [SIM_NAME_NEW] = "name not durable, new",
    [SIM_FLUSH_ON_ITS_WAY] = "flush that never came back",
    [SIM_KILL_WRITE_LOST] = "killed, write lost",
    [SIM_KILL_WRITE_KEPT] = "killed, write kept",
    [SIM_KILL_WRITE_TORN] = "killed, write torn",
    [SIM_REORDERED] = "operation out of order",
    [SIM_WRITE_FAILED] = "write failed",
    [SIM_FLUSH_FAILED] = "flush failed",
    [SIM_DIRECTORY_FAILED] = "directory failed",
    [SIM_NO_SPACE] = "no space left",
    [SIM_POWER_CUT] = "power cut inside an operation",
};

static_assert(SIM_LOST == 0 && SIM_KEPT == 1 && SIM_TORN == 2, "as the events are ordered");

/* What becomes of something, which is counted from `lost` on. */
static enum sim_fate random_fate(struct sim_disk *sim, enum sim_event lost)
{
	const enum sim_fate fate = (enum sim_fate)prng_below(&sim->prng, 3);
	sim->events[(uint32_t)lost + (uint32_t)fate]++;
	return fate;
}

/* Tells whoever waits that it is over, and whoever that makes ask for more. */
static void fail_waiting(struct sim_disk *sim, const struct error *error)
{
	while (sim->queued > 0) {
		struct disk_op *op = sim->queue[--sim->queued].op;
		if (op != NULL) {
			op->done(op, error);
		}
	}
}

static void start_again(struct sim_disk *sim)
{
	sim->powerless = sim->locked = false;
	sim->fail_in = sim->power_cut_in = 0;
	sim->space = UINT64_MAX;
}

/* The old name or the new one; if both would be somebody's, the new one's. */
static void crash_name(struct sim_disk *sim, struct sim_file *file)
{
	if (strcmp(file->name, file->durable_name) != 0) {
		const bool taken = file->durable_name[0] != '\0' && sim_disk_file(sim, file->durable_name) != NULL;
		const bool old = !taken && prng_one_in(&sim->prng, 2);
		sim->events[old ? SIM_NAME_OLD : SIM_NAME_NEW]++;
		if (old) {
			memcpy(file->name, file->durable_name, sizeof file->name);
		}
		memcpy(file->durable_name, file->name, sizeof file->name);
	}
	if (file->name[0] == '\0') {
		sim_file_clear(file);
	}
}

void sim_disk_crash(struct sim_disk *sim)
{
	sim->powerless = true;
	for (size_t i = 0; i < sim->file_count; i++) {
		if (sim->files[i].used && sim_file_is_dirty(&sim->files[i])) {
			sim_file_lose_power(&sim->files[i], random_fate(sim, SIM_CACHE_LOST), &sim->prng);
		}
	}
	for (uint32_t i = 0; i < sim->queued; i++) {
		const struct sim_op *op = &sim->queue[i];
		sim->events[SIM_FLUSH_ON_ITS_WAY] += op->flush;
		if (op->bytes != NULL) {
			sim_file_burn_some(&sim->files[op->file], op->offset, op->bytes, op->size,
					   random_fate(sim, SIM_WRITE_LOST), &sim->prng);
		}
	}
	fail_waiting(sim, &(struct error){.code = ERROR_IO, .text = "simulated: the power is off"});
	for (size_t i = 0; i < sim->file_count; i++) {
		if (sim->files[i].used) {
			crash_name(sim, &sim->files[i]);
			sim_file_reload(&sim->files[i]);
		}
	}
	start_again(sim);
}

void sim_disk_kill(struct sim_disk *sim)
{
	sim->powerless = true;
	for (uint32_t i = 0; i < sim->queued; i++) {
		const struct sim_op *op = &sim->queue[i];
		if (op->bytes != NULL) {
			sim_file_write_some(&sim->files[op->file], op->offset, op->bytes, op->size,
					    random_fate(sim, SIM_KILL_WRITE_LOST), &sim->prng);
		}
	}
	fail_waiting(sim, &(struct error){.code = ERROR_IO, .text = "simulated: the process is gone"});
	start_again(sim);
}

/* ---- twins and copies ---- */

void sim_disk_follow(struct sim_disk *twin, struct sim_disk *sim)
{
	twin->file_count = twin->file_count > sim->file_count ? twin->file_count : sim->file_count;
	for (size_t i = 0; i < twin->file_count; i++) {
		sim_file_follow(&twin->files[i], &sim->files[i]);
	}
	for (uint32_t i = 0; i < sim->queued; i++) {
		twin->queue[i] = sim->queue[i];
		twin->queue[i].op = NULL;
	}
	twin->queued = sim->queued;
	memset(twin->opens, 0, sizeof twin->opens);
	twin->failures = 0;
	start_again(twin);
}

bool sim_disk_undecided(const struct sim_disk *sim)
{
	bool undecided = sim->queued > 0;
	for (size_t i = 0; i < sim->file_count && !undecided; i++) {
		const struct sim_file *file = &sim->files[i];
		undecided = sim_file_is_dirty(file) || strcmp(file->name, file->durable_name) != 0;
	}
	return undecided;
}

void sim_disk_copy(struct sim_disk *to, const struct sim_disk *from)
{
	sim_disk_reset(to, from->prng.state);
	to->file_count = from->file_count;
	for (size_t i = 0; i < from->file_count; i++) {
		const struct sim_file *source = &from->files[i];
		if (!source->used || source->name[0] == '\0') {
			continue;
		}
		struct sim_file *target = &to->files[i];
		target->used = true;
		memcpy(target->name, source->name, sizeof target->name);
		memcpy(target->durable_name, source->name, sizeof target->durable_name);
		sim_file_resize(target, source->size);
		if (source->size > 0) {
			sim_file_patch(target, 0, source->cache, source->size);
		}
	}
}

void sim_disk_reset(struct sim_disk *sim, uint64_t seed)
{
	for (size_t i = 0; i < sim->file_count; i++) {
		sim_file_clear(&sim->files[i]);
	}
	sim->file_count = 0;
	sim->prng.state = seed;
	memset(sim->opens, 0, sizeof sim->opens);
	sim->queued = 0;
	start_again(sim);
}
