/* Sends a value with SIGRTMIN to a process and prints the value of its reply, SIGRTMIN+1. */

#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    pid_t pid = atoi(argv[1]);

    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 1);
    sigprocmask(SIG_BLOCK, &set, NULL);

    /* Sets only the integer of the union, as most C programs do. */
    union sigval value;
    memset(&value, 0xa5, sizeof value);
    value.sival_int = atoi(argv[2]);
    if (sigqueue(pid, SIGRTMIN, value) != 0) {
        perror("sigqueue");
        return 1;
    }

    siginfo_t info;
    struct timespec timeout = { 20, 0 };
    if (sigtimedwait(&set, &info, &timeout) != SIGRTMIN + 1) {
        perror("sigtimedwait");
        return 1;
    }
    if (info.si_code != SI_QUEUE || info.si_pid != pid)
        return 1;
    printf("%d\n", info.si_value.sival_int);
    return 0;
}
