/*
 * desk_parts: what the files of the desk share.
 *
 * Threads: any worker.
 */
#pragma once

#include <serve/desk.h>

/* Has what begins then started, on the civil clock of the server, or is its day purged? */
bool desk_has_started(const struct desk *desk, uint16_t day, uint16_t minute, uint64_t now_ms);
