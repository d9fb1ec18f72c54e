/*
 * ready: memory that has its pages before anybody needs them.
 *
 * Memory that was never touched costs whoever touches it first the kernel's time to find and clear a page: of a huge page on a
 * virtual machine whose host has to find it, too, 5 to 20 ms, in which a worker answers nobody. So a thread of its own touches
 * what will be needed soon. It only ever helps: where it does not run (tools, simulators), or is late, the page comes with the
 * first use, as it would without.
 *
 * One a process, as the page tables are.
 *
 * Threads: ask and forget any; start is the loader's, stop main's.
 */
#pragma once

#include <base/error.h>
#include <stdbool.h>
#include <stddef.h>

/* What may wait to be touched; beyond it a question is dropped. */
#define READY_QUEUE 64

bool ready_start(struct error *error);
/* What was not touched yet stays so. */
void ready_stop(void);
/* Between the two: somebody is served. Any thread. */
bool ready_runs(void);

/* Touches these bytes, which may be read and written by others meanwhile, and keeps them as they are. */
void ready_ask(void *from, size_t size);
/* Before memory is unmapped: what was asked for of it is not touched any more when this returns. */
void ready_forget(const void *from, size_t size);
