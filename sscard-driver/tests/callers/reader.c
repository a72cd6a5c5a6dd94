/* A caller of the reader interface and of functions with buffers of their own; prints "code text" a call, bytes in hex. */
#include <stdio.h>
#include <string.h>

#include "sscarddriver.h"

#define GUARD 0x5A

static unsigned char answer[300];

static void bytes(long code, const unsigned char *at)
{
    long i;
    printf("%ld ", code);
    for (i = 0; i < code; i++)
        printf("%02X", at[i]);
    printf("\n");
}

static void apply(long handle, unsigned char slot, const unsigned char *command, long count)
{
    memset(answer, GUARD, sizeof answer);
    bytes(ICC_Reader_Application((int)handle, slot, (int)count, command, answer), answer);
}

int main(void)
{
    static const unsigned char challenge[] = {0x00, 0x84, 0x00, 0x00, 0x08};
    static const unsigned char select[] = {0x00, 0xA4, 0x00, 0x00, 0x02, 0xEF, 0x05};
    static const unsigned char rubbish[] = {0x00, 0x84, 0x00};
    char text[8][SSCARD_OUT_BYTES_DEFAULT];
    unsigned char length = GUARD;
    short sw = GUARD;
    long handle = ICC_Reader_Open("AUTO"), code;
    printf("%ld open\n", handle);
    printf("%ld no power\n", ICC_Reader_GetStatus((int)handle, 0x01));
    bytes(ICC_Reader_pre_PowerOn((int)handle, 0x01, answer), answer);
    printf("%ld power\n", ICC_Reader_GetStatus((int)handle, 0x01));
    apply(handle, 0x01, challenge, sizeof challenge);
    apply(handle, 0x01, select, sizeof select);
    apply(handle, 0x01, rubbish, sizeof rubbish);
    apply(handle, 0x11, challenge, sizeof challenge);
    bytes(ICC_Reader_pre_PowerOn((int)handle, 0x11, answer), answer);
    apply(handle, 0x11, challenge, sizeof challenge);
    printf("%ld slot\n", ICC_Reader_GetStatus((int)handle, 0x02));
    printf("%ld handle\n", ICC_Reader_Close(7));
    code = ICC_Reader_GetPass((int)handle, 9, &length, text[0]);
    printf("%ld %d %s\n", code, length, text[0]);
    code = iReaderGetPass(9, "", 1, &length, text[0]);
    printf("%ld %d %s\n", code, length, text[0]);
    code = SD_VerifyPin((int)handle, "999999", &sw);
    printf("%ld %04X\n", code, (unsigned)(unsigned short)sw);
    code = SD_VerifyPin((int)handle, "123456", &sw);
    printf("%ld %04X\n", code, (unsigned)(unsigned short)sw);
    code = SD_ReadCardInfo((int)handle, text[0]);
    printf("%ld %s\n", code, text[0]);
    code = iReadCardPublicInfo(text[0], text[1], text[2], text[3], text[4], text[5], text[6], text[7]);
    printf("%ld %s %s %s %s %s %s %s\n", code, text[0], text[1], text[2], text[4], text[5], text[6], text[7]);
    code = iReadPersonPublicInfo(text[0], text[1], text[2], text[3], text[4], text[5], text[6]);
    printf("%ld %s %s\n", code, text[0], text[1]);
    code = ReadICCardNum(3, text[0], text[1]);
    printf("%ld %d %s\n", code, (int)strlen(text[0]), text[1]);
    code = iCommReadCardBas("http://127.0.0.1", "u", "p", "k", 3, text[0]);
    printf("%ld %s\n", code, text[0]);
    printf("%ld no buffer\n", iWriteCA());
    printf("%ld close\n", ICC_Reader_Close((int)handle));
    apply(handle, 0x01, challenge, sizeof challenge);
    return 0;
}
