/*
 * Proves: of the two ways to commit the faster one is taken, also after that has changed; one slow commit changes nothing; the
 * other way is tried now and then, and less than once in a hundred commits.
 * Method: a disk whose two ways take what the test says.
 */
#include <criterion/criterion.h>
#include <io/commit_choice.h>

#define US UINT64_C(1000)

/* Commits so often; returns how many of them with RWF_DSYNC. */
static uint32_t commit(struct commit_choice *choice, uint32_t count, uint64_t dsync_ns, uint64_t linked_ns)
{
	uint32_t with_dsync = 0;
	for (uint32_t i = 0; i < count; i++) {
		const enum disk_commit way = commit_choice_next(choice);
		with_dsync += way == DISK_COMMIT_DSYNC;
		commit_choice_took(choice, way, way == DISK_COMMIT_DSYNC ? dsync_ns : linked_ns);
	}
	return with_dsync;
}

Test(commit_choice, takes_the_faster_way_and_tries_the_other_less_than_once_in_a_hundred)
{
	struct commit_choice choice = {0};
	commit(&choice, 10, 250 * US, 400 * US);
	const uint32_t with_dsync = commit(&choice, 10000, 250 * US, 400 * US);
	cr_assert_gt(with_dsync, 9900);
	cr_assert_lt(with_dsync, 10000);
	choice = (struct commit_choice){0};
	commit(&choice, 10, 400 * US, 250 * US);
	cr_assert_lt(commit(&choice, 10000, 400 * US, 250 * US), 100);
}

Test(commit_choice, leaves_a_way_that_has_become_slow_within_ten_commits)
{
	struct commit_choice choice = {0};
	commit(&choice, 1000, 250 * US, 450 * US);
	cr_assert_leq(commit(&choice, 100, 2900 * US, 450 * US), 10);
}

Test(commit_choice, comes_back_to_a_way_that_has_become_fast_again)
{
	struct commit_choice choice = {0};
	commit(&choice, 1000, 2900 * US, 450 * US);
	commit(&choice, 30 * COMMIT_TRIAL_EVERY, 250 * US, 450 * US);
	cr_assert_gt(commit(&choice, 1000, 250 * US, 450 * US), 990);
}

Test(commit_choice, one_slow_commit_changes_nothing)
{
	struct commit_choice choice = {0};
	commit(&choice, 1000, 250 * US, 450 * US);
	commit_choice_took(&choice, DISK_COMMIT_DSYNC, 40000 * US);
	cr_assert_geq(commit(&choice, 100, 250 * US, 450 * US), 99);
}

Test(commit_choice, a_clock_that_stands_still_is_survived)
{
	struct commit_choice choice = {0};
	commit(&choice, 1000, 0, 0);
	cr_assert_gt(choice.usual_ns[DISK_COMMIT_DSYNC], 0);
	cr_assert_gt(choice.usual_ns[DISK_COMMIT_LINKED], 0);
}
