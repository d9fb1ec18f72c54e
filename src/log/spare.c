/*
 * spare: see the header.
 */
#include "spare.h"
#include "zeros.h"

#include <assert.h>
#include <base/check.h>

/* A piece of zeros is what a commit may have to wait for: 64 KiB are written in less time than one flush takes. More only while
 * the log fills faster than pieces of that come to their end, and no more than is written in the time of two flushes. */
#define SPARE_PIECE     65536
#define SPARE_PIECE_MAX 524288
static_assert(SPARE_PIECE_MAX <= ZEROS_SIZE, "a piece is written in one go");

static struct spare *spare_of(struct disk_op *op)
{
	return (struct spare *)(void *)((char *)op - offsetof(struct spare, op));
}

void spare_init(struct spare *spare, struct disk *disk, spare_changed_f *changed, void *context)
{
	*spare = (struct spare){
	    .changed = changed,
	    .context = context,
	    .disk = disk,
	    .segment.file = -1,
	};
}

/* Lets go of the file, so that the next spare_begin starts from nothing. Should its name stay, that one says so. */
static void drop(struct spare *spare)
{
	struct disk *disk = spare->disk;
	struct error ignored;
	char name[DISK_NAME_SIZE];
	segment_format_name(spare->segment.number, name);
	disk->close(disk->context, spare->segment.file);
	(void)disk->remove(disk->context, name, &ignored);
	spare->state = SPARE_NONE;
	spare->segment = (struct segment_file){.file = -1};
}

static bool create(struct spare *spare, uint64_t number, uint64_t size, struct error *error)
{
	CHECK(spare->state == SPARE_NONE);
	CHECK(!spare->under_way);
	struct disk *disk = spare->disk;
	char name[DISK_NAME_SIZE];
	segment_format_name(number, name);
	disk_file file;
	if (!disk->open(disk->context, name, true, &file, error)) {
		return false;
	}
	spare->segment = (struct segment_file){.number = number, .size = size, .file = file};
	spare->zeroed = 0;
	spare->wanted = 0;
	return true;
}

bool spare_begin_now(struct spare *spare, uint64_t number, uint64_t size, struct error *error)
{
	struct disk *disk = spare->disk;
	if (!create(spare, number, size, error)) {
		return false;
	}
	spare->state = SPARE_ZEROING;
	if (disk->sync_directory(disk->context, error)) {
		return true;
	}
	if (error->code == ERROR_NO_SPACE) {
		drop(spare);
	}
	return false;
}

static void proceed(struct spare *spare);

static void starve(struct spare *spare)
{
	if (spare->state == SPARE_ZEROING) {
		spare->zeroed -= spare->piece;
	} else {
		drop(spare);
	}
}

static void on_done(struct disk_op *op, const struct error *failure)
{
	struct spare *spare = spare_of(op);
	CHECK(spare->under_way);
	spare->under_way = false;
	if (failure != NULL || spare->abandoned) {
		if (failure != NULL && failure->code == ERROR_NO_SPACE && !spare->abandoned) {
			starve(spare);
		}
		spare->changed(spare->context, failure);
		return;
	}
	if (spare->state == SPARE_FLUSHING) {
		spare->state = SPARE_READY;
		spare->changed(spare->context, NULL);
		return;
	}
	spare->state = SPARE_ZEROING;
	proceed(spare);
}

bool spare_begin(struct spare *spare, uint64_t number, uint64_t size, struct error *error)
{
	struct disk *disk = spare->disk;
	if (!create(spare, number, size, error)) {
		return false;
	}
	spare->state = SPARE_NAMING;
	spare->under_way = true;
	spare->op.done = on_done;
	disk->sync_names(disk->context, &spare->op);
	return true;
}

/* How large the next piece is. */
static size_t piece_size(const struct spare *spare)
{
	const uint64_t left = spare->segment.size - spare->zeroed;
	const uint64_t behind = spare->wanted - spare->zeroed;
	uint64_t size = behind - behind % SPARE_PIECE;
	size = size > SPARE_PIECE_MAX ? SPARE_PIECE_MAX : size;
	size = size < SPARE_PIECE ? SPARE_PIECE : size;
	return (size_t)(size < left ? size : left);
}

static void proceed(struct spare *spare)
{
	if (spare->under_way || spare->state != SPARE_ZEROING) {
		return;
	}
	struct disk *disk = spare->disk;
	const struct segment_file *segment = &spare->segment;
	spare->op.done = on_done;
	if (spare->zeroed == segment->size) {
		spare->state = SPARE_FLUSHING;
		spare->under_way = true;
		disk->sync(disk->context, &spare->op, segment->file);
	} else if (spare->zeroed < spare->wanted) {
		const uint64_t offset = spare->zeroed;
		const size_t size = piece_size(spare);
		spare->zeroed += size;
		spare->piece = size;
		spare->under_way = true;
		disk->write(disk->context, &spare->op, segment->file, offset, zeros(), size, false);
	}
}

void spare_pace(struct spare *spare, uint64_t wanted)
{
	if (wanted > spare->wanted) {
		spare->wanted = wanted;
	}
	proceed(spare);
}

struct segment_file spare_take(struct spare *spare)
{
	CHECK(spare->state == SPARE_READY);
	const struct segment_file segment = spare->segment;
	spare->state = SPARE_NONE;
	spare->segment = (struct segment_file){.file = -1};
	return segment;
}

bool spare_abandon(struct spare *spare)
{
	spare->abandoned = true;
	return !spare->under_way;
}
