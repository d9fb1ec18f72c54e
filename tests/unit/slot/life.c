/*
 * Proves: the life of a session is the table of docs/ARCHITECTURE.md, for every status, command and combination of facts;
 * asking again stands [I10]; what session_may_become allows is what some command does.
 * Method: the table once more, in letters, and all 9 * 8 * 8 questions.
 */
#include <criterion/criterion.h>
#include <slot/life.h>
#include <string.h>

/* Of a status: free held booked rescheduled confirmed cancelled expired completed no_show. */
static const char statuses[] = "fhbrcxeyn";

/* A row a status, a letter a command (COMMIT RENEW EXPIRE CANCEL RESCHEDULE CONFIRM COMPLETE NOSHOW): the status it leads to;
 * in capitals if only under its guard; = what stands already; - refused; ! the hold is over. */
static const char *const rows[] = {
    "--------", /* free */
    "bHEx----", /* held */
    "=--xrcYN", /* booked */
    "=--xrcYN", /* rescheduled */
    "=--xr=YN", /* confirmed */
    "---=----", /* cancelled */
    "!!-!!!!!", /* expired */
    "------=n", /* completed */
    "------y=", /* no_show */
};

static enum session_status status_of(char letter)
{
	return (enum session_status)(strchr(statuses, letter | 0x20) - statuses);
}

/* A capital under its guard: what the facts make of it. */
static enum life_verdict guarded(char letter, unsigned facts)
{
	switch (letter) {
	case 'H':
		return (facts & LIFE_IS_LONG) != 0 ? LIFE_LONG : LIFE_CHANGES;
	case 'E':
		return (facts & LIFE_IS_OVER) != 0 ? LIFE_CHANGES : LIFE_REFUSED;
	default:
		return (facts & LIFE_HAS_STARTED) != 0 ? LIFE_CHANGES : LIFE_EARLY;
	}
}

static enum life_verdict expected(enum session_status from, enum life_command command, unsigned facts)
{
	/* Time comes first. */
	const bool over = from == SESSION_HELD && (facts & LIFE_IS_OVER) != 0 && command != LIFE_EXPIRE;
	const char letter = rows[over ? SESSION_EXPIRED : from][command];
	switch (letter) {
	case '-':
		return LIFE_REFUSED;
	case '!':
		return LIFE_EXPIRED;
	case '=':
		return LIFE_STANDS;
	default:
		return letter < 'a' ? guarded(letter, facts) : LIFE_CHANGES;
	}
}

Test(life, is_the_table_for_every_status_command_and_fact)
{
	for (unsigned question = 0; question < 9 * LIFE_COMMANDS * 8; question++) {
		const enum session_status from = (enum session_status)(question / 8 / LIFE_COMMANDS);
		const enum life_command command = (enum life_command)(question / 8 % LIFE_COMMANDS);
		const unsigned facts = question % 8;
		enum session_status to = SESSION_FREE;
		const enum life_verdict verdict = life_judge(from, command, facts, &to);
		cr_expect_eq(verdict, expected(from, command, facts), "%s, command %d, facts %u: %d",
			     session_status_name(from), (int)command, facts, (int)verdict);
		if (verdict == LIFE_CHANGES) {
			cr_expect_eq(to, status_of(rows[from][command]), "%s, command %d, leads to %s",
				     session_status_name(from), (int)command, session_status_name(to));
			cr_expect(session_may_become(from, to));
		}
	}
}

Test(life, what_a_command_led_to_stands_when_it_is_asked_again)
{
	static const enum life_command again[] = {LIFE_COMMIT, LIFE_CANCEL, LIFE_CONFIRM, LIFE_COMPLETE, LIFE_NO_SHOW};
	for (unsigned question = 0; question < 9 * 5; question++) {
		const enum life_command command = again[question % 5];
		enum session_status to;
		if (life_judge((enum session_status)(question / 5), command, LIFE_HAS_STARTED, &to) == LIFE_CHANGES) {
			cr_expect_eq(life_judge(to, command, LIFE_HAS_STARTED, &to), LIFE_STANDS);
		}
	}
}
