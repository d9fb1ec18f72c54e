/*
 * intern: tokens in a region, found through an index. See base/intern.h.
 *
 * The bytes of a token are plain memory: they are written before the number goes into the index, never change while it
 * is there, and whoever has the number got it from somebody who saw it there (release and acquire all the way).
 */
#include <base/check.h>
#include <base/hash.h>
#include <base/intern.h>

#define STEP_SIZE 4

static_assert((1 + TOKEN_SIZE_MAX + STEP_SIZE - 1) / STEP_SIZE * STEP_SIZE + INDEX_BYTES_PER_ENTRY <= INTERN_BYTES_MAX,
	      "the promise for a token covers the longest");

static uint32_t steps_of(size_t token_size)
{
	return (uint32_t)((1 + token_size + STEP_SIZE - 1) / STEP_SIZE);
}

static uint8_t *place_of(const struct intern *intern, uint32_t number)
{
	return intern->region.base + (size_t)number * STEP_SIZE;
}

static bool keeps_words(const struct intern *intern)
{
	return intern->words.base != NULL;
}

static uint64_t price_of(const struct intern *intern, size_t token_size)
{
	const uint64_t step_price = STEP_SIZE + (keeps_words(intern) ? sizeof(uint32_t) / INTERN_STEPS_PER_WORD : 0);
	return steps_of(token_size) * step_price + INDEX_BYTES_PER_ENTRY;
}

static bool has_token(const void *context, uint32_t number, const void *key)
{
	return span_equal(intern_token(context, number), *(const struct span *)key);
}

bool intern_init(struct intern *intern, struct memory *memory, uint32_t stripe_count, uint64_t seed,
		 struct error *error)
{
	/* Number 0 is none. */
	*intern = (struct intern){.memory = memory, .seed = seed, .next = 1};
	const uint64_t addressable = (uint64_t)UINT32_MAX * STEP_SIZE;
	const uint64_t wanted = (memory->limit + 1) * MEMORY_ADDRESS_FACTOR;
	if (!region_reserve(&intern->region, wanted < addressable ? wanted : addressable, error)) {
		return false;
	}
	if (!index_init(&intern->index, memory->limit / price_of(intern, 1) * MEMORY_ADDRESS_FACTOR, stripe_count,
			has_token, intern, error)) {
		region_release(&intern->region);
		return false;
	}
	lock_init(&intern->lock);
	return true;
}

void intern_fini(struct intern *intern)
{
	lock_fini(&intern->lock);
	index_fini(&intern->index);
	region_release(&intern->words);
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

static bool token_byte_valid(uint8_t byte)
{
	return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') ||
	       byte == '_' || byte == '-' || byte == '.' || byte == ':' || byte == '@';
}

bool token_valid(struct span token)
{
	if (token.size == 0 || token.size > TOKEN_SIZE_MAX) {
		return false;
	}
	for (size_t i = 0; i < token.size; i++) {
		if (!token_byte_valid(token.at[i])) {
			return false;
		}
	}
	return true;
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
	return number;
}

uint32_t intern_find(const struct intern *intern, struct span token)
{
	return index_find(&intern->index, intern_hash(intern, token), &token);
}

/* Makes the region usable up to this step, and the words beside it. */
static bool reach(struct intern *intern, uint64_t step)
{
	return step <= UINT32_MAX && region_commit(&intern->region, step * STEP_SIZE) &&
	       (!keeps_words(intern) ||
		region_commit(&intern->words, (intern_word_number((uint32_t)step) + 1) * sizeof(uint32_t)));
}

/* Writes the token down, under no name yet. 0 when there is no room. */
static uint32_t write_down(struct intern *intern, struct span token)
{
	lock_take(&intern->lock);
	uint32_t number = intern->next;
	const uint64_t end = (uint64_t)number + steps_of(token.size);
	if (reach(intern, end)) {
		uint8_t *place = place_of(intern, number);
		place[0] = (uint8_t)token.size;
		memcpy(place + 1, token.at, token.size);
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
	const bool last = intern->next == number + steps_of(token_size);
	if (last) {
		intern->next = number;
	}
	intern->count--;
	lock_give(&intern->lock);
	if (last) {
		memory_give(intern->memory, price_of(intern, token_size));
	}
}

uint32_t intern_add(struct intern *intern, struct span token, bool promised)
{
	CHECK(token.size >= 1 && token.size <= TOKEN_SIZE_MAX);
	const uint64_t hash = intern_hash(intern, token);
	const uint32_t there = index_find(&intern->index, hash, &token);
	if (there != 0) {
		return there;
	}
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

struct span intern_token(const struct intern *intern, uint32_t number)
{
	CHECK(number != 0);
	const uint8_t *place = place_of(intern, number);
	return (struct span){place + 1, place[0]};
}

uint32_t intern_next(struct intern *intern, uint32_t number, uint8_t *bytes, size_t *size)
{
	/* Under the lock, since a token without a name may be struck out and its place written anew. */
	lock_take(&intern->lock);
	uint32_t next = number == 0 ? 1 : number + steps_of(place_of(intern, number)[0]);
	if (next < intern->next) {
		const uint8_t *place = place_of(intern, next);
		*size = place[0];
		memcpy(bytes, place + 1, *size);
	} else {
		next = 0;
	}
	lock_give(&intern->lock);
	return next;
}

bool intern_place(struct intern *intern, uint32_t number, struct span token)
{
	if (number < intern->next || !token_valid(token)) {
		return false;
	}
	intern->next = number;
	if (write_down(intern, token) != number) {
		return false;
	}
	memory_force(intern->memory, price_of(intern, token.size));
	return index_insert(&intern->index, intern_hash(intern, token), &token, number) == number;
}
