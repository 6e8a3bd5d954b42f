/* A peer that knows nothing but msgop(2). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>

struct message {
    long type;
    char text[8192];
};

static int done(long result, const char *call)
{
    if (result < 0)
        perror(call);
    return result < 0;
}

static int sending(int queue, char **arguments)
{
    struct message message = {.type = atol(arguments[0])};
    size_t length = strlen(arguments[1]);
    memcpy(message.text, arguments[1], length);
    return done(msgsnd(queue, &message, length, IPC_NOWAIT), "msgsnd");
}

static int receiving(int queue, char **arguments)
{
    struct message message;
    ssize_t length = msgrcv(queue, &message, sizeof message.text, atol(arguments[0]), IPC_NOWAIT);
    if (done(length, "msgrcv"))
        return 1;
    printf("%ld %.*s\n", message.type, (int)length, message.text);
    return 0;
}

int main(int count, char **arguments)
{
    if (count < 3)
        return 2;
    int create = strcmp(arguments[1], "create") == 0;
    int queue = msgget(atoi(arguments[2]), create ? IPC_CREAT | IPC_EXCL | 0600 : 0);
    if (done(queue, "msgget"))
        return 1;
    if (count == 5 && strcmp(arguments[1], "send") == 0)
        return sending(queue, arguments + 3);
    if (count == 4 && strcmp(arguments[1], "receive") == 0)
        return receiving(queue, arguments + 3);
    if (count == 3 && strcmp(arguments[1], "remove") == 0)
        return done(msgctl(queue, IPC_RMID, NULL), "msgctl");
    return create ? 0 : 2;
}
