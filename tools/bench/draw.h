/*
 * draw: the slot and the client of request i, made from i alone.
 *
 * Every request of a run gets a slot that nobody asked for before and a client nobody has been, in an order that is as
 * good as random: neighbours in time are no neighbours in any table. Within DRAW_BLOCK numbers, i is multiplied with an odd
 * constant, which permutes them; the bits then say time, day and psychologist. The psychologist also carries the run's
 * tag, so that two runs against one server never meet.
 *
 *   i -> t7Qa-0001f3   2031-01-29   13:30   ct7Qa00000a3f51e
 *        tag  number                        16 bytes, all distinct
 *
 * Threads: any.
 */
#pragma once

#include <slot/civil.h>
#include <stdint.h>

#define DRAW_TAG_SIZE          4
#define DRAW_PSYCHOLOGIST_SIZE (DRAW_TAG_SIZE + 7)
#define DRAW_CLIENT_SIZE       16
#define DRAW_BLOCK             (UINT64_C(1) << 23)
#define DRAW_LIMIT             (UINT64_C(1) << 35) /* numbers of psychologists have 24 bits */

/* Texts without a NUL. */
struct draw {
	char psychologist[DRAW_PSYCHOLOGIST_SIZE];
	char date[CIVIL_DATE_SIZE];
	char time[CIVIL_TIME_SIZE];
	char client[DRAW_CLIENT_SIZE];
};

struct draw_tag {
	char text[DRAW_TAG_SIZE];
};

/* A tag that no earlier run of this machine had: from its clock. */
struct draw_tag draw_tag_now(void);
/* `number` is below DRAW_LIMIT. */
void draw_slot(struct draw *draw, struct draw_tag tag, uint64_t number);
