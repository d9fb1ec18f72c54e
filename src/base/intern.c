/*
 * intern: tokens in a region, found through an index. See base/intern.h.
 *
 * The bytes of a token are plain memory: they are written before the number goes into the index, never change while it
 * is there, and whoever has the number got it from somebody who saw it there (release and acquire all the way).
 */
#include <base/check.h>
#include <base/hash.h>
#include <base/intern.h>

#define STEP_SIZE      4
#define STEPS_PER_LAST 64   /* bits of a word of `lasts` */
#define STRIDE         1024 /* steps made usable at once, a page */

static_assert(TOKEN_SIZE_MAX % STEP_SIZE == 0, "the longest token fills its steps");

static uint32_t steps_of(size_t token_size)
{
	return (uint32_t)((token_size + STEP_SIZE - 1) / STEP_SIZE);
}

static uint8_t *place_of(const struct intern *intern, uint32_t number)
{
	return intern->region.base + (size_t)number * STEP_SIZE;
}

static _Atomic uint64_t *lasts_of(const struct intern *intern, uint32_t step)
{
	return (_Atomic uint64_t *)(void *)intern->lasts.base + step / STEPS_PER_LAST;
}

/* Relaxed, all: who has a token's number got it from somebody who saw it in the index, where it came with release. Atomic,
 * since the neighbours' bits are of other threads. */
static void set_last(struct intern *intern, uint32_t step)
{
	atomic_fetch_or_explicit(lasts_of(intern, step), UINT64_C(1) << step % STEPS_PER_LAST, memory_order_relaxed);
}

static void clear_last(struct intern *intern, uint32_t step)
{
	atomic_fetch_and_explicit(lasts_of(intern, step), ~(UINT64_C(1) << step % STEPS_PER_LAST),
				  memory_order_relaxed);
}

/* The last step of the token that begins at this one. */
static uint32_t last_of(const struct intern *intern, uint32_t number)
{
	const uint32_t offset = number % STEPS_PER_LAST;
	const uint64_t here = atomic_load_explicit(lasts_of(intern, number), memory_order_relaxed) >> offset;
	if (here != 0) {
		return number + (uint32_t)__builtin_ctzll(here);
	}
	const uint32_t next = number - offset + STEPS_PER_LAST;
	const uint64_t there = atomic_load_explicit(lasts_of(intern, next), memory_order_relaxed);
	CHECK(there != 0); /* no token has so many steps */
	return next + (uint32_t)__builtin_ctzll(there);
}

/* Bytes of the bits up to this step; a token may have to be looked for in the word behind its first one. */
static size_t lasts_size(uint64_t step)
{
	return (size_t)(step / STEPS_PER_LAST + 2) * sizeof(uint64_t);
}

static bool keeps_words(const struct intern *intern)
{
	return intern->words.base != NULL;
}

static uint64_t divide_up(uint64_t number, uint64_t by)
{
	return (number + by - 1) / by;
}

/* Its steps, its bits, and its share of the word beside it. */
static uint64_t price_of(const struct intern *intern, size_t token_size)
{
	const uint32_t steps = steps_of(token_size);
	const uint64_t share = divide_up(steps * sizeof(uint32_t), INTERN_STEPS_PER_WORD);
	return steps * STEP_SIZE + divide_up(steps, 8) + (keeps_words(intern) ? share : 0) + INDEX_BYTES_PER_ENTRY;
}

static_assert(TOKEN_SIZE_MAX + TOKEN_SIZE_MAX / STEP_SIZE / 8 + INDEX_BYTES_PER_ENTRY <= INTERN_BYTES_MAX,
	      "the promise for a token covers the longest");

static bool has_token(const void *context, uint32_t number, const void *key)
{
	const struct intern *intern = context;
	const struct span token = *(const struct span *)key;
	const uint8_t *place = place_of(intern, number);
	/* As many steps, first: behind them there may be no memory. No byte of a token is zero, and those behind its last one,
	 * up to the next step, are. */
	return last_of(intern, number) == number + steps_of(token.size) - 1 &&
	       memcmp(place, token.at, token.size) == 0 && (token.size % STEP_SIZE == 0 || place[token.size] == 0);
}

bool intern_init(struct intern *intern, struct memory *memory, uint32_t stripe_count, uint64_t seed,
		 struct error *error)
{
	/* Number 0 is none. */
	*intern = (struct intern){.memory = memory, .seed = seed, .next = 1};
	const uint64_t addressable = (uint64_t)UINT32_MAX * STEP_SIZE;
	const uint64_t wanted = (memory->limit + 1) * MEMORY_ADDRESS_FACTOR;
	const uint64_t size = wanted < addressable ? wanted : addressable;
	if (!region_reserve(&intern->region, size, error)) {
		return false;
	}
	if (!region_reserve(&intern->lasts, lasts_size(size / STEP_SIZE), error)) {
		goto undo_region;
	}
	if (!index_init(&intern->index, memory->limit / price_of(intern, 1) * MEMORY_ADDRESS_FACTOR, stripe_count,
			has_token, intern, error)) {
		goto undo_lasts;
	}
	lock_init(&intern->lock);
	return true;

undo_lasts:
	region_release(&intern->lasts);
undo_region:
	region_release(&intern->region);
	return false;
}

void intern_fini(struct intern *intern)
{
	lock_fini(&intern->lock);
	index_fini(&intern->index);
	region_release(&intern->words);
	region_release(&intern->lasts);
	region_release(&intern->region);
}

bool intern_keep_words(struct intern *intern, struct error *error)
{
	CHECK(intern->next == 1);
	const size_t count = intern->region.size / STEP_SIZE / INTERN_STEPS_PER_WORD + 1;
	if (!region_reserve(&intern->words, count * sizeof(uint32_t), error)) {
		return false;
	}
	return region_commit(&intern->words, sizeof(uint32_t)) ||
	       error_set(error, ERROR_NO_MEMORY, "the kernel refuses memory for the words beside tokens");
}

/* Of each byte, whether a token may have it. */
static const bool token_bytes[UINT8_MAX + 1] = {
    ['-'] = true, ['.'] = true, [':'] = true, ['@'] = true, ['_'] = true, ['0'] = true, ['1'] = true, ['2'] = true,
    ['3'] = true, ['4'] = true, ['5'] = true, ['6'] = true, ['7'] = true, ['8'] = true, ['9'] = true, ['A'] = true,
    ['B'] = true, ['C'] = true, ['D'] = true, ['E'] = true, ['F'] = true, ['G'] = true, ['H'] = true, ['I'] = true,
    ['J'] = true, ['K'] = true, ['L'] = true, ['M'] = true, ['N'] = true, ['O'] = true, ['P'] = true, ['Q'] = true,
    ['R'] = true, ['S'] = true, ['T'] = true, ['U'] = true, ['V'] = true, ['W'] = true, ['X'] = true, ['Y'] = true,
    ['Z'] = true, ['a'] = true, ['b'] = true, ['c'] = true, ['d'] = true, ['e'] = true, ['f'] = true, ['g'] = true,
    ['h'] = true, ['i'] = true, ['j'] = true, ['k'] = true, ['l'] = true, ['m'] = true, ['n'] = true, ['o'] = true,
    ['p'] = true, ['q'] = true, ['r'] = true, ['s'] = true, ['t'] = true, ['u'] = true, ['v'] = true, ['w'] = true,
    ['x'] = true, ['y'] = true, ['z'] = true,
};

bool token_valid(struct span token)
{
	if (token.size == 0 || token.size > TOKEN_SIZE_MAX) {
		return false;
	}
	bool valid = true;
	for (size_t i = 0; i < token.size; i++) {
		valid &= token_bytes[token.at[i]];
	}
	return valid;
}

uint64_t intern_hash(const struct intern *intern, struct span token)
{
	return hash_bytes(token.at, token.size, intern->seed);
}

void intern_prefetch(const struct intern *intern, uint64_t hash)
{
	index_prefetch(&intern->index, hash);
}

uint32_t intern_guess(const struct intern *intern, uint64_t hash)
{
	const uint32_t number = index_guess(&intern->index, hash);
	__builtin_prefetch(place_of(intern, number));
	__builtin_prefetch((const void *)lasts_of(intern, number));
	return number;
}

uint32_t intern_find(const struct intern *intern, struct span token)
{
	return index_find(&intern->index, intern_hash(intern, token), &token);
}

static bool make_usable(struct intern *intern, uint64_t step)
{
	return step <= UINT32_MAX && region_commit(&intern->region, step * STEP_SIZE) &&
	       region_commit(&intern->lasts, lasts_size(step)) &&
	       (!keeps_words(intern) ||
		region_commit(&intern->words, (intern_word_number((uint32_t)step) + 1) * sizeof(uint32_t)));
}

/* Makes the region usable up to this step, and what is beside it: for some more tokens at once, as long as there is room. */
static bool reach(struct intern *intern, uint64_t step)
{
	const uint64_t more = step + (uint64_t)STRIDE;
	if (step <= intern->reached) {
		return true;
	}
	if (make_usable(intern, more)) {
		intern->reached = (uint32_t)more;
		return true;
	}
	return make_usable(intern, step);
}

/* The bytes of a token, and where it ends. */
static void put_down(struct intern *intern, uint32_t number, struct span token)
{
	const uint32_t steps = steps_of(token.size);
	uint8_t *place = place_of(intern, number);
	/* What is behind the token is not zero if another was struck out there. */
	store32(place + (size_t)(steps - 1) * STEP_SIZE, 0);
	memcpy(place, token.at, token.size);
	set_last(intern, number + steps - 1);
}

/* Writes the token down, under no name yet. 0 when there is no room. */
static uint32_t write_down(struct intern *intern, struct span token)
{
	const uint32_t steps = steps_of(token.size);
	lock_take(&intern->lock);
	uint32_t number = intern->next;
	const uint64_t end = (uint64_t)number + steps;
	if (reach(intern, end)) {
		write_ahead(place_of(intern, number));
		put_down(intern, number, token);
		intern->next = (uint32_t)end;
		intern->count++;
	} else {
		number = 0;
	}
	lock_give(&intern->lock);
	return number;
}

/* Somebody else gave the token its number first. The place is free again if nothing has come behind it, else it is
 * lost, and stays paid for. */
static void strike_out(struct intern *intern, uint32_t number, size_t token_size)
{
	lock_take(&intern->lock);
	const uint32_t end = number + steps_of(token_size);
	const bool last = intern->next == end;
	if (last) {
		clear_last(intern, end - 1);
		intern->next = number;
	}
	intern->count--;
	lock_give(&intern->lock);
	if (last) {
		memory_give(intern->memory, price_of(intern, token_size));
	}
}

/* Of a token that is not there, as far as is known. */
static uint32_t add(struct intern *intern, uint64_t hash, struct span token, bool promised)
{
	if (promised) {
		memory_force(intern->memory, price_of(intern, token.size));
	} else if (!memory_take(intern->memory, price_of(intern, token.size))) {
		return 0;
	}
	const uint32_t number = write_down(intern, token);
	if (number == 0) {
		memory_give(intern->memory, price_of(intern, token.size));
		return 0;
	}
	const uint32_t first = index_insert(&intern->index, hash, &token, number);
	if (first != number) {
		strike_out(intern, number, token.size);
	}
	return first;
}

uint32_t intern_add(struct intern *intern, struct span token, bool promised)
{
	CHECK(token.size >= 1 && token.size <= TOKEN_SIZE_MAX);
	const uint64_t hash = intern_hash(intern, token);
	const uint32_t there = index_find(&intern->index, hash, &token);
	return there != 0 ? there : add(intern, hash, token, promised);
}

uint32_t intern_add_new(struct intern *intern, struct span token, bool promised)
{
	CHECK(token.size >= 1 && token.size <= TOKEN_SIZE_MAX);
	return add(intern, intern_hash(intern, token), token, promised);
}

uint32_t intern_restore_new(struct intern *intern, struct span token, uint64_t hash)
{
	/* It is written down where the next one goes; if it was there already, the one that comes next is written over it. */
	const uint32_t number = intern->next;
	const uint64_t end = (uint64_t)number + steps_of(token.size);
	if (!reach(intern, end)) {
		return index_find(&intern->index, hash, &token);
	}
	put_down(intern, number, token);
	const uint32_t there = index_insert(&intern->index, hash, &token, number);
	if (there != number) {
		clear_last(intern, (uint32_t)end - 1);
		return there;
	}
	intern->next = (uint32_t)end;
	intern->count++;
	memory_force(intern->memory, price_of(intern, token.size));
	return number;
}

uint32_t intern_restore_known(struct intern *intern, struct span token, uint64_t hash)
{
	const uint32_t there = index_find(&intern->index, hash, &token);
	return there != 0 ? there : intern_restore_new(intern, token, hash);
}

void intern_rest(struct intern *intern, bool rests)
{
	lock_rest(&intern->lock, rests);
	index_rest(&intern->index, rests);
}

struct span intern_token(const struct intern *intern, uint32_t number)
{
	CHECK(number != 0);
	const uint8_t *place = place_of(intern, number);
	size_t size = (size_t)(last_of(intern, number) + 1 - number) * STEP_SIZE;
	while (place[size - 1] == 0) {
		size--;
	}
	return (struct span){place, size};
}

uint32_t intern_next(struct intern *intern, uint32_t number, uint8_t *bytes, size_t *size)
{
	/* Under the lock, since a token without a name may be struck out and its place written anew. */
	lock_take(&intern->lock);
	uint32_t next = number == 0 ? 1 : last_of(intern, number) + 1;
	while (next < intern->next && *place_of(intern, next) == 0) {
		next++; /* nothing was placed here */
	}
	if (next < intern->next) {
		const struct span token = intern_token(intern, next);
		*size = token.size;
		memcpy(bytes, token.at, token.size);
	} else {
		next = 0;
	}
	lock_give(&intern->lock);
	return next;
}

/* ---- restoring ---- */

uint64_t intern_end(const struct intern_copy *copy)
{
	return (uint64_t)copy->number + steps_of(copy->token.size);
}

/* Can these be tokens, one behind the other? */
static bool copies_valid(const struct intern_copy *copies, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (copies[i].number == 0 || !token_valid(copies[i].token) ||
		    (i > 0 && copies[i].number < intern_end(&copies[i - 1]))) {
			return false;
		}
	}
	return true;
}

/* Makes their places usable, and counts them. */
static bool reach_copies(struct intern *intern, const struct intern_copy *copies, uint32_t count)
{
	const uint64_t end = intern_end(&copies[count - 1]);
	lock_take(&intern->lock);
	const bool reached = reach(intern, end);
	if (reached) {
		intern->next = end > intern->next ? (uint32_t)end : intern->next;
		intern->count += count;
	}
	lock_give(&intern->lock);
	return reached;
}

/* Is nothing written at these steps? */
static bool is_blank(const struct intern *intern, uint32_t number, uint32_t steps)
{
	uint32_t any = 0;
	for (uint32_t i = 0; i < steps; i++) {
		any |= load32(place_of(intern, number + i));
	}
	return any == 0;
}

bool intern_place(struct intern *intern, const struct intern_copy *copies, uint32_t count)
{
	struct index_entry entries[INTERN_PLACE_MAX];
	uint64_t price = 0;
	CHECK(count > 0 && count <= INTERN_PLACE_MAX);
	if (!copies_valid(copies, count) || !reach_copies(intern, copies, count)) {
		return false;
	}
	for (uint32_t i = 0; i < count; i++) {
		const struct span token = copies[i].token;
		if (!is_blank(intern, copies[i].number, steps_of(token.size))) {
			return false;
		}
		put_down(intern, copies[i].number, token);
		entries[i] = (struct index_entry){
		    .hash = intern_hash(intern, token), .key = &copies[i].token, .number = copies[i].number};
		price += price_of(intern, token.size);
	}
	memory_force(intern->memory, price);
	index_insert_many(&intern->index, entries, count);
	bool placed = true;
	for (uint32_t i = 0; i < count; i++) {
		placed = placed && entries[i].there == entries[i].number;
	}
	return placed;
}
