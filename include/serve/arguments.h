/*
 * arguments: the words of a request as tokens, dates, times and numbers; and outcomes as replies.
 *
 * Each reader returns false after having written the one error line that says which argument is wrong and what is allowed.
 * Never the word itself: it may be a client token, which is patient data.
 *
 * Threads: the request and the reply belong to one worker.
 */
#pragma once

#include <serve/desk.h>
#include <wire/reply.h>
#include <wire/request.h>

bool argument_token(struct reply *reply, const char *name, struct span word, struct span *token);
bool argument_date(struct reply *reply, const char *name, struct span word, uint16_t *day);
bool argument_time(struct reply *reply, const char *name, struct span word, uint16_t *minute);
/* YYYY-MM-DDTHH:MM, as civil minutes since 1970 (slot/busy.h). */
bool argument_moment(struct reply *reply, const char *name, struct span word, uint32_t *minute);
bool argument_number(struct reply *reply, const char *name, struct span word, uint64_t least, uint64_t most,
		     uint64_t *number);
/* psychologist, date and time, the words from `first` on. */
bool argument_place(struct reply *reply, const struct request *request, uint32_t first, struct place *place);
/* The reason of a cancellation, word `at`; empty if there is none. */
bool argument_reason(struct reply *reply, const struct request *request, uint32_t at, struct span *reason);
/* What is asked of a thing that is kept for a psychologist, in word 1: SET psychologist and more words, GET psychologist, DEL
 * psychologist. NONE, and the reply says why: it is none of these. */
enum argument_asked {
	ASKED_NONE,
	ASKED_SET,
	ASKED_GET,
	ASKED_DEL
};
enum argument_asked argument_asked(struct reply *reply, const struct request *request, struct span *psychologist);
/* The words are not those of the command; says the usage. */
void argument_syntax(struct reply *reply, const struct request *request);

/* The code of a refusal: "TAKEN". */
const char *outcome_word(enum outcome_code code);
void reply_date(struct reply *reply, uint16_t day);
void reply_time(struct reply *reply, uint16_t minute);
/* Writes a refusal: every outcome but OUTCOME_DONE. */
void reply_refusal(struct reply *reply, const struct desk *desk, const struct outcome *outcome);

/* Appends the 16 bytes YYYY-MM-DDTHH:MM of a key. */
void format_place(uint64_t key, char text[17]);
