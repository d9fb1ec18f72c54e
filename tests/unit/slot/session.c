/*
 * Proves: the words of slot, session and key keep their parts apart; the statuses that a status may become are those of the
 * design; who waits for a settled state gets it. Method: examples at the bounds of every part, all pairs of statuses, two
 * threads.
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <slot/claim.h>
#include <slot/key.h>
#include <slot/session.h>

Test(key, keeps_its_parts_and_sorts_by_date_and_time)
{
	const uint64_t key = key_make(UINT32_MAX, UINT16_MAX, KEY_MINUTE_CARD);
	cr_assert_eq(key_psychologist(key), UINT32_MAX);
	cr_assert_eq(key_day(key), UINT16_MAX);
	cr_assert_eq(key_minute(key), KEY_MINUTE_CARD);
	cr_assert_lt(key_make(1, 5, 1439), key_make(1, 6, 0));
	cr_assert_lt(key_make(1, UINT16_MAX, 1439), key_make(2, 0, 0));
	cr_assert_neq(key_make(1, 0, 0), 0);
}

Test(claim, keeps_its_parts)
{
	const uint64_t open = claim_make(CLAIM_OPEN, 1440, CLAIM_VALUE_MASK);
	cr_assert_eq(claim_kind(open), CLAIM_OPEN);
	cr_assert_eq(claim_minutes(open), 1440);
	cr_assert_eq(claim_lsn(open), CLAIM_VALUE_MASK);
	const uint64_t session = claim_make(CLAIM_SESSION, 50, UINT64_C(65535) << 32 | UINT32_MAX);
	cr_assert_eq(claim_kind(session), CLAIM_SESSION);
	cr_assert_eq(claim_minutes(session), 50);
	cr_assert_eq(claim_session(session), UINT32_MAX);
	cr_assert_eq(claim_generation(session), 65535);
	cr_assert(claim_listed(session));
	cr_assert_not(claim_listed(claim_make(CLAIM_OPEN, 0, 17)));
}

Test(session, state_keeps_its_parts)
{
	const uint64_t state = session_state(SESSION_NO_SHOW, SESSION_VERSION_MAX, (UINT64_C(1) << 48) - 1);
	cr_assert_eq(session_status(state), SESSION_NO_SHOW);
	cr_assert_eq(session_version(state), SESSION_VERSION_MAX);
	cr_assert_eq(session_lsn(state), (UINT64_C(1) << 48) - 1);
	cr_assert_eq(session_state(SESSION_FREE, 0, 0), 0);
}

Test(session, four_statuses_occupy)
{
	for (int status = SESSION_FREE; status <= SESSION_NO_SHOW; status++) {
		const bool occupies = status == SESSION_HELD || status == SESSION_BOOKED ||
				      status == SESSION_RESCHEDULED || status == SESSION_CONFIRMED;
		cr_assert_eq(session_occupies((enum session_status)status), occupies);
	}
	cr_assert_str_eq(session_status_name(SESSION_BOOKED), "booked");
	cr_assert_str_eq(session_status_name(SESSION_NO_SHOW), "no_show");
}

Test(session, transitions_are_those_of_the_design)
{
	/* One row a status, in the order of the enum; a letter for each status it may become. */
	const char *const letters =
	    "fhbrcxeyn"; /* free held booked rescheduled confirmed cancelled expired completed no_show */
	const char *const rows[] = {"", "hbxe", "rcxyn", "rcxyn", "rxyn", "", "", "n", "y"};
	for (int from = SESSION_FREE; from <= SESSION_NO_SHOW; from++) {
		for (int to = SESSION_FREE; to <= SESSION_NO_SHOW; to++) {
			const bool allowed = strchr(rows[from], letters[to]) != NULL;
			cr_assert_eq(session_may_become((enum session_status)from, (enum session_status)to), allowed,
				     "%d to %d", from, to);
		}
	}
}

Test(session, what_gave_its_slot_up_never_occupies_again)
{
	for (int from = SESSION_CANCELLED; from <= SESSION_NO_SHOW; from++) {
		for (int to = SESSION_HELD; to <= SESSION_CONFIRMED; to++) {
			cr_assert_not(session_may_become((enum session_status)from, (enum session_status)to));
		}
	}
}

static void *settle(void *argument)
{
	struct session *session = argument;
	atomic_store_explicit(&session->state, session_state(SESSION_BOOKED, 1, 17), memory_order_release);
	return NULL;
}

Test(session, waiting_ends_with_the_settled_state)
{
	struct session session = {.state = session_state(SESSION_BOOKED, 1, 0)};
	pthread_t other;
	cr_assert_eq(pthread_create(&other, NULL, settle, &session), 0);
	cr_assert_eq(session_wait_settled(&session), session_state(SESSION_BOOKED, 1, 17));
	pthread_join(other, NULL);
}

Test(session, a_free_session_is_not_waited_for)
{
	struct session session = {.state = session_state(SESSION_FREE, 0, 0)};
	cr_assert_eq(session_status(session_wait_settled(&session)), SESSION_FREE);
}

Test(session, when_it_was_made_and_its_time_of_day_share_a_word)
{
	const uint64_t moments[] = {0, 1, UINT64_C(1900000000000), SESSION_CREATED_MS_MAX};
	const uint16_t minutes[] = {0, 1, 50, 1440};
	for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
		const uint64_t made = session_made(moments[i], 1439 - (uint16_t)i, minutes[i]);
		cr_assert_eq(session_created_ms(made), moments[i]);
		cr_assert_eq(session_minute(made), 1439 - i);
		cr_assert_eq(session_minutes(made), minutes[i]);
	}
	const uint64_t late = session_made(SESSION_UPDATED_MS_MAX, 600, 50);
	cr_assert_eq(session_created_ms(late), SESSION_CREATED_MS_MAX, "a clock beyond what 42 bits can say");
	cr_assert_eq(session_minute(late), 600);
	cr_assert_eq(session_minutes(late), 50);
}
