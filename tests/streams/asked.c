/*
 * asked: see asked.h.
 */
#include <base/check.h>
#include <base/hash.h>
#include <stdlib.h>
#include <streams/asked.h>

/* What a request and its record have in common, hashed. */
struct common {
	uint64_t verb;
	uint64_t slot;
	uint64_t session;
	uint64_t who; /* a client's number, an op's number, seconds */
};

static uint64_t hash_of(const struct common *common)
{
	return hash_bytes(common, sizeof *common, 0);
}

static enum op_verb verb_of_status(enum session_status status)
{
	switch (status) {
	case SESSION_HELD:
		return OP_RENEW;
	case SESSION_CONFIRMED:
		return OP_CONFIRM;
	case SESSION_COMPLETED:
		return OP_COMPLETE;
	case SESSION_NO_SHOW:
		return OP_NOSHOW;
	default:
		return OP_COMMIT;
	}
}

/* "op-12": 12. */
static uint64_t number_of(struct span reason)
{
	uint64_t number = 0;
	const bool named = reason.size > 3 && memcmp(reason.at, "op-", 3) == 0;
	(void)span_number((struct span){reason.at + 3, named ? reason.size - 3 : 0}, UINT64_MAX, &number);
	return number;
}

static struct common common_of_record(const struct witness *witness, const struct record *record)
{
	uint32_t client = 0;
	const uint32_t slot = witness_slot(witness, record->psychologist, record->day, record->minute);
	switch (record->type) {
	case RECORD_BOOK:
		(void)answer_client(record->client, &client);
		return (struct common){OP_BOOK, slot, 0, client};
	case RECORD_HOLD:
		(void)answer_client(record->client, &client);
		return (struct common){OP_HOLD, slot, record->hold_seconds, client};
	case RECORD_CANCEL:
		return (struct common){OP_CANCEL, 0, record->session, number_of(record->reason)};
	case RECORD_STATUS:
		return (struct common){verb_of_status(record->status), 0, record->session, record->hold_seconds};
	case RECORD_MOVE:
		return (struct common){OP_RESCHEDULE, slot, record->session, 0};
	case RECORD_BUSY:
		return (struct common){OP_BUSY, 0, 0, record->generation};
	default:
		return (struct common){record->type == RECORD_OPEN ? OP_OPEN : OP_CLOSE, 0, 0, 0};
	}
}

void asked_note(struct list *records, const struct witness *witness, const struct record *record, uint64_t lsn)
{
	struct span rest = record->members;
	struct record member;
	while (record->type == RECORD_GROUP && record_next_member(&rest, &member)) {
		asked_note(records, witness, &member, lsn);
	}
	const bool nobodys = record->type == RECORD_STATUS && record->status == SESSION_EXPIRED;
	if (record->type == RECORD_GROUP || nobodys) {
		return;
	}
	struct common common = common_of_record(witness, record);
	if (record->type == RECORD_OPEN || record->type == RECORD_CLOSE) {
		const struct record_slot at = record_slot(record, 0);
		common.slot = witness_slot(witness, record->psychologist, at.day, at.minute);
	}
	struct asked_record noted = {.hash = hash_of(&common), .lsn = lsn};
	if (record->type == RECORD_STATUS && record->status == SESSION_BOOKED) {
		const struct story *story = witness_story_at(witness, witness_story(witness, record->session));
		const struct turn *turn = witness_turn(witness, story->newest);
		noted.other = hash_of(&(struct common){OP_BOOK, turn->slot, 0, story->client});
	}
	list_add(records, &noted, sizeof noted);
}

uint64_t asked_hash(const struct op *op, const struct op_part *part)
{
	const bool by_slot =
	    part->verb <= OP_HOLD || part->verb == OP_RESCHEDULE || part->verb == OP_OPEN || part->verb == OP_CLOSE;
	const bool claims = part->verb <= OP_HOLD;
	return hash_of(&(struct common){
	    .verb = part->verb == OP_CLAIM ? OP_BOOK : part->verb,
	    .slot = by_slot ? part->slot : 0,
	    .session = part->verb == OP_HOLD ? op->seconds : part->session,
	    .who = claims                                             ? op->client
		   : part->verb == OP_CANCEL || part->verb == OP_BUSY ? op->number
		   : part->verb == OP_RENEW                           ? op->seconds
								      : 0,
	});
}

static struct asked *tally_find(const struct tally *tally, uint64_t hash)
{
	size_t at = hash & (tally->capacity - 1);
	while (tally->places[at].hash != hash && tally->places[at].hash != 0) {
		at = (at + 1) & (tally->capacity - 1);
	}
	return &tally->places[at];
}

void tally_count(struct tally *tally, const struct op *op, const struct answer *answer)
{
	for (uint32_t i = 0; i < op->part_count; i++) {
		if (answer->code == ANSWER_DONE || answer->code == ANSWER_UNKNOWN) {
			const uint64_t hash = asked_hash(op, &op->parts[i]);
			struct asked *asked = tally_find(tally, hash);
			asked->hash = hash;
			asked->count++;
		}
	}
}

static bool take(const struct tally *tally, uint64_t hash)
{
	struct asked *asked = tally_find(tally, hash);
	const bool was = asked->count > 0;
	asked->count -= was;
	return was;
}

void tally_init(struct tally *tally, uint64_t ops)
{
	*tally = (struct tally){.capacity = 1024};
	while (tally->capacity < 2 * OP_PARTS_MAX * ops) {
		tally->capacity *= 2;
	}
	tally->places = calloc(tally->capacity, sizeof *tally->places);
	CHECK(tally->places != NULL);
}

void tally_fini(struct tally *tally)
{
	free(tally->places);
}

bool tally_take(struct tally *tally, const struct asked_record *record)
{
	return take(tally, record->hash) || (record->other != 0 && take(tally, record->other));
}
