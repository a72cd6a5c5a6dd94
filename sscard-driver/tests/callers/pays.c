/* A caller that pays: pPayInfo; prints "code text". */
#include <stdio.h>

#include "sscarddriver.h"

int main(int argc, char **argv)
{
    static char out[SSCARD_OUT_BYTES_DEFAULT];
    long code;
    if (argc < 2)
        return 2;
    code = iDoDebit(3, NULL, argv[1], out);
    printf("%ld %s\n", code, out);
    return 0;
}
