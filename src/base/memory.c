/*
 * memory: counting bytes against the limit. See base/memory.h.
 *
 * Every operation here is relaxed: the counters bound, they order nothing.
 */
#include <base/check.h>
#include <base/memory.h>

void memory_init(struct memory *memory, uint64_t limit)
{
	memory->limit = limit;
	atomic_init(&memory->used, 0);
	atomic_init(&memory->promised, 0);
}

void memory_clear(struct memory *memory)
{
	atomic_store_explicit(&memory->used, 0, memory_order_relaxed);
	atomic_store_explicit(&memory->promised, 0, memory_order_relaxed);
}

bool memory_take(struct memory *memory, uint64_t bytes)
{
	/* Add, then look: of two threads that both would go over, the second at least sees it, whichever that is.
	 * Looking first would let both pass. Somebody small may be refused while somebody big is on the way back; at
	 * the limit that is as good an answer as any. */
	const uint64_t before = atomic_fetch_add_explicit(&memory->used, bytes, memory_order_relaxed);
	if (bytes <= memory->limit && before <= memory->limit - bytes) {
		return true;
	}
	atomic_fetch_sub_explicit(&memory->used, bytes, memory_order_relaxed);
	return false;
}

void memory_force(struct memory *memory, uint64_t bytes)
{
	atomic_fetch_add_explicit(&memory->used, bytes, memory_order_relaxed);
}

void memory_give(struct memory *memory, uint64_t bytes)
{
	const uint64_t before = atomic_fetch_sub_explicit(&memory->used, bytes, memory_order_relaxed);
	CHECK(before >= bytes);
}

bool memory_promise(struct memory *memory, uint64_t bytes)
{
	if (!memory_take(memory, bytes)) {
		return false;
	}
	atomic_fetch_add_explicit(&memory->promised, bytes, memory_order_relaxed);
	return true;
}

void memory_promise_again(struct memory *memory, uint64_t bytes)
{
	memory_force(memory, bytes);
	atomic_fetch_add_explicit(&memory->promised, bytes, memory_order_relaxed);
}

void memory_redeem(struct memory *memory, uint64_t bytes)
{
	const uint64_t before = atomic_fetch_sub_explicit(&memory->promised, bytes, memory_order_relaxed);
	CHECK(before >= bytes);
	memory_give(memory, bytes);
}
