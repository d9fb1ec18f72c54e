/*
 * settings: see settings.h.
 */
#include "settings.h"
#include <base/hash.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

const char settings_usage[] =
    "usage: crash [--bin DIR] [--cycles N] [--seed S] [--keep] [--dir DIR] [--io ENGINE] [--options WORDS]\n"
    "             [--deny EPERM|ENOSYS] [--unprivileged] [--during COMMAND] [--cut COMMAND --renew COMMAND]\n"
    "             [--recorded PLACE --show COMMAND --images N [--early N]]\n";

/* Where the word behind a name goes, or, for a flag, that it was there. */
struct option {
	const char *name;
	const char **word;
	bool *flag;
};

/* Takes one option off the words. */
static bool take(const struct option *options, char ***words)
{
	const char *name = *(*words)++;
	for (const struct option *option = options; option->name != NULL; option++) {
		if (strcmp(name, option->name) == 0) {
			if (option->word == NULL) {
				return *option->flag = true;
			}
			*option->word = **words;
			return *(*words)++ != NULL;
		}
	}
	return false;
}

static uint32_t number(const char *word)
{
	return (uint32_t)strtoul(word, NULL, 10);
}

static bool parse_deny(struct settings *settings, const char *name)
{
	settings->deny = name == NULL                  ? 0
			 : strcmp(name, "EPERM") == 0  ? EPERM
			 : strcmp(name, "ENOSYS") == 0 ? ENOSYS
						       : -1;
	return settings->deny >= 0;
}

bool settings_parse(struct settings *settings, char **words)
{
	const char *cycles = "10";
	const char *images = "0";
	const char *early = "0";
	const char *seed = NULL;
	const char *deny = NULL;
	settings->bin = "build/release";
	settings->options = "";
	const struct option options[] = {
	    {"--bin", &settings->bin, NULL},
	    {"--cycles", &cycles, NULL},
	    {"--seed", &seed, NULL},
	    {"--keep", NULL, &settings->keep},
	    {"--dir", &settings->dir, NULL},
	    {"--io", &settings->io, NULL},
	    {"--options", &settings->options, NULL},
	    {"--deny", &deny, NULL},
	    {"--unprivileged", NULL, &settings->unprivileged},
	    {"--during", &settings->during, NULL},
	    {"--cut", &settings->cut, NULL},
	    {"--renew", &settings->renew, NULL},
	    {"--recorded", &settings->recorded, NULL},
	    {"--show", &settings->show, NULL},
	    {"--images", &images, NULL},
	    {"--early", &early, NULL},
	    {0},
	};
	while (*words != NULL) {
		if (!take(options, &words)) {
			return false;
		}
	}
	settings->cycles = number(cycles);
	settings->images = number(images);
	settings->early = number(early);
	settings->seed = seed != NULL ? strtoull(seed, NULL, 0) : hash_seed_random();
	return parse_deny(settings, deny);
}
