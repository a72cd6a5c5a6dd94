/* sscardclient.c: the functions of sscarddriver.h for a program that cannot load the library: they are carried out by
 * sscard-driver-server. C89 and POSIX sockets; compiles for 32 bits, also as a shared library in the driver's place.
 *
 *   SSCARD_SERVER            unix:PATH or 127.0.0.1:PORT, as the server printed it
 *   SSCARD_SERVER_TOKEN_FILE file with the token, where the server has one
 *   SSCARD_OUT_BYTES         bytes of the caller's buffers (1024)
 *
 * One connection a process, kept open: the card between the steps of a function is this connection's.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sscarddriver.h"
#include "sscardclient.h"

#define MESSAGE_MAX 65536
#define TOKEN_MAX 256
#define COMMAND_MAX 261

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static int line = -1;

static size_t room(void)
{
    const char *text = getenv("SSCARD_OUT_BYTES");
    long bytes = text != NULL ? atol(text) : 0;
    return bytes >= 1 && bytes <= SSCARD_OUT_BYTES_MAX ? (size_t)bytes : SSCARD_OUT_BYTES_DEFAULT;
}

/* A message in the buffer for it, nothing in the others. */
static long fault(long code, const char *message, const struct sscard_output *outs, int count)
{
    size_t bytes = strlen(message), most = room();
    int i;
    if (bytes >= most)
        bytes = most - 1;
    for (i = 0; i < count; i++) {
        char *at = outs[i].at;
        if (outs[i].kind == SSCARD_OUT_SHORT)
            *(short *)outs[i].at = 0;
        else if (outs[i].kind != SSCARD_OUT_BYTES_OF)
            at[0] = '\0';
        if (outs[i].kind == SSCARD_OUT_MESSAGE) {
            memcpy(at, message, bytes);
            at[bytes] = '\0';
        }
    }
    return code;
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 0;
}

static int connected(void)
{
    const char *address = getenv("SSCARD_SERVER");
    if (line >= 0)
        return 1;
    if (address == NULL)
        return 0;
    if (strncmp(address, "unix:", 5) == 0) {
        struct sockaddr_un where;
        memset(&where, 0, sizeof where);
        where.sun_family = AF_UNIX;
        if (strlen(address + 5) >= sizeof where.sun_path)
            return 0;
        strcpy(where.sun_path, address + 5);
        line = socket(AF_UNIX, SOCK_STREAM, 0);
        if (line >= 0 && connect(line, (struct sockaddr *)&where, sizeof where) == 0)
            return 1;
    } else {
        struct sockaddr_in where;
        char host[32];
        const char *colon = strrchr(address, ':');
        if (colon == NULL || (size_t)(colon - address) >= sizeof host)
            return 0;
        memcpy(host, address, (size_t)(colon - address));
        host[colon - address] = '\0';
        memset(&where, 0, sizeof where);
        where.sin_family = AF_INET;
        where.sin_port = htons((unsigned short)atoi(colon + 1));
        if (inet_pton(AF_INET, host, &where.sin_addr) != 1)
            return 0;
        line = socket(AF_INET, SOCK_STREAM, 0);
        if (line >= 0 && connect(line, (struct sockaddr *)&where, sizeof where) == 0)
            return 1;
    }
    if (line >= 0)
        close(line);
    line = -1;
    return 0;
}

static int all_sent(const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t sent = send(line, bytes, count, MSG_NOSIGNAL);
        if (sent <= 0)
            return 0;
        bytes += sent;
        count -= (size_t)sent;
    }
    return 1;
}

static int all_received(char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t got = recv(line, bytes, count, 0);
        if (got <= 0)
            return 0;
        bytes += got;
        count -= (size_t)got;
    }
    return 1;
}

static void hang_up(void)
{
    close(line);
    line = -1;
}

static int token(char *into)
{
    const char *path = getenv("SSCARD_SERVER_TOKEN_FILE");
    size_t bytes = 0;
    FILE *file;
    if (path != NULL && *path != '\0') {
        file = fopen(path, "rb");
        if (file == NULL)
            return 0;
        bytes = fread(into, 1, TOKEN_MAX - 1, file);
        fclose(file);
        while (bytes > 0 && (into[bytes - 1] == '\n' || into[bytes - 1] == '\r' || into[bytes - 1] == ' '))
            bytes--;
    }
    into[bytes] = '\0';
    return 1;
}

/* Takes the answer apart into the caller's buffers. */
static long answered(char *answer, size_t bytes, const struct sscard_output *outs, int count)
{
    char *at = answer, *end = answer + bytes;
    long code;
    size_t most = room();
    int i;
    if (bytes == 0 || end[-1] != '\0')
        return fault(SSCARD_EXCHANGE, "malformed answer of the server", outs, count);
    code = strtol(at, NULL, 10);
    at += strlen(at) + 1;
    for (i = 0; i < count; i++) {
        const char *text = at < end ? at : "";
        size_t length = strlen(text), pair;
        unsigned char *into = outs[i].at;
        switch (outs[i].kind) {
        case SSCARD_OUT_BYTES_OF:
            for (pair = 0; code > 0 && pair < (size_t)code && 2 * pair + 1 < length; pair++)
                into[pair] = (unsigned char)(digit(text[2 * pair]) << 4 | digit(text[2 * pair + 1]));
            break;
        case SSCARD_OUT_BYTE:
            *into = (unsigned char)atoi(text);
            break;
        case SSCARD_OUT_SHORT:
            *(short *)outs[i].at = (short)atoi(text);
            break;
        default:
            /* The server was told how much fits: it is one that does not know that. */
            if (length >= most)
                return fault(SSCARD_DATA_LENGTH, "SSCARD_OUT_BYTES", outs, count);
            memcpy(into, text, length);
            into[length] = '\0';
        }
        at += length + 1;
    }
    return code;
}

long sscard_call(const char *name, const struct sscard_input *inputs, int input_count, const struct sscard_output *outs,
                 int out_count)
{
    static char message[MESSAGE_MAX + 4];
    size_t at = 4, bytes;
    unsigned char *length = (unsigned char *)message;
    long code;
    int i, j;
    for (i = 0; i < out_count; i++)
        if (outs[i].at == NULL)
            return SSCARD_ARGUMENT;
    for (i = 0; i < input_count; i++)
        if (inputs[i].kind == SSCARD_IN_BYTES && (inputs[i].number < 1 || inputs[i].number > COMMAND_MAX))
            return fault(SSCARD_ARGUMENT, name, outs, out_count);
    pthread_mutex_lock(&turn);
    if (!token(message + at) || !connected()) {
        pthread_mutex_unlock(&turn);
        return fault(SSCARD_NOT_CONNECTED, "SSCARD_SERVER", outs, out_count);
    }
    at += strlen(message + at) + 1;
    strcpy(message + at, name);
    at += strlen(name) + 1;
    for (i = 0; i < input_count; i++) {
        const char *text = inputs[i].text;
        int kind = inputs[i].kind;
        bytes = kind == SSCARD_IN_NUMBER || text == NULL ? 16
                : kind == SSCARD_IN_BYTES                ? 2 * (size_t)inputs[i].number + 2
                                                         : strlen(text) + 2;
        /* Behind the arguments stands how much the buffers hold. */
        if (at + bytes + 16 > sizeof message) {
            pthread_mutex_unlock(&turn);
            return fault(SSCARD_DATA_LENGTH, name, outs, out_count);
        }
        if (kind == SSCARD_IN_NUMBER)
            sprintf(message + at, "i%d", inputs[i].number);
        else if (text == NULL)
            strcpy(message + at, "-");
        else if (kind == SSCARD_IN_BYTES) {
            strcpy(message + at, "s");
            for (j = 0; j < inputs[i].number; j++)
                sprintf(message + at + 1 + 2 * j, "%02X", (unsigned)(unsigned char)text[j]);
        } else
            sprintf(message + at, "s%s", text);
        at += strlen(message + at) + 1;
    }
    sprintf(message + at, "r%lu", (unsigned long)room());
    at += strlen(message + at) + 1;
    bytes = at - 4;
    length[0] = (unsigned char)(bytes >> 24);
    length[1] = (unsigned char)(bytes >> 16);
    length[2] = (unsigned char)(bytes >> 8);
    length[3] = (unsigned char)bytes;
    if (!all_sent(message, at)) {
        /* The server was started again since the call before. */
        hang_up();
        if (!connected() || !all_sent(message, at)) {
            if (line >= 0)
                hang_up();
            memset(message, 0, sizeof message);
            pthread_mutex_unlock(&turn);
            return fault(SSCARD_NOT_CONNECTED, "SSCARD_SERVER", outs, out_count);
        }
    }
    memset(message, 0, sizeof message);
    bytes = 0;
    if (all_received(message, 4)) {
        bytes = (size_t)length[0] << 24 | (size_t)length[1] << 16 | (size_t)length[2] << 8 | length[3];
        if (bytes == 0 || bytes > MESSAGE_MAX || !all_received(message + 4, bytes))
            bytes = 0;
    }
    if (bytes == 0) {
        /* Whether it was carried out is not known: a purchase may be on the card. */
        hang_up();
        code = strncmp(name, "iDoDebit", 8) == 0 ? SSCARD_UNCERTAIN : SSCARD_NOT_CONNECTED;
        code = fault(code, "no answer of the server", outs, out_count);
    } else {
        code = answered(message + 4, bytes, outs, out_count);
    }
    memset(message, 0, sizeof message);
    pthread_mutex_unlock(&turn);
    return code;
}
