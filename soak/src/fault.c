/*
 * What a machine may do to a program between two of its system calls: end it, fill the disk, spoil the disk, move the clock.
 *
 * Source: POSIX write, pwrite, fsync, fdatasync, ftruncate, clock_gettime; the dynamic linker calls these in their place
 * (LD_PRELOAD), so that the program under test is the one that is shipped, and none has a way of being told to die.
 * Owns: counting a program's writes to files below one folder, and the one fault. Never: touches any other file.
 *
 *   SOAK_FOLDER  path below which files count
 *   SOAK_FILES   what the path of a file that counts ends with; empty: all
 *   SOAK_SKIP    counting begins behind so many flushes of files that end with -wal: commits of SQLite
 *   SOAK_AT      which write or flush is struck, from 1; with `unflushed` and `flushed` which flush
 *   SOAK_ACT     before     killed before it
 *                half       half of it is written, then killed
 *                unflushed  killed before the flush
 *                flushed    killed behind the flush
 *                full       it and all later writes find no space
 *                spoilt     it and all later writes and flushes fail
 *                clock      from it on the clock is SOAK_SECONDS ahead (or behind); from the start when SOAK_AT is 0
 *   SOAK_SLOW    so many milliseconds more for each flush of a file that ends with -wal: others come and wait meanwhile
 *   SOAK_COUNT   file that gets the number of writes and flushes when the program ends by itself
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum act { NOTHING, BEFORE, HALF, UNFLUSHED, FLUSHED, FULL, SPOILT, CLOCK };

static enum act act;
static const char *folder, *files;
static long skip, at, seconds, slow;
/* Commits seen, writes and flushes counted, flushes counted. */
static long commits, events, flushes;
static int struck;

static long number(const char *name)
{
    const char *text = getenv(name);
    return text ? strtol(text, NULL, 10) : 0;
}

__attribute__((constructor)) static void begin(void)
{
    static const char *const names[] = { "", "before", "half", "unflushed", "flushed", "full", "spoilt", "clock" };
    const char *wanted = getenv("SOAK_ACT");
    folder = getenv("SOAK_FOLDER");
    files = getenv("SOAK_FILES");
    skip = number("SOAK_SKIP");
    at = number("SOAK_AT");
    seconds = number("SOAK_SECONDS");
    slow = number("SOAK_SLOW");
    for (int i = 1; wanted && i < (int)(sizeof names / sizeof *names); i++)
        if (!strcmp(wanted, names[i]))
            act = i;
    struck = act == CLOCK && at == 0;
}

__attribute__((destructor)) static void end(void)
{
    const char *path = getenv("SOAK_COUNT");
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600) : -1;
    char text[32];
    if (fd < 0)
        return;
    int length = snprintf(text, sizeof text, "%ld\n", events);
    syscall(SYS_write, fd, text, (size_t)length);
    close(fd);
}

static void die(void)
{
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

static int ends(const char *path, const char *with)
{
    size_t a = strlen(path), b = strlen(with);
    return a >= b && !strcmp(path + a - b, with);
}

/* Whether a file counts; 2 when a flush of it is a commit. */
static int counts(int fd)
{
    char name[64], path[PATH_MAX];
    if (!folder)
        return 0;
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(name, path, sizeof path - 1);
    if (length <= 0)
        return 0;
    path[length] = 0;
    size_t below = strlen(folder);
    if (strncmp(path, folder, below) || path[below] != '/')
        return 0;
    int commit = ends(path, "-wal") ? 2 : 0;
    int listed = !files || !*files || ends(path, files);
    return commit | listed;
}

static int begun(void)
{
    return __atomic_load_n(&commits, __ATOMIC_SEQ_CST) >= skip;
}

/* Before a write of so many bytes: what is to be done with it. 0: it goes on; -1: it fails, errno says how. */
static int strike(int kind, int fd, const void *bytes, size_t length, off_t offset)
{
    if (!(kind & 1) || !begun())
        return 0;
    long now = __atomic_add_fetch(&events, 1, __ATOMIC_SEQ_CST);
    int here = at > 0 && now == at;
    if (here && act == CLOCK)
        __atomic_store_n(&struck, 1, __ATOMIC_SEQ_CST);
    if (here && act == BEFORE)
        die();
    if (here && act == HALF) {
        if (offset >= 0)
            syscall(SYS_pwrite64, fd, bytes, length / 2, offset);
        else if (bytes)
            syscall(SYS_write, fd, bytes, length / 2);
        die();
    }
    if ((act == FULL || act == SPOILT) && at > 0 && now >= at) {
        errno = act == FULL ? ENOSPC : EIO;
        return -1;
    }
    return 0;
}

ssize_t write(int fd, const void *bytes, size_t length)
{
    if (strike(counts(fd), fd, bytes, length, -1))
        return -1;
    return syscall(SYS_write, fd, bytes, length);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset)
{
    if (strike(counts(fd), fd, bytes, length, offset))
        return -1;
    return syscall(SYS_pwrite64, fd, bytes, length, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
    return pwrite64(fd, bytes, length, offset);
}

int ftruncate64(int fd, off64_t length)
{
    if (strike(counts(fd), fd, NULL, 0, -1))
        return -1;
    return (int)syscall(SYS_ftruncate, fd, length);
}

int ftruncate(int fd, off_t length)
{
    return ftruncate64(fd, length);
}

static int flush(int fd, long call)
{
    int kind = counts(fd), here = 0;
    if ((kind & 1) && begun()) {
        long now = __atomic_add_fetch(&events, 1, __ATOMIC_SEQ_CST);
        long flushed = __atomic_add_fetch(&flushes, 1, __ATOMIC_SEQ_CST);
        here = at > 0 && flushed == at;
        if (act == CLOCK && at > 0 && now == at)
            __atomic_store_n(&struck, 1, __ATOMIC_SEQ_CST);
        if ((act == BEFORE || act == HALF) && at > 0 && now == at)
            die();
        if (act == SPOILT && at > 0 && now >= at) {
            errno = EIO;
            return -1;
        }
    }
    if (here && act == UNFLUSHED)
        die();
    if ((kind & 2) && slow > 0) {
        struct timespec wait = { slow / 1000, slow % 1000 * 1000000 };
        nanosleep(&wait, NULL);
    }
    int outcome = (int)syscall(call, fd);
    if (here && act == FLUSHED)
        die();
    if (kind & 2)
        __atomic_add_fetch(&commits, 1, __ATOMIC_SEQ_CST);
    return outcome;
}

int fsync(int fd)
{
    return flush(fd, SYS_fsync);
}

int fdatasync(int fd)
{
    return flush(fd, SYS_fdatasync);
}

int clock_gettime(clockid_t clock, struct timespec *out)
{
    int outcome = (int)syscall(SYS_clock_gettime, clock, out);
    if (!outcome && clock == CLOCK_REALTIME && __atomic_load_n(&struck, __ATOMIC_SEQ_CST))
        out->tv_sec += seconds;
    return outcome;
}
