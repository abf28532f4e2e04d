/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_DIGEST_H
#define CLIENT_DIGEST_H
/* The SHA-256 of a file, made by a child process, sha256sum(1). */
#include <stdbool.h>
#include <sys/types.h>

#define DIGEST_LEN 64 /* hexadecimal digits */

struct digest {
	pid_t child;
	int fd; /* of the child's output; owned */
};

/* Whether hex is a digest: DIGEST_LEN hexadecimal digits. */
bool digest_is_one(const char *hex);

/* Begin to make the digest of the file at path. SIGCHLD is not ignored from now on. Returns 0, and
 * digest_finish() is due; or -1 with errno. */
int digest_start(struct digest *d, const char *path) __attribute__((warn_unused_result));

/* Wait for the digest. Returns 0 with DIGEST_LEN digits and a NUL in hex, or -1 if the child
 * failed. */
int digest_finish(struct digest *d, char *hex) __attribute__((warn_unused_result));

#endif
