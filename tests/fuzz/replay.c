/* SPDX-License-Identifier: MIT */
/* Runs a fuzzer's harness over the files named, without libFuzzer: in make check. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define INPUT_MAX (1 << 20) /* bytes of one file */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *input = malloc(INPUT_MAX), *exact;
	size_t size;

	if (file == NULL || input == NULL) {
		perror(path);
		return -1;
	}
	size = fread(input, 1, INPUT_MAX, file);
	fclose(file);
	exact = realloc(input, size > 0 ? size : 1); /* a sanitizer sees one byte too many */
	if (exact == NULL)
		return -1;
	puts(path);
	fflush(stdout); /* the last path is that of the file that crashes */
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	return 0;
}

int main(int argc, char **argv)
{
	int failed = 0;

	for (int i = 1; i < argc; i++)
		failed += replay(argv[i]) < 0;
	printf("%d passed, %d failed\n", argc - 1 - failed, failed);
	return failed > 0;
}
