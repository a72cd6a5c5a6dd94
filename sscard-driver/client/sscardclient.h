/* sscardclient.h: what functions.c needs of sscardclient.c; programs include sscarddriver.h. */
#ifndef SSCARDCLIENT_H
#define SSCARDCLIENT_H

/* One argument: a number, a text that may be null, or bytes, as many as the number says. */
enum { SSCARD_IN_TEXT, SSCARD_IN_NUMBER, SSCARD_IN_BYTES };
struct sscard_input {
    int kind;
    int number;
    const char *text;
};

/* One buffer: for a text, bytes, a number of one byte, a number of two; or the text that takes the message of a fault. */
enum { SSCARD_OUT_TEXT, SSCARD_OUT_BYTES_OF, SSCARD_OUT_BYTE, SSCARD_OUT_SHORT, SSCARD_OUT_MESSAGE };
struct sscard_output {
    int kind;
    void *at;
};

long sscard_call(const char *name, const struct sscard_input *inputs, int input_count, const struct sscard_output *outs,
                 int out_count);

#endif
