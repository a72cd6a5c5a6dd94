/* A caller in C, as a hospital's program is one: iType, number of threads; prints a line "code text" for each call. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sscarddriver.h"

#define THREADS_MAX 16
#define GUARD 0x5A

struct call {
    int type;
    long code;
    char out[SSCARD_OUT_BYTES_DEFAULT];
    char guard[64];
};

static void *run(void *argument)
{
    struct call *call = argument;
    call->code = iReadCardBas(call->type, call->out);
    return NULL;
}

int main(int argc, char **argv)
{
    static struct call calls[THREADS_MAX];
    pthread_t threads[THREADS_MAX];
    int count = argc > 2 ? atoi(argv[2]) : 1;
    if (argc < 2 || count < 1 || count > THREADS_MAX)
        return 2;
    for (int i = 0; i < count; i++) {
        calls[i].type = atoi(argv[1]);
        memset(calls[i].guard, GUARD, sizeof calls[i].guard);
        if (pthread_create(&threads[i], NULL, run, &calls[i]) != 0)
            return 3;
    }
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        for (size_t at = 0; at < sizeof calls[i].guard; at++)
            if (calls[i].guard[at] != GUARD)
                return 4;
        printf("%ld %s\n", calls[i].code, calls[i].out);
    }
    return 0;
}
