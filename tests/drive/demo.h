/*
 * demo: the demo hours of data/, loaded into a server through the protocol.
 *
 * Threads: any.
 */
#pragma once

#include <base/error.h>
#include <stdbool.h>
#include <stdint.h>

#define DEMO_FILE "data/demo.slotd"

/* Sends the lines of the file that are neither empty nor # comments; each must be answered without an error. */
bool demo_load(uint16_t port, const char *path, struct error *error);
