/*
 * Proves: I7 for a snapshot that is put while it is read, by any number of threads: what is refused half way leaves nothing in
 * the table or in the accounts of memory, whether it is damaged or sound and cannot be put, and of the second nobody goes on
 * from something older. Method: snapshots made piece by piece, as docs/LOG_FORMAT.md has them, on a simulated disk.
 */
#include "fixture.h"
#include <base/hash.h>
#include <log/block.h>
#include <log/snapshot.h>
#include <slot/image.h>
#include <stdlib.h>

#define LOG_ID     7
#define LSN        50
#define PIECE_SEED 0x50544c53u
#define CREW       3

enum kind {
	BEGIN = 1,
	SLOTS,
	SESSIONS,
	PSYCHOLOGISTS,
	CLIENTS,
	END
};

struct world {
	struct sim_disk disk;
	struct memory memory;
	struct table table;
	struct error error;
	struct snapshot_found found;
	/* the snapshot that is made */
	uint8_t file[16 * BLOCK_ALIGN];
	uint64_t size;
	uint64_t previous;
	uint64_t counts[END + 1];
};

static struct world world;

static void add(enum kind kind, uint32_t count, const void *copies, size_t size)
{
	uint8_t *piece = world.file + world.size;
	cr_assert_leq(world.size + 2 * (uint64_t)BLOCK_ALIGN, sizeof world.file);
	store64(piece + BLOCK_HEADER_SIZE, kind);
	memcpy(piece + BLOCK_HEADER_SIZE + 8, copies, size);
	const struct block_header header = {.first_lsn = LSN + 1,
					    .record_count = count,
					    .payload_bytes = (uint32_t)(8 + size),
					    .durable_lsn = LSN,
					    .previous = world.previous};
	const struct block_place place = {hash_u64(LOG_ID, PIECE_SEED), LSN, world.size};
	world.previous = block_seal(piece, &header, place);
	world.size += block_size(header.payload_bytes);
	world.counts[kind] += count;
}

static void begin(void)
{
	const uint64_t fields[] = {LOG_ID, LSN, 1, 0, 0};
	world.size = world.previous = 0;
	memset(world.counts, 0, sizeof world.counts);
	add(BEGIN, 1, fields, sizeof fields);
}

static void add_token(enum kind kind, uint32_t number, char token)
{
	uint8_t copy[8] = {0};
	store32(copy, number);
	copy[4] = 1;
	copy[5] = (uint8_t)token;
	add(kind, 1, copy, sizeof copy);
}

static void add_session(uint32_t number)
{
	const struct session_image image = {.state = session_state(SESSION_CANCELLED, 2, 9),
					    .key = key_make(1, 1000, 600),
					    .created_ms = 5,
					    .updated_ms = 77,
					    .number = number,
					    .client = 1,
					    .minutes = 50};
	add(SESSIONS, 1, &image, sizeof image);
}

static void end(void)
{
	const uint64_t fields[] = {LSN, world.counts[SLOTS], world.counts[SESSIONS],
				   world.counts[PSYCHOLOGISTS] + world.counts[CLIENTS]};
	char name[DISK_NAME_SIZE];
	disk_file file;
	add(END, 1, fields, sizeof fields);
	struct disk *disk = &world.disk.port;
	snapshot_format_name(LSN, name);
	cr_assert(disk->open(disk->context, name, true, &file, &world.error));
	cr_assert(disk->write_now(disk->context, file, 0, world.file, world.size, &world.error));
	disk->close(disk->context, file);
}

/* Loads it into a table of so much memory. */
static bool load(uint32_t crew, uint64_t limit)
{
	const struct table_options options = {.stripe_count = 2, .seed = 3};
	const struct snapshot_target into = {.table = &world.table, .crew = crew};
	memory_init(&world.memory, limit);
	cr_assert(table_init(&world.table, &world.memory, &options, &world.error));
	return snapshot_load(&world.disk.port, &into, &world.found, &world.error);
}

static void check_nothing_left(void)
{
	table_check(&world.table);
	cr_assert_eq(world.table.clients.count, 0);
	cr_assert_not(pool_has(&world.table.sessions, 1));
	cr_assert_eq(atomic_load_explicit(&world.memory.used, memory_order_relaxed), 0);
	cr_assert_eq(world.found.info.lsn, 0);
	cr_assert_eq(world.found.newest_ms, 0);
}

static void set_up(void)
{
	sim_disk_init(&world.disk, 3);
	begin();
}

static void tear_down(void)
{
	sim_disk_fini(&world.disk);
}

TestSuite(snapshot_put, .init = set_up, .fini = tear_down);

Test(snapshot_put, puts_what_was_made)
{
	add_session(1);
	add_session(2);
	add_token(PSYCHOLOGISTS, 1, 'p');
	add_token(CLIENTS, 1, 'a');
	add_token(CLIENTS, 2, 'b');
	end();
	for (uint32_t crew = 1; crew <= CREW; crew++) {
		cr_assert(load(crew, 1 << 20), "%s", world.error.text);
		cr_assert_eq(world.found.info.lsn, LSN);
		cr_assert_eq(world.found.info.sessions, 2);
		cr_assert_eq(world.found.newest_ms, 77);
		cr_assert_eq(intern_find(&world.table.clients, span_of("b")), 2);
		cr_assert(table_redo_done(&world.table, crew, &world.error), "%s", world.error.text);
		table_restore_done(&world.table);
		table_check(&world.table);
		table_fini(&world.table);
	}
}

Test(snapshot_put, one_that_is_damaged_at_its_end_leaves_nothing)
{
	add_session(1);
	add_token(PSYCHOLOGISTS, 1, 'p');
	add_token(CLIENTS, 1, 'a');
	world.counts[CLIENTS]++;
	end();
	for (uint32_t crew = 1; crew <= CREW; crew++) {
		cr_assert(load(crew, 1 << 20));
		cr_assert_eq(world.found.damaged, 1);
		cr_assert_not_null(strstr(world.found.damage.text, "not as many copies as the end says"));
		check_nothing_left();
		table_fini(&world.table);
	}
}

/* Sound, but refused. */
static void check_refused(uint64_t limit, enum error_code code, const char *words)
{
	for (uint32_t crew = 1; crew <= CREW; crew++) {
		cr_assert_not(load(crew, limit));
		cr_assert_eq(world.error.code, code);
		cr_assert_not_null(strstr(world.error.text, words), "%s", world.error.text);
		check_nothing_left();
		table_fini(&world.table);
	}
}

Test(snapshot_put, one_of_which_two_pieces_have_a_token_of_the_same_number_is_refused)
{
	add_token(CLIENTS, 5, 'a');
	add_token(CLIENTS, 5, 'b');
	end();
	check_refused(1 << 20, ERROR_DAMAGED, "snapshot" /* the second, or at the end */);
}

Test(snapshot_put, one_of_which_two_pieces_have_the_same_session_is_refused)
{
	add_session(1);
	add_session(3);
	add_session(3);
	add_token(CLIENTS, 1, 'a');
	end();
	check_refused(1 << 20, ERROR_DAMAGED, "two pieces of the snapshot have the same copies");
}

Test(snapshot_put, one_with_a_token_twice_is_refused)
{
	add_token(CLIENTS, 1, 'a');
	add_token(CLIENTS, 2, 'a');
	end();
	check_refused(1 << 20, ERROR_DAMAGED, "a token of the snapshot cannot be put");
}

Test(snapshot_put, one_for_which_there_is_no_address_space_is_refused)
{
	add_session(1);
	add_session(4000);
	add_token(CLIENTS, 1, 'a');
	end();
	check_refused(1 << 10, ERROR_NO_MEMORY, "raise maxmemory");
}
