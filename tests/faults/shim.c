/* Faults for a process under test: a disk that fails and a clock that jumps. The tests compile it and preload it (tests/it/fault/shim.rs).
 *
 * TOLLGATE_FAULTS names a file that holds a `struct control`; the process maps it, the test writes it. System calls are made directly, so that
 * nothing here depends on the order in which libraries are set up. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* The same layout is in shim.rs. All but the folder is changed while the process runs. */
struct control {
    int64_t clock_offset_ns; /* added to CLOCK_REALTIME */
    uint64_t nth;            /* which call fails, from 1; 0: none */
    uint64_t onwards;        /* 1: that call and all after it */
    uint64_t error;          /* its errno */
    uint64_t calls;          /* calls seen since the test set this to 0 */
    uint64_t failed;         /* how many of them were made to fail */
    char folder[2048];       /* calls on files below it count */
};

static struct control *control;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("TOLLGATE_FAULTS");
    if (!path) return;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
    if (fd < 0) _exit(111);
    void *map = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
    if (map == MAP_FAILED) _exit(112);
    control = map;
}

/* 1, with errno set, when this call is to fail. */
static int fails(const char *path) {
    size_t length = strlen(control->folder);
    if (!length || strncmp(path, control->folder, length) || path[length] != '/') return 0;
    uint64_t call = __atomic_add_fetch(&control->calls, 1, __ATOMIC_SEQ_CST);
    uint64_t nth = __atomic_load_n(&control->nth, __ATOMIC_SEQ_CST);
    if (!nth || call < nth || (call > nth && !__atomic_load_n(&control->onwards, __ATOMIC_SEQ_CST))) return 0;
    __atomic_add_fetch(&control->failed, 1, __ATOMIC_SEQ_CST);
    errno = (int)control->error;
    return 1;
}

static int fails_at(int fd) {
    if (!control) return 0;
    char link[32] = "/proc/self/fd/", path[2560], digits[12];
    int kept = errno, count = 0, at = 14;
    if (fd < 0) return 0;
    do digits[count++] = (char)('0' + fd % 10); while (fd /= 10);
    while (count) link[at++] = digits[--count];
    link[at] = 0;
    long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    errno = kept;
    if (length <= 0) return 0;
    path[length] = 0;
    return fails(path);
}

static int fails_to_open(const char *path, int flags) {
    return control && (flags & O_ACCMODE) != O_RDONLY && path[0] == '/' && fails(path);
}

ssize_t write(int fd, const void *bytes, size_t count) {
    return fails_at(fd) ? -1 : syscall(SYS_write, fd, bytes, count);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    return fails_at(fd) ? -1 : syscall(SYS_writev, fd, parts, count);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
    return fails_at(fd) ? -1 : syscall(SYS_pwrite64, fd, bytes, count, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
    return fails_at(fd) ? -1 : syscall(SYS_pwrite64, fd, bytes, count, at);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
    return fails_at(fd) ? -1 : syscall(SYS_pwritev, fd, parts, count, at, 0);
}

int fsync(int fd) { return fails_at(fd) ? -1 : (int)syscall(SYS_fsync, fd); }
int fdatasync(int fd) { return fails_at(fd) ? -1 : (int)syscall(SYS_fdatasync, fd); }
int ftruncate(int fd, off_t size) { return fails_at(fd) ? -1 : (int)syscall(SYS_ftruncate, fd, size); }
int ftruncate64(int fd, off64_t size) { return fails_at(fd) ? -1 : (int)syscall(SYS_ftruncate, fd, size); }

/* posix_fallocate answers the error instead of setting errno; a failure here is a full disk. */
int posix_fallocate(int fd, off_t at, off_t size) {
    if (fails_at(fd)) return errno;
    return syscall(SYS_fallocate, fd, 0, at, size) ? errno : 0;
}
int posix_fallocate64(int fd, off64_t at, off64_t size) { return posix_fallocate(fd, at, size); }

#define MODE_OF(flags, mode) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }

int open(const char *path, int flags, ...) {
    MODE_OF(flags, mode)
    return fails_to_open(path, flags) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    MODE_OF(flags, mode)
    return fails_to_open(path, flags) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_LARGEFILE, mode);
}

int openat(int folder, const char *path, int flags, ...) {
    MODE_OF(flags, mode)
    return fails_to_open(path, flags) ? -1 : (int)syscall(SYS_openat, folder, path, flags, mode);
}

int openat64(int folder, const char *path, int flags, ...) {
    MODE_OF(flags, mode)
    return fails_to_open(path, flags) ? -1 : (int)syscall(SYS_openat, folder, path, flags | O_LARGEFILE, mode);
}

/* Only the wall clock jumps: CLOCK_MONOTONIC and the kernel's timers go on. */
int clock_gettime(clockid_t clock, struct timespec *now) {
    if (syscall(SYS_clock_gettime, clock, now)) return -1;
    int64_t offset = control ? __atomic_load_n(&control->clock_offset_ns, __ATOMIC_SEQ_CST) : 0;
    if (offset && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        int64_t whole = (int64_t)now->tv_sec * 1000000000 + now->tv_nsec + offset;
        now->tv_sec = whole / 1000000000;
        now->tv_nsec = whole % 1000000000;
    }
    return 0;
}

int gettimeofday(struct timeval *now, void *zone) {
    struct timespec exact;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &exact)) return -1;
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *kept) {
    struct timespec exact = {0};
    clock_gettime(CLOCK_REALTIME, &exact);
    if (kept) *kept = exact.tv_sec;
    return exact.tv_sec;
}
