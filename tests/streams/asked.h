/*
 * asked: what requests and records have in common, so that each record can be held against who asked for it.
 *
 * Threads: one.
 */
#pragma once

#include <history/answer.h>
#include <streams/witness.h>

/* A record, or a member of one, as requests name it. */
struct asked_record {
	uint64_t hash;
	uint64_t other; /* a hold that became booked: what a BOOK by its client is called; else 0 */
	uint64_t lsn;
};

/* Adds a record, which the witness has, to a list of struct asked_record; of a group its members, of what time did nothing. */
void asked_note(struct list *records, const struct witness *witness, const struct record *record, uint64_t lsn);
/* What the record of a part of an operation is called. That of a CANCEL is called so by no other request. */
uint64_t asked_hash(const struct op *op, const struct op_part *part);

/* How often something was asked for: a set that counts, linear probing. */
struct tally {
	struct asked {
		uint64_t hash;
		uint64_t count; /* 0: an empty place */
	} * places;
	size_t capacity; /* a power of two */
};

/* For so many operations. */
void tally_init(struct tally *tally, uint64_t ops);
void tally_fini(struct tally *tally);
/* Counts what may have been done of an operation. */
void tally_count(struct tally *tally, const struct op *op, const struct answer *answer);
/* Takes one off. False: nobody asked for this record, or not so often. */
bool tally_take(struct tally *tally, const struct asked_record *record);
