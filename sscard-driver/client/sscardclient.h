/* sscardclient.h: what functions.c needs of sscardclient.c; programs include sscarddriver.h. */
#ifndef SSCARDCLIENT_H
#define SSCARDCLIENT_H

/* One argument: a number, or a text that may be null. */
struct sscard_input {
    int is_number;
    int number;
    const char *text;
};

long sscard_call(const char *name, const struct sscard_input *inputs, int input_count, char **outs, int out_count);

#endif
