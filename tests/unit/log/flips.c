/*
 * Proves: I7. A log of 64 KiB, two full segments and a spare, is damaged in one place, in every way there is: each bit
 * flipped, each length, each sector zeroed, written over another, swapped with another. It is then opened by the log
 * itself, and never holds anything else than what was appended: it is refused, or nothing is missing but, at the end,
 * what nobody could vouch for any more.
 *
 * What could be vouched for follows from the pieces of the log, its headers and blocks, and which of them were damaged:
 *
 *   header | block | block | ... | header | block | ... | block          a piece says how far the log was durable
 *                             damaged -------^                           when it was written
 *
 * The log may end before the first damaged piece, but not before what a later, undamaged one knows to be durable.
 * A program under AddressSanitizer takes each of these steps only now and then: it is there for what they touch.
 */
#include "fixture.h"

#include <stdio.h>

#define SEGMENT_SIZE (8 * BLOCK_ALIGN)
#define SEGMENTS     2
#define BATCHES      13 /* a block each; the last place is the heartbeat's */
#define SLOTS        990
#define PIECES       (SEGMENTS * 8)
#define SECTORS      (SEGMENTS * SEGMENT_SIZE / SIM_SECTOR_SIZE)

#ifdef __SANITIZE_ADDRESS__
#define BITS_STEP    241
#define LENGTHS_STEP 61
#define SECTORS_STEP 11
#else
#define BITS_STEP    1
#define LENGTHS_STEP 1
#define SECTORS_STEP 1
#endif

/* What a piece of 4 KiB, a header or a block, says. */
struct piece {
	uint64_t first_lsn;   /* the first it holds, or that comes behind it */
	uint64_t durable_lsn; /* it knows the log to be durable up to here */
};

static struct fixture log_;
static struct sim_disk twin;
static struct piece pieces[PIECES];

/* Appends the batches; a record each, which fills its 4 KiB. */
static void fill(void)
{
	uint8_t slots[4 * SLOTS];
	for (uint32_t i = 0; i < BATCHES; i++) {
		for (uint32_t k = 0; k < SLOTS; k++) {
			store16(slots + 4 * k, (uint16_t)prng_next(&log_.prng));
			store16(slots + 4 * k + 2, (uint16_t)prng_below(&log_.prng, MINUTES_PER_DAY));
		}
		const struct record record = {
		    .type = RECORD_CLOSE,
		    .at_ms = 1000 + i,
		    .psychologist = span_of("dr-lee"),
		    .slot_count = SLOTS,
		    .slots = slots,
		};
		while (!wal_has_room(log_.wal)) {
			wal_pump(log_.wal);
			cr_assert(sim_disk_step(&log_.disk));
		}
		sim_records_keep(&log_.records, &record);
		wal_append(log_.wal, &record);
		wal_pump(log_.wal);
		sim_disk_settle(&log_.disk);
	}
}

static void look_at_pieces(void)
{
	for (uint64_t i = 0; i < PIECES; i++) {
		uint8_t *bytes = fixture_segment(&log_, 1 + i / 8)->cache + i % 8 * BLOCK_ALIGN;
		struct segment_header segment;
		struct block_header block;
		if (i % 8 == 0) {
			cr_assert_eq(segment_header_look(bytes, &segment), BLOCK_WHOLE);
			pieces[i] = (struct piece){segment.first_lsn, segment.first_lsn - 1};
		} else {
			cr_assert_eq(block_look(bytes, BLOCK_ALIGN, &block), BLOCK_WHOLE, "block %" PRIu64, i);
			pieces[i] = (struct piece){block.first_lsn, block.durable_lsn};
		}
	}
	cr_assert_eq(pieces[PIECES - 1].durable_lsn, BATCHES, "the heartbeat");
}

static void set_up(void)
{
	fixture_init(&log_);
	log_.options.segment_size = SEGMENT_SIZE;
	cr_assert(fixture_open(&log_));
	fill();
	wal_rest(log_.wal, 0);
	wal_rest(log_.wal, WAL_REST_NS);
	fixture_close(&log_);
	look_at_pieces();
	sim_disk_init(&twin, 1);
}

static void tear_down(void)
{
	sim_disk_fini(&twin);
	fixture_fini(&log_);
}

TestSuite(flips, .init = set_up, .fini = tear_down, .timeout = 240);

/* What became of the damaged logs. */
struct tally {
	uint64_t refused;
	uint64_t whole; /* all records were there */
	uint64_t cut;
};

static void print(const struct tally *tally, const char *what)
{
	printf("%s: %" PRIu64 " recoveries, %" PRIu64 " refused, %" PRIu64 " with all records, %" PRIu64
	       " cut where nobody could know, 0 different\n",
	       what, tally->refused + tally->whole + tally->cut, tally->refused, tally->whole, tally->cut);
}

/* The least lsn that a log must have that is not refused. `damaged`: a bit for each piece. */
static uint64_t least_lsn(uint32_t damaged)
{
	uint64_t least = 0;
	bool before = true;
	for (uint32_t i = 0; i < PIECES; i++) {
		const bool sound = (damaged & 1u << i) == 0;
		if (before && !sound) {
			before = false;
			least = pieces[i].first_lsn - 1 > least ? pieces[i].first_lsn - 1 : least;
		}
		if (sound && pieces[i].durable_lsn > least) {
			least = pieces[i].durable_lsn;
		}
	}
	return before ? BATCHES : least;
}

static void start_over(void)
{
	sim_disk_follow(&twin, &log_.disk);
}

/* Opens the twin and judges what it holds. */
static void judge(uint32_t damaged, struct tally *tally, const char *what, uint64_t at)
{
	struct wal *wal;
	log_.replayed = log_.different = 0;
	if (!wal_open(&wal, &log_.options, &twin.port, &log_.clock, fixture_on_record, &log_, &log_.found,
		      &log_.error)) {
		CHECK(log_.error.code == ERROR_DAMAGED || log_.error.code == ERROR_NEWER);
		tally->refused++;
		return;
	}
	wal_close(wal);
	if (log_.different != 0 || log_.replayed != log_.found.last_lsn || log_.replayed < least_lsn(damaged)) {
		cr_assert_fail("%s %" PRIu64 ": %" PRIu64 " records, %" PRIu64 " different, at least %" PRIu64
			       " should be there",
			       what, at, log_.replayed, log_.different, least_lsn(damaged));
	}
	*(log_.replayed == BATCHES ? &tally->whole : &tally->cut) += 1;
}

static struct sim_file *segment_of_twin(uint64_t number)
{
	char name[DISK_NAME_SIZE];
	segment_format_name(number, name);
	return sim_disk_file(&twin, name);
}

/* Each bit of one segment, from one of its pieces on. */
static void flip_all(uint64_t number, uint64_t from_piece, struct tally *tally)
{
	for (uint64_t bit = from_piece * BLOCK_ALIGN * 8; bit < SEGMENT_SIZE * 8; bit += BITS_STEP) {
		start_over();
		struct sim_file *file = segment_of_twin(number);
		const uint8_t flipped = file->cache[bit / 8] ^ (uint8_t)(1u << bit % 8);
		sim_file_patch(file, bit / 8, &flipped, 1);
		const uint32_t piece = (uint32_t)((number - 1) * 8 + bit / 8 / BLOCK_ALIGN);
		judge(1u << piece, tally, file->name, bit);
	}
}

Test(flips, any_bit_of_a_full_segment)
{
	struct tally tally = {0};
	flip_all(1, 0, &tally);
	print(&tally, "bits of segment 1");
	cr_assert_eq(tally.whole + tally.cut, 0, "each of them was durable");
}

Test(flips, any_bit_of_the_last_segment)
{
	struct tally tally = {0};
	flip_all(2, 0, &tally);
	print(&tally, "bits of segment 2");
	cr_assert_eq(tally.cut, 0, "the heartbeat vouches for all");
	cr_assert_leq(tally.whole, BLOCK_ALIGN * 8, "only the heartbeat itself can be cut");
}

Test(flips, any_bit_of_the_newest_block_when_there_is_no_heartbeat)
{
	static const uint8_t zeros[BLOCK_ALIGN];
	sim_file_patch(fixture_segment(&log_, 2), 7 * BLOCK_ALIGN, zeros, sizeof zeros);
	pieces[PIECES - 1] = (struct piece){BATCHES + 1, 0};
	struct tally tally = {0};
	flip_all(2, 5, &tally);
	print(&tally, "newest bits of segment 2, no heartbeat");
	/* In the zeros behind the last block, a flipped bit is the torn rest of a batch. */
	cr_assert_leq(tally.cut, BLOCK_ALIGN * 8, "only the newest batch can be cut");
	cr_assert_leq(tally.whole, BLOCK_ALIGN * 8);
}

Test(flips, any_bit_of_the_spare)
{
	struct tally tally = {0};
	struct sim_file *spare = fixture_segment(&log_, 3);
	sim_file_resize(spare, SEGMENT_SIZE);
	/* Where a header would be, each; behind that, one in 64. */
	for (uint64_t bit = 0; bit < SEGMENT_SIZE * 8; bit += bit < BLOCK_ALIGN * 8 ? BITS_STEP : 64 * BITS_STEP) {
		start_over();
		const uint8_t flipped = (uint8_t)(1u << bit % 8);
		sim_file_patch(segment_of_twin(3), bit / 8, &flipped, 1);
		judge(0, &tally, "spare", bit);
	}
	print(&tally, "bits of the spare");
	cr_assert_eq(tally.cut, 0);
}

Test(flips, any_length)
{
	struct tally tally = {0};
	for (uint64_t number = 1; number <= SEGMENTS; number++) {
		for (uint64_t size = 0; size <= SEGMENT_SIZE + BLOCK_ALIGN; size += LENGTHS_STEP) {
			start_over();
			sim_file_resize(segment_of_twin(number), size);
			judge(0, &tally, "length", size);
		}
	}
	print(&tally, "lengths of segments");
	cr_assert_eq(tally.cut, 0);
	cr_assert_leq(tally.whole, SEGMENTS, "only the right lengths");
}

/* ---- sectors ---- */

static uint8_t *sector_at(uint64_t sector, struct sim_file **file, uint64_t *offset)
{
	*file = segment_of_twin(1 + sector / (SECTORS / SEGMENTS));
	*offset = sector % (SECTORS / SEGMENTS) * SIM_SECTOR_SIZE;
	return (*file)->cache + *offset;
}

/* Writes a sector's bytes over it; returns the piece this damaged, as a bit, if it did. */
static uint32_t write_over(uint64_t sector, const uint8_t bytes[static SIM_SECTOR_SIZE])
{
	struct sim_file *file;
	uint64_t offset;
	if (memcmp(sector_at(sector, &file, &offset), bytes, SIM_SECTOR_SIZE) == 0) {
		return 0;
	}
	sim_file_patch(file, offset, bytes, SIM_SECTOR_SIZE);
	return 1u << sector / (BLOCK_ALIGN / SIM_SECTOR_SIZE);
}

static void copy_of(uint64_t sector, uint8_t bytes[static SIM_SECTOR_SIZE])
{
	struct sim_file *file;
	uint64_t offset;
	memcpy(bytes, sector_at(sector, &file, &offset), SIM_SECTOR_SIZE);
}

Test(flips, any_sector_zeroed)
{
	static const uint8_t zeros[SIM_SECTOR_SIZE];
	struct tally tally = {0};
	for (uint64_t sector = 0; sector < SECTORS; sector++) {
		start_over();
		judge(write_over(sector, zeros), &tally, "zeroed sector", sector);
	}
	print(&tally, "sectors zeroed");
	cr_assert_eq(tally.cut, 0);
}

Test(flips, any_sector_written_over_another_and_swapped_with_it)
{
	struct tally doubled = {0};
	struct tally swapped = {0};
	uint8_t one[SIM_SECTOR_SIZE];
	uint8_t two[SIM_SECTOR_SIZE];
	for (uint64_t i = 0; i < SECTORS; i++) {
		for (uint64_t j = i % SECTORS_STEP; j < SECTORS; j += SECTORS_STEP) {
			start_over();
			copy_of(i, one);
			copy_of(j, two);
			uint32_t damaged = write_over(j, one);
			judge(damaged, &doubled, "doubled sector", i * SECTORS + j);

			start_over();
			damaged = write_over(j, one) | write_over(i, two);
			judge(damaged, &swapped, "swapped sector", i * SECTORS + j);
		}
	}
	print(&doubled, "sectors doubled");
	print(&swapped, "sectors swapped");
	cr_assert_eq(doubled.cut, 0);
}
