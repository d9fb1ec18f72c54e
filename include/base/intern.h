/*
 * intern: tokens (psychologists, clients) kept once, named by a number.
 *
 * A token is stored as its bytes, in 4-byte steps of a region, with zeros behind it if it does not fill the last; its number is
 * its first step. Which step is the last of a token is a bit of its own:
 *
 *   steps    1     2     3     4     5     6
 *          |anne |clie |nt-1 |7    |bob  |    ...
 *   last     1     0     0     1     1     0
 *
 * So there is no length beside the bytes. Tokens are never given back while the server runs.
 *
 * Threads: any. find takes no lock; add locks one stripe and, for the space, one leaf lock, one after the other.
 */
#pragma once

#include <base/bytes.h>
#include <base/index.h>
#include <base/limits.h>

struct intern {
	/* const after intern_init */
	struct memory *memory;
	uint64_t seed;
	/* shared, with its own protocol */
	struct index index;
	/* guards the region's committed part, next and count */
	struct lock lock;
	struct region region;
	struct region lasts; /* bits: is this step the last of a token? Set before the token has a name */
	struct region words; /* beside the tokens; empty if intern_keep_words was not asked for them */
	uint32_t next;       /* number of the next token: the first free step */
	uint32_t reached;    /* steps before this one are usable */
	uint32_t count;
};

/* `memory` is borrowed for the life of the intern. */
bool intern_init(struct intern *intern, struct memory *memory, uint32_t stripe_count, uint64_t seed,
		 struct error *error);
void intern_fini(struct intern *intern);

/* From here on there is a word beside each token, for whatever others keep about it: 0 at first, never moved. It is one for
 * INTERN_STEPS_PER_WORD steps of the region, shared by the tokens that begin in them, so that it costs a sixteenth of a token.
 * Before there are tokens. */
#define INTERN_STEPS_PER_WORD 16
bool intern_keep_words(struct intern *intern, struct error *error);

/* Which word a token has: the same for those that share one. */
static inline uint32_t intern_word_number(uint32_t number)
{
	return number / INTERN_STEPS_PER_WORD;
}

static inline _Atomic uint32_t *intern_word(const struct intern *intern, uint32_t number)
{
	return (_Atomic uint32_t *)(void *)intern->words.base + intern_word_number(number);
}

/* Is this 1 to 64 bytes of A-Z a-z 0-9 _ - . : @? */
bool token_valid(struct span token);

uint64_t intern_hash(const struct intern *intern, struct span token);

/* Of a find of many, the first steps: brings near what says which token has this hash; then, going by the hash alone, the
 * bytes of the token that may be the one, and returns its number, or 0. Hints. */
void intern_prefetch(const struct intern *intern, uint64_t hash);
uint32_t intern_guess(const struct intern *intern, uint64_t hash);

/* The number of a token, 0 if it was never added. */
uint32_t intern_find(const struct intern *intern, struct span token);
/* The number of a token, added if new. 0 only when the budget is spent; with `promised`, which does not ask the budget
 * but takes from it (memory_force), only when address space is. */
uint32_t intern_add(struct intern *intern, struct span token, bool promised);
/* The same of one that was just looked for in vain: it is not looked for again before bytes are taken for it. */
uint32_t intern_add_new(struct intern *intern, struct span token, bool promised);
/* The same as intern_add with `promised`, of a token with this hash, while one thread alone has to do with the tokens: one that
 * is most likely there, or most likely new. */
uint32_t intern_restore_known(struct intern *intern, struct span token, uint64_t hash);
uint32_t intern_restore_new(struct intern *intern, struct span token, uint64_t hash);
/* Its locks rest, or do so no more (base/lock.h). */
void intern_rest(struct intern *intern, bool rests);
/* The token of a number; good for the life of the intern. */
struct span intern_token(const struct intern *intern, uint32_t number);

/* Copies the token written down behind this number (0: the first) to `bytes`, with room for TOKEN_SIZE_MAX; returns its
 * number, 0 if there is none yet. It may be one that has no name, because somebody else gave the token its number first:
 * intern_find then says another. */
uint32_t intern_next(struct intern *intern, uint32_t number, uint8_t *bytes, size_t *size);
/* Restoring: writes tokens down under these numbers, which grow, and are larger than all before but for those that other calls
 * restore at the same time. False if one of them cannot be, or address space is spent. */
struct intern_copy {
	uint32_t number;
	struct span token;
};
#define INTERN_PLACE_MAX INDEX_MANY_MAX
bool intern_place(struct intern *intern, const struct intern_copy *copies, uint32_t count);
/* The least number that can follow. */
uint64_t intern_end(const struct intern_copy *copy);

/* Most bytes one token can cost, index cell included; what a promise for one sets aside. */
#define INTERN_BYTES_MAX (TOKEN_SIZE_MAX + TOKEN_SIZE_MAX / 32 + INDEX_BYTES_PER_ENTRY)
/* The same of one with a word beside it: a sixteenth. */
#define INTERN_BYTES_MAX_WITH_WORD (INTERN_BYTES_MAX + TOKEN_SIZE_MAX / 16)
