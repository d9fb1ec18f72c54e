/*
 * Proves: what is known of a calendar is the same after it was kept and read again, and a file that was damaged in any one
 * byte, or cut anywhere, is as none.
 */
#include <calsync/state.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[] = "/tmp/slotd-state-XXXXXX";
static char path[128];

static void start(void)
{
	cr_assert_not_null(mkdtemp(folder));
}

static void finish(void)
{
	unlink(path);
	rmdir(folder);
}

TestSuite(state, .init = start, .fini = finish);

static struct calendar named(void)
{
	struct calendar calendar = {.text = strdup("https://h.example/secret")};
	strcpy(calendar.psychologist, "dr-lee");
	return calendar;
}

static void save(void)
{
	struct calendar calendar = named();
	calendar.is_known = calendar.has_changed = true;
	calendar.hash = UINT64_MAX;
	calendar.failures = 3;
	calendar.not_before_ms = 12345;
	strcpy(calendar.etag, "\"e 1\"");
	strcpy(calendar.date, "Sat, 28 Nov 2026 10:00:00 GMT");
	calendar.token = strdup("t&1");
	buffer_format(&calendar.kept, "BEGIN:VCALENDAR\nEND:VCALENDAR\n");
	struct item *item = items_get(&calendar.items, "/c/a", 1);
	item_set_etag(item, "1");
	item->events = 2;
	buffer_format(&item->kept, "x\ny");
	items_get(&calendar.items, "/c/b", 2);
	state_save(folder, &calendar);
	calendar_fini(&calendar);
}

static void find(void)
{
	char command[128];
	snprintf(command, sizeof command, "ls %s", folder);
	FILE *list = popen(command, "r");
	char name[64];
	cr_assert_not_null(fgets(name, sizeof name, list));
	name[strcspn(name, "\n")] = '\0';
	cr_assert_null(strstr(name, "secret"));
	snprintf(path, sizeof path, "%s/%s", folder, name);
	pclose(list);
}

Test(state, is_the_same_again)
{
	save();
	find();
	struct calendar calendar = named();
	state_load(folder, &calendar);
	cr_assert(calendar.is_known && calendar.has_changed);
	cr_assert_eq(calendar.hash, UINT64_MAX);
	cr_assert_eq(calendar.failures, 3);
	cr_assert_eq(calendar.not_before_ms, 12345);
	cr_assert_str_eq(calendar.etag, "\"e 1\"");
	cr_assert_str_eq(calendar.date, "Sat, 28 Nov 2026 10:00:00 GMT");
	cr_assert_str_eq(calendar.token, "t&1");
	cr_assert_eq(calendar.kept.size, 30);
	cr_assert_eq(calendar.items.count, 2);
	const struct item *item = items_find(&calendar.items, "/c/a");
	cr_assert_not_null(item);
	cr_assert_str_eq(item->etag, "1");
	cr_assert_eq(item->events, 2);
	cr_assert(item->kept.size == 3 && memcmp(item->kept.at, "x\ny", 3) == 0);
	calendar_fini(&calendar);
}

static void write_bytes(const char *bytes, size_t size)
{
	FILE *file = fopen(path, "w");
	cr_assert_eq(fwrite(bytes, 1, size, file), size);
	fclose(file);
}

static void assert_unknown(size_t at)
{
	struct calendar calendar = named();
	state_load(folder, &calendar);
	cr_assert_not(calendar.is_known, "byte %zu", at);
	cr_assert_eq(calendar.items.count, 0, "byte %zu", at);
	calendar_fini(&calendar);
}

Test(state, items_are_kept_before_all_of_them_are_known)
{
	struct calendar calendar = named();
	item_set_etag(items_get(&calendar.items, "/c/a", 1), "1");
	state_save(folder, &calendar);
	calendar_fini(&calendar);
	find();
	calendar = named();
	state_load(folder, &calendar);
	cr_assert_not(calendar.is_known);
	cr_assert_str_eq(items_find(&calendar.items, "/c/a")->etag, "1");
	calendar_fini(&calendar);
}

Test(state, damaged_is_as_none)
{
	save();
	find();
	char bytes[2048];
	FILE *file = fopen(path, "r");
	const size_t size = fread(bytes, 1, sizeof bytes, file);
	fclose(file);
	cr_assert_gt(size, 100);
	for (size_t i = 0; i < size; i++) {
		bytes[i] ^= 1;
		write_bytes(bytes, size);
		assert_unknown(i);
		bytes[i] ^= 1;
		write_bytes(bytes, i);
		assert_unknown(i);
	}
}
