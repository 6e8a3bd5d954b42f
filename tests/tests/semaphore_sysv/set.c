/* A program that knows nothing of the library: "move KEY" takes one unit from the first semaphore to the second, "create KEY" makes
 * a set with the values 5 and 0, "remove KEY" removes it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>

union semun {
    int val;
    struct semid_ds *buf;
    unsigned short *array;
};

static void check(int result, const char *what) {
    if (result == -1) {
        perror(what);
        exit(1);
    }
}

static void create(key_t key) {
    unsigned short values[2] = {5, 0};
    struct sembuf sign = {1, 0, IPC_NOWAIT};
    int id = semget(key, 2, IPC_CREAT | IPC_EXCL | 0600);
    check(id, "semget");
    check(semctl(id, 0, SETALL, (union semun){.array = values}), "SETALL");
    check(semop(id, &sign, 1), "semop");
}

static void move(int id) {
    struct sembuf both[2] = {{0, -1, 0}, {1, 1, 0}};
    unsigned short before[2], after[2];
    check(semctl(id, 0, GETALL, (union semun){.array = before}), "GETALL");
    check(semop(id, both, 2), "semop");
    check(semctl(id, 0, GETALL, (union semun){.array = after}), "GETALL");
    printf("%d %d -> %d %d\n", before[0], before[1], after[0], after[1]);
}

int main(int argc, char **argv) {
    if (argc != 3)
        return 2;
    key_t key = (key_t)atol(argv[2]);
    if (strcmp(argv[1], "create") == 0) {
        create(key);
        return 0;
    }
    int id = semget(key, 0, 0);
    check(id, "semget");
    if (strcmp(argv[1], "remove") == 0)
        check(semctl(id, 0, IPC_RMID), "IPC_RMID");
    else
        move(id);
    return 0;
}
