/* A kernel that lacks something: "lacking PART... -- PROGRAM WORD..." runs the program where the
 * calls that each PART is made of fail as they do on a kernel without it. seccomp has to be the
 * last. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct part {
    const char *name;
    uint32_t call;
    uint32_t mask, first_argument; /* only when it is this one */
    int error;
} parts[] = {
    {"landlock", SYS_landlock_create_ruleset, 0, 0, ENOSYS},
    {"seccomp", SYS_prctl, UINT32_MAX, PR_SET_SECCOMP, EINVAL},
    {"no_new_privs", SYS_prctl, UINT32_MAX, PR_SET_NO_NEW_PRIVS, EINVAL},
    {"limits", SYS_prlimit64, 0, 0, ENOSYS},
};

#define PARTS (sizeof parts / sizeof *parts)

static int take_away(const struct part *part)
{
    const struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, part->call, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, part->mask),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, part->first_argument, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)part->error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {sizeof filter / sizeof *filter, (void *)filter};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

static int take_away_named(const char *name)
{
    for (size_t i = 0; i < PARTS; i++)
        if (!strcmp(parts[i].name, name))
            return take_away(&parts[i]);
    return -1;
}

int main(int argc, char *argv[])
{
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    for (argv++, argc--; argc > 1 && strcmp(*argv, "--"); argv++, argc--)
        if (take_away_named(*argv)) {
            perror(*argv);
            return 2;
        }
    execv(argv[1], argv + 1);
    perror(argv[1]);
    return 127;
}
