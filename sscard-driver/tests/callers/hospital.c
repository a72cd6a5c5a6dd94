/* A registration desk in C, written as the manuals of such drivers show it: read, look up, write, pay, list.
 * Arguments: what is paid (pPayInfo). Prints a line "code text" for each call; a caller goes on only when a call is 0. */
#include <stdio.h>
#include <string.h>

#include "sscarddriver.h"

static char out[SSCARD_OUT_BYTES_DEFAULT];

static int said(long code)
{
    printf("%ld %s\n", code, out);
    return code == 0;
}

/* The n-th field of an answer, from 0. */
static void field(const char *text, int n, char *into, size_t room)
{
    size_t at = 0;
    while (*text != '\0' && (n > 0 || *text != '|')) {
        if (n == 0 && at + 1 < room)
            into[at++] = *text;
        if (*text == '|')
            n--;
        text++;
    }
    into[at] = '\0';
}

int main(int argc, char **argv)
{
    char identifier[40], number[16], card[64];
    if (argc < 2)
        return 2;
    if (!said(iReadCardBas(3, out)))
        return 0;
    field(out, 3, identifier, sizeof identifier);
    field(out, 2, number, sizeof number);
    snprintf(card, sizeof card, "%s|%s|", identifier, number);
    if (!said(iReadCard(3, 2, card, "SSSEEF05|06|07|$SSSEEF06|08|$", out)))
        return 0;
    if (!said(iWriteCard(3, card, "DF01EF05|20|$", "DF01EF05|10|$", out)))
        return 0;
    if (!said(iReadCard(3, 2, card, "DF01EF05|20|$", out)))
        return 0;
    if (!said(iVerifyPIN(3, out)))
        return 0;
    if (!said(iDoDebit(3, card, argv[1], out)))
        return 0;
    said(iReadDebitRecord(3, out));
    return 0;
}
