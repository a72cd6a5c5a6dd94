/* published.c: names to which a deployed header gives other parameters than sscarddriver.h, for hosts that were built with it.
 *
 * A C function cannot see how many arguments its caller gave. A host of that header loads this library in the driver's place: these
 * names have its parameters and go on to the driver, all others are the driver's own, which is found as its dependency.
 *
 *   cc -shared -fPIC published.c -o libsscardpublished.so -Wl,--no-as-needed -L. -lsscarddriver -Wl,-rpath,'$ORIGIN' -ldl
 */
#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#define EITHER 3 /* iType: contact first, then contactless */
#define OUT_BYTES 4096 /* the most that SSCARD_OUT_BYTES may ask for */

/* What iCheckCard answers there. */
#define SOCIAL_SECURITY_CARD 3
#define NO_CARD_THERE 5

/* Codes of sscarddriver.h. */
#define SSCARD_NO_CARD (-2)
#define SSCARD_LIBRARY (-5)
#define SSCARD_UNSUPPORTED (-13)

/* The driver's own function of that name, put where it is called from. */
static long find(void *function, const char *name)
{
    static void *library;
    void *found;
    if (library == NULL)
        library = dlopen("libsscarddriver.so", RTLD_NOW | RTLD_LOCAL);
    found = library == NULL ? NULL : dlsym(library, name);
    memcpy(function, &found, sizeof found);
    return found == NULL ? SSCARD_LIBRARY : 0;
}

/* An answer without a message, where there is a buffer for one. */
static long empty(char *message, long code)
{
    if (message != NULL)
        *message = 0;
    return code;
}

long iPKBVerifyPIN(const char *pchPIN, char *pcErrMsg)
{
    long (*function)(int, const char *, char *);
    long code = find(&function, "iPKBVerifyPIN");
    return code != 0 ? empty(pcErrMsg, code) : function(EITHER, pchPIN, pcErrMsg);
}

long iPKBChangePIN(const char *pcOldPIN, const char *pcNewPIN, char *pcErrMsg)
{
    long (*function)(int, const char *, const char *, char *);
    long code = find(&function, "iPKBChangePIN");
    return code != 0 ? empty(pcErrMsg, code) : function(EITHER, pcOldPIN, pcNewPIN, pcErrMsg);
}

long iCheckCard(void)
{
    char out[OUT_BYTES];
    long (*function)(int, char *);
    long code = find(&function, "iCheckCard");
    if (code == 0)
        code = function(EITHER, out);
    return code == 0 ? SOCIAL_SECURITY_CARD : code == SSCARD_NO_CARD ? NO_CARD_THERE : code;
}

/* What it puts into pCardType no source says. */
long iGetCardType(unsigned char *pCardType, char *pOutInfo)
{
    (void)pCardType;
    return empty(pOutInfo, SSCARD_UNSUPPORTED);
}

long iReadIdentityCard(char *pOutInfo, char *pErrMsg)
{
    return empty(pErrMsg, empty(pOutInfo, SSCARD_UNSUPPORTED));
}

static long step(const char *name, const char *pAuthSourceInfo, char *pAuthInfo)
{
    long (*function)(const char *, char *);
    long code = find(&function, name);
    return code != 0 ? empty(pAuthInfo, code) : function(pAuthSourceInfo, pAuthInfo);
}

/* Their card is the one of Step1: iType says nothing more. */
#define STEP(NAME) \
    long NAME(int iType, const char *pAuthSourceInfo, char *pAuthInfo) \
    { \
        (void)iType; \
        return step(#NAME, pAuthSourceInfo, pAuthInfo); \
    }

STEP(iReadCardBas_HSM_Step1To2)
STEP(iReadCard_HSM_Step1To2)
STEP(iWriteCard_HSM_Step1To2)
STEP(iReloadPIN_HSM_Step1To2)
STEP(iUnblockPIN_HSM_Step1To2)
