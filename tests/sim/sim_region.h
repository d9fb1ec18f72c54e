/*
 * sim_region: regions (base/memory.h) that a simulation makes and gives up thousands of times a second.
 *
 * A program that calls sim_region_use has these in the place of src/base/region.c. A region that is released goes back to a
 * shelf, made zero again as far as it was committed, and the next of its size is taken from there: no system call, no page
 * fault. It commits page by page, no more than is asked for. What no life of it has committed yet is not accessible, as in
 * the original.
 *
 * Threads: one.
 */
#pragma once

#include <base/memory.h>

/* To be called once, before the first region. Memory from malloc is kept, too, instead of going back to the kernel. */
void sim_region_use(void);
