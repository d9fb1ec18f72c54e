/*
 * version: of slotd, and of the Redis whose protocol it speaks.
 */
#pragma once

#define SLOTD_VERSION "0.1.0"

/* What HELLO and INFO call the version of Redis: client libraries choose by it what they may send. */
#define REDIS_VERSION "7.0.15"
