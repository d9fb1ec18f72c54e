/*
 * thread: the sessions of a client, found without looking at those of others.
 *
 * A session is threaded to the one that the same client made before it; the word beside the client's token (base/intern.h) says
 * which was the last:
 *
 *   word of the client's token          links, in the records of the sessions
 *        +----+                  +----+              +----+
 *        | 17 | ---------------> | 12 | -----------> |  3 | ---> 0
 *        +----+    session 17    +----+  session 12  +----+  session 3
 *
 * Clients whose tokens are neighbours share a word, and so a thread (four, with tokens of 16 bytes): who walks it passes over
 * the sessions of the others.
 *
 * Who may do what:
 *
 *   link     whoever settles a session for the first time, just before it does, without a lock: its link says what the word
 *            says, and a compare-and-swap makes the word say the session                                  [thread_push]
 *   unlink   a purge that is about to reclaim a session, under the thread's lock, before the session is free: all
 *            sessions of purged days that the thread has, so that a thread is swept once a purge             [thread_clear]
 *   walk     readers, under the thread's lock, some sessions at a time                          [table_client_sessions]
 *
 * Why a settled session of a day that stays is found: it was linked before it was settled, new ones come in front of it, and
 * nothing takes it out. Why a walk never goes astray: under the lock nothing is unlinked, so every session on the way keeps its
 * link, its client and its generation; a link that was taken out says THREAD_NONE until the session, free in between, is
 * somebody's again. Between two parts of a walk the lock is given up: it goes on from a session only if that still has its
 * generation and is linked, else from the start.
 *
 * Why the compare-and-swaps cannot be fooled by a session that went and came back (ABA): the one that links compares with what
 * its own link says, which is right whenever the word says that, however often it said something else in between. The one that
 * unlinks the first session is under the lock, and nobody else takes that session out.
 *
 * Who moves a session to another day looks whether the day it is of has been purged, and unsettles it, under the lock under
 * which the horizon of a purge rises (slot/table.h): so either there is no move, or the purge sees it unsettled or moved, and
 * leaves it in its thread.
 *
 * Nothing is stored: replay settles the same sessions again, and table_redo_done links what a snapshot brought.
 *
 * Threads: any. A thread's lock is a leaf (base/lock.h).
 */
#pragma once

#include <base/lock.h>
#include <base/memory.h>

#define THREAD_LOCKS 64

/* The link of a session that was taken out of its thread. */
#define THREAD_NONE UINT32_MAX

/* A session's link says the next session of the thread, 0: none, THREAD_NONE. It is read under the thread's lock, or by a purge
 * that looks again at what it depends on. */
struct threads {
	struct lock locks[THREAD_LOCKS];
};

void threads_init(struct threads *threads);
void threads_fini(struct threads *threads);

/* How far a walk has come: behind this session, which was linked and of this generation. Zeros: at the start. */
struct thread_cursor {
	uint32_t session;
	uint32_t generation;
};
