/* A program that knows nothing of the library: "create NAME" makes a semaphore of the value 4, "wait NAME" takes one, "post NAME" gives
 * one, "unlink NAME" removes the name, and "echo NAME NAME" waits for the first and posts the second a hundred times. */
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sem_t *opened(const char *name, int flags) {
    sem_t *semaphore = sem_open(name, flags, 0600, 4);
    if (semaphore == SEM_FAILED) {
        perror(name);
        exit(1);
    }
    return semaphore;
}

static void check(int result, const char *what) {
    if (result == -1) {
        perror(what);
        exit(1);
    }
}

static void print_value(sem_t *semaphore) {
    int value;
    check(sem_getvalue(semaphore, &value), "sem_getvalue");
    printf("%d\n", value);
}

static void echo(sem_t *from, sem_t *to) {
    for (int i = 0; i < 100; i++) {
        check(sem_wait(from), "sem_wait");
        check(sem_post(to), "sem_post");
    }
    printf("100\n");
}

int main(int argc, char **argv) {
    if (argc < 3)
        return 2;
    const char *verb = argv[1], *name = argv[2];
    if (strcmp(verb, "unlink") == 0) {
        check(sem_unlink(name), "sem_unlink");
        return 0;
    }
    sem_t *semaphore = opened(name, strcmp(verb, "create") == 0 ? O_CREAT | O_EXCL : 0);
    if (strcmp(verb, "echo") == 0 && argc == 4) {
        echo(semaphore, opened(argv[3], 0));
        return 0;
    }
    if (strcmp(verb, "wait") == 0)
        check(sem_wait(semaphore), "sem_wait");
    if (strcmp(verb, "post") == 0)
        check(sem_post(semaphore), "sem_post");
    print_value(semaphore);
    return 0;
}
