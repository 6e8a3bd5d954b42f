/* Uses shared memory through plain libc calls: writes or reads a text at offset 100. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

enum { SIZE = 8192, OFFSET = 100 };

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static char *posix(const char *name, int flags) {
    int fd = shm_open(name, flags, 0600);
    if (fd < 0) fail("shm_open");
    if ((flags & O_CREAT) && ftruncate(fd, SIZE) != 0) fail("ftruncate");
    char *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) fail("mmap");
    return memory;
}

static char *sysv(const char *key, int flags) {
    int id = shmget(atoi(key), SIZE, flags | 0600);
    if (id < 0) fail("shmget");
    char *memory = shmat(id, NULL, 0);
    if (memory == (char *)-1) fail("shmat");
    return memory;
}

int main(int count, char **arguments) {
    if (count < 4) return 2;
    int is_posix = strcmp(arguments[1], "posix") == 0;
    int creates = strcmp(arguments[2], "create") == 0;
    char *memory = is_posix ? posix(arguments[3], creates ? O_CREAT | O_EXCL | O_RDWR : O_RDWR)
                            : sysv(arguments[3], creates ? IPC_CREAT | IPC_EXCL : 0);
    if (creates) strcpy(memory + OFFSET, "from C");
    puts(memory + OFFSET);
    if (!creates) strcpy(memory + OFFSET, "answer");
    return 0;
}
