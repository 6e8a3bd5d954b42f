/* A peer that knows nothing but mq_overview(7). */
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int done(int result, const char *call)
{
    if (result < 0)
        perror(call);
    return result < 0;
}

static int create(char **arguments)
{
    struct mq_attr sizes = {.mq_maxmsg = atol(arguments[1]), .mq_msgsize = atol(arguments[2])};
    return done(mq_open(arguments[0], O_CREAT | O_EXCL | O_RDWR, 0600, &sizes), "mq_open");
}

static int sending(char **arguments)
{
    mqd_t queue = mq_open(arguments[0], O_WRONLY);
    return done(queue, "mq_open")
        || done(mq_send(queue, arguments[1], strlen(arguments[1]), atoi(arguments[2])), "mq_send");
}

static int receiving(char **arguments)
{
    char buffer[8192];
    unsigned priority;
    mqd_t queue = mq_open(arguments[0], O_RDONLY | O_NONBLOCK);
    if (done(queue, "mq_open"))
        return 1;
    ssize_t length = mq_receive(queue, buffer, sizeof buffer, &priority);
    if (done(length, "mq_receive"))
        return 1;
    printf("%u %.*s\n", priority, (int)length, buffer);
    return 0;
}

int main(int count, char **arguments)
{
    if (count == 5 && strcmp(arguments[1], "create") == 0)
        return create(arguments + 2);
    if (count == 5 && strcmp(arguments[1], "send") == 0)
        return sending(arguments + 2);
    if (count == 3 && strcmp(arguments[1], "receive") == 0)
        return receiving(arguments + 2);
    if (count == 3 && strcmp(arguments[1], "unlink") == 0)
        return done(mq_unlink(arguments[2]), "mq_unlink");
    return 2;
}
