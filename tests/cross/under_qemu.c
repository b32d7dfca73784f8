/* Runs PROGRAM, of another processor, under QEMU, by the name this was called. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { WORDS_MAX = 4096 };

int main(int argc, char **argv)
{
    char *words[WORDS_MAX + 4] = {QEMU, "-0", argv[0], PROGRAM};
    if (argc <= WORDS_MAX) {
        memcpy(words + 4, argv + 1, (size_t)argc * sizeof *argv);
        execvp(QEMU, words);
    }
    perror(QEMU);
    return 126;
}
