/*
 * Stands between a process and the C library for files below one directory: the n-th call fails, is done by half, or is the last one of
 * the process; and all that is written is noted, so that a power cut can be played afterwards (disk-image.ts).
 *
 *   FAULT_UNDER    directory, as the kernel names it
 *   FAULT_CALLS    kinds that count: w write, s sync, r rename or link, u unlink, t truncate, c create
 *   FAULT_AT       number of the call, from 1; FAULT_LAST: the last one that is meant, if several are
 *   FAULT_WHAT     ENOSPC, EIO, EROFS, short, kill (before it), torn (killed in the middle of it), after (killed after it),
 *                  slow (two seconds later)
 *   FAULT_ARMED    path of a file: nothing counts before it is there
 *   FAULT_OVER     path of a file: nothing counts once it is there
 *   FAULT_BAD      end of a path, colon, offset, colon, length: what of that file cannot be read (EIO)
 *   FAULT_CLOCK    file of 8 bytes: seconds by which the wall clock is wrong, little-endian, read again at each look
 *   FAULT_LOG      path: a line for each call that counts
 *   FAULT_JOURNAL  path: every change, as `struct entry` with what belongs to it
 *
 * Built by preload.ts. LevelDB writes by way of stdio, whose own calls nobody can stand between: its files get a stream of our own.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct entry {
  uint32_t kind; /* w s f(ailed sync) b(egin of sync) r l u t c */
  uint32_t path_length;
  uint64_t inode;
  uint64_t offset;
  uint64_t length; /* of the data, or of the second path */
};

static char under[PATH_MAX];
static size_t under_length;
static const char *calls = "", *what = "", *armed_path, *over_path;
static char bad_path[PATH_MAX];
static long bad_offset = 0, bad_length = 0;
static volatile int64_t *clock_error;
static long at = 0, last = 0, count = 0;
static int log_fd = -1, journal_fd = -1;
static int armed = 0;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *next(const char *name) { return dlsym(RTLD_NEXT, name); }
#define REAL(name) ((__typeof__(&name))next(#name))

static int open_own(const char *path) {
  int fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return fd;
  int high = syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 500);
  if (high < 0) return fd;
  syscall(SYS_close, fd);
  return high;
}

__attribute__((constructor)) static void begin(void) {
  if (getenv("FAULT_CLOCK")) {
    int fd = syscall(SYS_openat, AT_FDCWD, getenv("FAULT_CLOCK"), O_RDONLY | O_CLOEXEC);
    void *page = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *clock_error, PROT_READ, MAP_SHARED, fd, 0);
    if (page != MAP_FAILED) clock_error = page;
  }
  const char *text = getenv("FAULT_UNDER");
  if (!text || !realpath(text, under)) return;
  under_length = strlen(under);
  if (getenv("FAULT_CALLS")) calls = getenv("FAULT_CALLS");
  if (getenv("FAULT_WHAT")) what = getenv("FAULT_WHAT");
  if (getenv("FAULT_AT")) last = at = atol(getenv("FAULT_AT"));
  if (getenv("FAULT_LAST")) last = atol(getenv("FAULT_LAST"));
  armed_path = getenv("FAULT_ARMED");
  over_path = getenv("FAULT_OVER");
  if (getenv("FAULT_BAD")) sscanf(getenv("FAULT_BAD"), "%4000[^:]:%ld:%ld", bad_path, &bad_offset, &bad_length);
  if (getenv("FAULT_LOG")) log_fd = open_own(getenv("FAULT_LOG"));
  if (getenv("FAULT_JOURNAL")) journal_fd = open_own(getenv("FAULT_JOURNAL"));
}

static int is_under(const char *path) {
  return under_length > 0 && strncmp(path, under, under_length) == 0 && (path[under_length] == '/' || path[under_length] == 0);
}

/* 1 and its path if the descriptor is of a file below the directory. */
static int watched(int fd, char *path) {
  if (under_length == 0 || fd < 0 || fd == log_fd || fd == journal_fd) return 0;
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return is_under(path);
}

/* 1 and the path as the kernel would name it, if it is below the directory. The file need not be there. */
static int watched_path(int directory, const char *path, char *full) {
  if (under_length == 0 || !path) return 0;
  if (path[0] == '/') {
    snprintf(full, PATH_MAX, "%s", path);
  } else {
    char base[PATH_MAX];
    if (directory == AT_FDCWD) {
      if (!getcwd(base, sizeof base)) return 0;
    } else {
      char link[64];
      snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
      ssize_t length = readlink(link, base, sizeof base - 1);
      if (length <= 0) return 0;
      base[length] = 0;
    }
    if (snprintf(full, PATH_MAX, "%s/%s", base, path) >= PATH_MAX) return 0;
  }
  return is_under(full);
}

/* What is to happen to this call: NULL for nothing. */
static const char *decide(char kind, const char *path, size_t length) {
  if (!strchr(calls, kind)) return NULL;
  pthread_mutex_lock(&lock);
  if (!armed) armed = !armed_path || syscall(SYS_faccessat, AT_FDCWD, armed_path, F_OK) == 0;
  long number = armed ? ++count : 0;
  if (number > 0 && log_fd >= 0) {
    char line[PATH_MAX + 64];
    int size = snprintf(line, sizeof line, "%ld %c %s %zu\n", number, kind, path + under_length, length);
    syscall(SYS_write, log_fd, line, size);
  }
  pthread_mutex_unlock(&lock);
  if (!(number > 0 && number >= at && number <= last)) return NULL;
  if (over_path && syscall(SYS_faccessat, AT_FDCWD, over_path, F_OK) == 0) return NULL;
  if (strcmp(what, "slow") != 0) return what;
  usleep(2000000);
  return NULL;
}

static void die(void) {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

static int is(const char *action, const char *name) { return action && strcmp(action, name) == 0; }

/* For calls that are done whole or not at all: -1 if it fails. */
static int prevented(const char *action) {
  if (!action) return 0;
  if (is(action, "kill") || is(action, "torn")) die();
  if (is(action, "after") || is(action, "short")) return 0;
  errno = is(action, "EIO") ? EIO : is(action, "EROFS") ? EROFS : ENOSPC;
  return -1;
}

static void note(char kind, uint64_t inode, uint64_t offset, const char *path, const void *data, size_t length) {
  if (journal_fd < 0) return;
  struct entry entry = {kind, path ? strlen(path) : 0, inode, offset, length};
  struct iovec parts[3] = {{&entry, sizeof entry}, {(void *)path, entry.path_length}, {(void *)data, length}};
  syscall(SYS_writev, journal_fd, parts, 3);
}

static uint64_t inode_of(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 ? status.st_ino : 0;
}

/* All writes come here. `offset` of -1: where the descriptor stands. */
static ssize_t write_at(int fd, const void *bytes, size_t length, off_t offset) {
  char path[PATH_MAX];
  if (!watched(fd, path)) return offset < 0 ? syscall(SYS_write, fd, bytes, length) : syscall(SYS_pwrite64, fd, bytes, length, offset);
  const char *action = decide('w', path, length);
  size_t part = is(action, "short") || is(action, "torn") ? (length + 1) / 2 : length;
  if (!is(action, "torn") && prevented(action)) return -1;
  pthread_mutex_lock(&lock);
  off_t place = offset;
  if (offset < 0) {
    struct stat status;
    int flags = fcntl(fd, F_GETFL);
    place = flags & O_APPEND && fstat(fd, &status) == 0 ? status.st_size : lseek(fd, 0, SEEK_CUR);
  }
  ssize_t done = offset < 0 ? syscall(SYS_write, fd, bytes, part) : syscall(SYS_pwrite64, fd, bytes, part, offset);
  if (done > 0) note('w', inode_of(fd), place, NULL, bytes, done);
  pthread_mutex_unlock(&lock);
  if (is(action, "torn") || is(action, "after")) die();
  return done;
}

ssize_t write(int fd, const void *bytes, size_t length) { return write_at(fd, bytes, length, -1); }
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) { return write_at(fd, bytes, length, offset); }
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) { return write_at(fd, bytes, length, offset); }

/* As one write, since that is what it would be. */
static ssize_t write_all_at(int fd, const struct iovec *parts, int many, off_t offset) {
  char path[PATH_MAX];
  if (!watched(fd, path)) {
    if (offset < 0) return syscall(SYS_writev, fd, parts, many);
    return syscall(SYS_pwritev, fd, parts, many, (unsigned long)offset, 0ul);
  }
  size_t length = 0;
  for (int i = 0; i < many; i++) length += parts[i].iov_len;
  char *bytes = malloc(length + 1), *end = bytes;
  for (int i = 0; i < many; i++) end = mempcpy(end, parts[i].iov_base, parts[i].iov_len);
  ssize_t done = write_at(fd, bytes, length, offset);
  int error = errno;
  free(bytes);
  errno = error;
  return done;
}

ssize_t writev(int fd, const struct iovec *parts, int many) { return write_all_at(fd, parts, many, -1); }
ssize_t pwritev(int fd, const struct iovec *parts, int many, off_t offset) { return write_all_at(fd, parts, many, offset); }
ssize_t pwritev64(int fd, const struct iovec *parts, int many, off64_t offset) { return write_all_at(fd, parts, many, offset); }

/* Reads of what cannot be read. */
static int unreadable(int fd, off_t offset, size_t length) {
  char path[PATH_MAX];
  if (bad_length == 0 || offset + (off_t)length <= bad_offset || offset >= bad_offset + bad_length || !watched(fd, path)) return 0;
  size_t all = strlen(path), end = strlen(bad_path);
  if (all < end || strcmp(path + all - end, bad_path) != 0) return 0;
  errno = EIO;
  return 1;
}

static ssize_t read_at(int fd, void *bytes, size_t length, off_t offset) {
  return unreadable(fd, offset, length) ? -1 : syscall(SYS_pread64, fd, bytes, length, offset);
}

ssize_t pread(int fd, void *bytes, size_t length, off_t offset) { return read_at(fd, bytes, length, offset); }
ssize_t pread64(int fd, void *bytes, size_t length, off64_t offset) { return read_at(fd, bytes, length, offset); }

static ssize_t read_all_at(int fd, const struct iovec *parts, int many, off_t offset) {
  size_t length = 0;
  for (int i = 0; i < many; i++) length += parts[i].iov_len;
  return unreadable(fd, offset, length) ? -1 : syscall(SYS_preadv, fd, parts, many, (unsigned long)offset, 0ul);
}

ssize_t preadv(int fd, const struct iovec *parts, int many, off_t offset) { return read_all_at(fd, parts, many, offset); }
ssize_t preadv64(int fd, const struct iovec *parts, int many, off64_t offset) { return read_all_at(fd, parts, many, offset); }

/* A wall clock that is wrong. */
int clock_gettime(clockid_t id, struct timespec *now) {
  int done = syscall(SYS_clock_gettime, id, now);
  if (done == 0 && clock_error && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) now->tv_sec += *clock_error;
  return done;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  struct timespec exact;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &exact);
  now->tv_sec = exact.tv_sec;
  now->tv_usec = exact.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *now) {
  struct timespec exact;
  clock_gettime(CLOCK_REALTIME, &exact);
  if (now) *now = exact.tv_sec;
  return exact.tv_sec;
}

static int sync_by(long number, int fd) {
  char path[PATH_MAX];
  if (!watched(fd, path)) return syscall(number, fd);
  const char *action = decide('s', path, 0);
  uint64_t inode = inode_of(fd);
  if (prevented(action)) {
    pthread_mutex_lock(&lock);
    note('f', inode, 0, NULL, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = is(action, "EIO") ? EIO : errno;
    return -1;
  }
  pthread_mutex_lock(&lock);
  note('b', inode, 0, NULL, NULL, 0);
  pthread_mutex_unlock(&lock);
  int done = syscall(number, fd);
  pthread_mutex_lock(&lock);
  note(done == 0 ? 's' : 'f', inode, 0, NULL, NULL, 0);
  pthread_mutex_unlock(&lock);
  if (is(action, "after")) die();
  return done;
}

int fsync(int fd) { return sync_by(SYS_fsync, fd); }
int fdatasync(int fd) { return sync_by(SYS_fdatasync, fd); }

static int truncate_by(int fd, off_t length) {
  char path[PATH_MAX];
  if (!watched(fd, path)) return syscall(SYS_ftruncate, fd, length);
  const char *action = decide('t', path, length);
  if (prevented(action)) return -1;
  pthread_mutex_lock(&lock);
  int done = syscall(SYS_ftruncate, fd, length);
  if (done == 0) note('t', inode_of(fd), length, NULL, NULL, 0);
  pthread_mutex_unlock(&lock);
  if (is(action, "after")) die();
  return done;
}

int ftruncate(int fd, off_t length) { return truncate_by(fd, length); }
int ftruncate64(int fd, off64_t length) { return truncate_by(fd, length); }

/* Space that is set aside is written as zeros, which every file system can do. */
static int allocate(int fd, int mode, off_t offset, off_t length) {
  char path[PATH_MAX];
  if (!watched(fd, path)) return syscall(SYS_fallocate, fd, mode, offset, length);
  errno = EOPNOTSUPP;
  return -1;
}

int fallocate(int fd, int mode, off_t offset, off_t length) { return allocate(fd, mode, offset, length); }
int fallocate64(int fd, int mode, off64_t offset, off64_t length) { return allocate(fd, mode, offset, length); }

static int two_paths(char kind, long number, int d1, const char *from, int d2, const char *to) {
  char full[PATH_MAX], other[PATH_MAX];
  int here = watched_path(d1, from, full), there = watched_path(d2, to, other);
  const char *action = here || there ? decide('r', there ? other : full, 0) : NULL;
  if (prevented(action)) return -1;
  pthread_mutex_lock(&lock);
  int done = number == SYS_linkat ? syscall(number, d1, from, d2, to, 0) : syscall(number, d1, from, d2, to);
  if (done == 0 && (here || there)) note(kind, 0, 0, full, other, strlen(other));
  pthread_mutex_unlock(&lock);
  if (is(action, "after")) die();
  return done;
}

int rename(const char *from, const char *to) { return two_paths('r', SYS_renameat, AT_FDCWD, from, AT_FDCWD, to); }
int renameat(int d1, const char *from, int d2, const char *to) { return two_paths('r', SYS_renameat, d1, from, d2, to); }
int link(const char *from, const char *to) { return two_paths('l', SYS_linkat, AT_FDCWD, from, AT_FDCWD, to); }

static int unlink_by(int directory, const char *path, int flags) {
  char full[PATH_MAX];
  if ((flags & AT_REMOVEDIR) || !watched_path(directory, path, full)) return syscall(SYS_unlinkat, directory, path, flags);
  const char *action = decide('u', full, 0);
  if (prevented(action)) return -1;
  pthread_mutex_lock(&lock);
  int done = syscall(SYS_unlinkat, directory, path, flags);
  if (done == 0) note('u', 0, 0, full, NULL, 0);
  pthread_mutex_unlock(&lock);
  if (is(action, "after")) die();
  return done;
}

int unlink(const char *path) { return unlink_by(AT_FDCWD, path, 0); }
int unlinkat(int directory, const char *path, int flags) { return unlink_by(directory, path, flags); }

static int open_by(int directory, const char *path, int flags, mode_t mode) {
  char full[PATH_MAX];
  if (!(flags & (O_CREAT | O_TRUNC)) || !watched_path(directory, path, full)) return syscall(SYS_openat, directory, path, flags, mode);
  struct stat status;
  int existed = fstatat(directory, path, &status, 0) == 0;
  if (existed && !(flags & O_TRUNC)) return syscall(SYS_openat, directory, path, flags, mode);
  const char *action = decide('c', full, 0);
  if (prevented(action)) return -1;
  pthread_mutex_lock(&lock);
  int fd = syscall(SYS_openat, directory, path, flags, mode);
  if (fd >= 0) note(existed ? 't' : 'c', inode_of(fd), 0, existed ? NULL : full, NULL, 0);
  pthread_mutex_unlock(&lock);
  if (is(action, "after")) die();
  return fd;
}

static mode_t mode_in(int flags, va_list rest) { return flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; }

#define OPEN(name)                                  \
  int name(const char *path, int flags, ...) {      \
    va_list rest;                                   \
    va_start(rest, flags);                          \
    mode_t mode = mode_in(flags, rest);             \
    va_end(rest);                                   \
    return open_by(AT_FDCWD, path, flags, mode);    \
  }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                          \
  int name(int directory, const char *path, int flags, ...) { \
    va_list rest;                                             \
    va_start(rest, flags);                                    \
    mode_t mode = mode_in(flags, rest);                       \
    va_end(rest);                                             \
    return open_by(directory, path, flags, mode);             \
  }
OPENAT(openat)
OPENAT(openat64)

/* Streams whose writes come back to us; `fileno` has to know their descriptors. */
#define MOST_STREAMS 256
static struct { FILE *stream; int fd; } streams[MOST_STREAMS];
static pthread_mutex_t streams_lock = PTHREAD_MUTEX_INITIALIZER;

static ssize_t cookie_write(void *cookie, const char *bytes, size_t length) {
  size_t done = 0;
  while (done < length) {
    ssize_t more = write_at((int)(intptr_t)cookie, bytes + done, length - done, -1);
    if (more <= 0) return done > 0 ? (ssize_t)done : 0;
    done += more;
  }
  return done;
}

static int cookie_close(void *cookie) {
  int fd = (int)(intptr_t)cookie;
  pthread_mutex_lock(&streams_lock);
  for (int i = 0; i < MOST_STREAMS; i++) if (streams[i].stream && streams[i].fd == fd) streams[i].stream = NULL;
  pthread_mutex_unlock(&streams_lock);
  return close(fd);
}

static FILE *stream_of(const char *path, const char *mode, FILE *(*real)(const char *, const char *)) {
  char full[PATH_MAX];
  if (mode[0] == 'r' || !watched_path(AT_FDCWD, path, full)) return real(path, mode);
  int fd = open_by(AT_FDCWD, path, O_WRONLY | O_CREAT | O_CLOEXEC | (mode[0] == 'a' ? O_APPEND : O_TRUNC), 0666);
  if (fd < 0) return NULL;
  cookie_io_functions_t functions = {NULL, cookie_write, NULL, cookie_close};
  FILE *stream = fopencookie((void *)(intptr_t)fd, mode, functions);
  pthread_mutex_lock(&streams_lock);
  for (int i = 0; i < MOST_STREAMS; i++) {
    if (streams[i].stream) continue;
    streams[i].stream = stream;
    streams[i].fd = fd;
    break;
  }
  pthread_mutex_unlock(&streams_lock);
  return stream;
}

FILE *fopen(const char *path, const char *mode) { return stream_of(path, mode, REAL(fopen)); }
FILE *fopen64(const char *path, const char *mode) { return stream_of(path, mode, REAL(fopen64)); }

static int descriptor_of(FILE *stream) {
  int fd = -1;
  pthread_mutex_lock(&streams_lock);
  for (int i = 0; i < MOST_STREAMS; i++) if (streams[i].stream == stream) fd = streams[i].fd;
  pthread_mutex_unlock(&streams_lock);
  return fd;
}

int fileno(FILE *stream) {
  int fd = descriptor_of(stream);
  return fd >= 0 ? fd : REAL(fileno)(stream);
}

int fileno_unlocked(FILE *stream) {
  int fd = descriptor_of(stream);
  return fd >= 0 ? fd : REAL(fileno_unlocked)(stream);
}
