/*
 * table_client: the threads of sessions, by client. The protocol, and why it holds: slot/thread.h.
 */
#include "records.h"
#include <base/check.h>

void threads_init(struct threads *threads)
{
	for (uint32_t i = 0; i < THREAD_LOCKS; i++) {
		lock_init(&threads->locks[i]);
	}
}

void threads_fini(struct threads *threads)
{
	for (uint32_t i = 0; i < THREAD_LOCKS; i++) {
		lock_fini(&threads->locks[i]);
	}
}

/* Relaxed, both: see struct threads. */
static uint32_t link_of(const struct table *table, uint32_t session)
{
	return atomic_load_explicit(&session_of(table, session)->link, memory_order_relaxed);
}

static void set_link(struct table *table, uint32_t session, uint32_t next)
{
	atomic_store_explicit(&session_of(table, session)->link, next, memory_order_relaxed);
}

/* Acquire: as in table_session_view. */
static uint32_t client_of(const struct table *table, uint32_t session)
{
	return atomic_load_explicit(&session_of(table, session)->client, memory_order_acquire);
}

static uint32_t generation_of(const struct table *table, uint32_t session)
{
	return atomic_load_explicit(&session_of(table, session)->generation, memory_order_acquire);
}

static struct lock *lock_of(const struct table *table, uint32_t client)
{
	/* The lock is what walks change of a table that is const to them. */
	const struct lock *lock = &table->threads.locks[intern_word_number(client) % THREAD_LOCKS];
	return (struct lock *)(uintptr_t)lock;
}

void thread_push(struct table *table, uint32_t session, uint32_t client)
{
	_Atomic uint32_t *word = intern_word(&table->clients, client);
	/* Relaxed: only compared with. Release: who finds the session finds its link and its record; and those behind it, since
	 * the swaps of one word are one release sequence. Pairs with first_of. */
	uint32_t first = atomic_load_explicit(word, memory_order_relaxed);
	do {
		set_link(table, session, first);
	} while (
	    !atomic_compare_exchange_weak_explicit(word, &first, session, memory_order_release, memory_order_relaxed));
}

static uint32_t first_of(const struct table *table, uint32_t client)
{
	return atomic_load_explicit(intern_word(&table->clients, client),
				    memory_order_acquire); /* pairs with thread_push */
}

/* The session behind the cursor; the first, and *lost, if the cursor's is no longer in this thread. Lock held. */
static uint32_t session_behind(const struct table *table, uint32_t client, struct thread_cursor *cursor, bool *lost)
{
	*lost = false;
	if (cursor->session != 0) {
		const uint32_t next = link_of(table, cursor->session);
		if (next != THREAD_NONE && generation_of(table, cursor->session) == cursor->generation &&
		    intern_word_number(client_of(table, cursor->session)) == intern_word_number(client)) {
			return next;
		}
		*lost = true;
		*cursor = (struct thread_cursor){0};
	}
	return first_of(table, client);
}

uint32_t table_client_sessions(const struct table *table, uint32_t client, struct thread_cursor *cursor, uint64_t *ids,
			       uint32_t looks, enum thread_walk *walk)
{
	uint32_t count = 0;
	bool lost;
	struct lock *lock = lock_of(table, client);
	lock_take(lock);
	uint32_t session = session_behind(table, client, cursor, &lost);
	for (; !lost && session != 0 && looks > 0; looks--) {
		CHECK(session != THREAD_NONE);
		const uint32_t generation = generation_of(table, session);
		if (client_of(table, session) == client) {
			ids[count++] = session_id(session, generation);
		}
		*cursor = (struct thread_cursor){session, generation};
		session = link_of(table, session);
	}
	lock_give(lock);
	*walk = lost ? THREAD_LOST : session != 0 ? THREAD_MORE : THREAD_END;
	return count;
}

/* Takes a session out, which is behind `previous` (0: it was the first). Lock held. */
static void take_out(struct table *table, uint32_t session, uint32_t previous, uint32_t client)
{
	const uint32_t next = link_of(table, session);
	uint32_t first = session;
	/* Release and acquire: as thread_push and first_of. */
	if (previous == 0 &&
	    !atomic_compare_exchange_strong_explicit(intern_word(&table->clients, client), &first, next,
						     memory_order_acq_rel, memory_order_acquire)) {
		/* Others came in front of it. */
		previous = first;
		while (link_of(table, previous) != session) {
			previous = link_of(table, previous);
		}
	}
	if (previous != 0) {
		set_link(table, previous, next);
	}
	set_link(table, session, THREAD_NONE);
}

/* A settled session of a purged day? One that somebody is just changing stays, since it may be on its way to another day. */
static bool is_gone(const struct table *table, uint32_t number)
{
	const struct session *session = session_of(table, number);
	/* Acquire: as in table_session_view. Relaxed: ordered by them. */
	const uint64_t state = atomic_load_explicit(&session->state, memory_order_acquire);
	const uint64_t key = session_key(session);
	return session_lsn(state) != 0 && key_purged(table, key) &&
	       atomic_load_explicit(&session->state, memory_order_relaxed) == state;
}

bool thread_clear(struct table *table, uint32_t session, struct thread_cursor *cursor, uint32_t *looks)
{
	const uint32_t client = client_of(table, session);
	bool lost;
	struct lock *lock = lock_of(table, client);
	lock_take(lock);
	/* The cursor only ever stands on a session that stays; the cursor of another thread is lost here. */
	uint32_t at = link_of(table, session) == THREAD_NONE ? 0 : session_behind(table, client, cursor, &lost);
	for (; at != 0 && *looks > 0; --*looks) {
		CHECK(at != THREAD_NONE);
		const uint32_t next = link_of(table, at);
		if (is_gone(table, at)) {
			take_out(table, at, cursor->session, client);
		} else {
			*cursor = (struct thread_cursor){at, generation_of(table, at)};
		}
		at = next;
	}
	lock_give(lock);
	if (at == 0) {
		*cursor = (struct thread_cursor){0};
	}
	return at == 0;
}

uint64_t threads_check(const struct table *table)
{
	uint64_t count = 0;
	const uint32_t last_word = intern_word_number(table->clients.next);
	for (uint32_t word = 0; word <= last_word; word++) {
		const uint32_t any = word * INTERN_STEPS_PER_WORD; /* as good as a client of this word */
		for (uint32_t session = first_of(table, any); session != 0; session = link_of(table, session)) {
			CHECK(session != THREAD_NONE);
			CHECK(pool_has(&table->sessions, session));
			CHECK(intern_word_number(client_of(table, session)) == word);
			CHECK(++count <= table->sessions.count_max); /* no circle */
		}
	}
	return count;
}

bool thread_has(const struct table *table, uint32_t session)
{
	return link_of(table, session) != THREAD_NONE;
}
