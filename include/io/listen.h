/*
 * listen: sockets that listen, and what addresses look like in text.
 *
 * TCP options that every connection needs (no delay, keep-alive, a bound on how long a silent peer is kept) are set on
 * the listening socket: Linux hands them on to what is accepted, so a connection costs no system call for them.
 *
 * Threads: start-up, before there are others (the UNIX socket is bound under a umask, which is the process's); the text
 * helper any.
 */
#pragma once

#include <base/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for any address_text: "[ffff:...:ffff%interface]:65535", or the path of a UNIX socket. */
#define NET_ADDRESS_SIZE 128

/* Listens on a numeric address or a host name ("*": every IPv4 address). Port 0 lets the kernel choose. The error names
 * address and port. The descriptor is the caller's. */
bool net_listen_tcp(const char *bind, uint16_t port, int *descriptor, struct error *error);

/* Listens on a UNIX socket that only this user may connect to. The file of a server that is gone is replaced; where one
 * still answers, or where the file is something else, it is refused. */
bool net_listen_unix(const char *path, int *descriptor, struct error *error);

/* The address of a socket's own end, or its peer's, in text: "127.0.0.1:5545", "[::1]:5545", "unix", or "?" if the
 * kernel has none. */
void net_local_address(int descriptor, char *text, size_t size);
void net_peer_address(int descriptor, char *text, size_t size);
