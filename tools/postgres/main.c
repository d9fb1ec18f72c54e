/*
 * slotd-bench-postgres: slotd-bench with PostgreSQL among its peers. A program of its own, since it needs libpq, which
 * building and testing slotd does not.
 */
#include "peer_postgres.h"
#include <bench/program.h>
#include <stddef.h>

int main(int argc, char **argv)
{
	static const struct peer *const peers[] = {&peer_slotd, &peer_redis, &peer_postgres, NULL};
	return program_run(argc, argv, peers);
}
