/* A clock that is CLOCK_AHEAD_S seconds ahead, for every process that preloads this: `make test-later`.

   Only the time of day is moved. What waits for a moment of that clock is told the real moment;
   everything else waits by the monotonic clock, which is left alone. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static time_t ahead_s;

__attribute__((constructor)) static void remember(void) {
    const char *given = getenv("CLOCK_AHEAD_S");
    ahead_s = given ? atol(given) : 0;
}

static int is_of_day(clockid_t clock) {
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
}

static struct timespec real(const struct timespec *moment) {
    struct timespec earlier = *moment;
    if (earlier.tv_sec > ahead_s) earlier.tv_sec -= ahead_s;
    return earlier;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static __typeof__(&clock_gettime) next;
    if (!next) next = NEXT(clock_gettime);
    int status = next(clock, now);
    if (status == 0 && is_of_day(clock)) now->tv_sec += ahead_s;
    return status;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec moment;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &moment) != 0) return -1;
    now->tv_sec = moment.tv_sec;
    now->tv_usec = moment.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *now) {
    struct timespec moment;
    clock_gettime(CLOCK_REALTIME, &moment);
    if (now) *now = moment.tv_sec;
    return moment.tv_sec;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *until, struct timespec *left) {
    struct timespec moment = *until;
    if (is_of_day(clock) && (flags & TIMER_ABSTIME)) moment = real(until);
    return NEXT(clock_nanosleep)(clock, flags, &moment, left);
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict until) {
    struct timespec moment = real(until);
    return NEXT(sem_timedwait)(semaphore, &moment);
}

int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex, const struct timespec *restrict until) {
    struct timespec moment = real(until);
    return NEXT(pthread_mutex_timedlock)(mutex, &moment);
}

int pthread_cond_timedwait(
    pthread_cond_t *restrict condition,
    pthread_mutex_t *restrict mutex,
    const struct timespec *restrict until) {
    /* Some conditions are made for the monotonic clock; a moment of that is far smaller. */
    struct timespec now, moment = *until;
    clock_gettime(CLOCK_REALTIME, &now);
    if (until->tv_sec > now.tv_sec - ahead_s) moment = real(until);
    __typeof__(&pthread_cond_timedwait) next = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
    return next(condition, mutex, &moment);
}

/* The one above is not called for it; librdkafka waits by it. */
int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex, const struct timespec *restrict until) {
    struct timespec moment = real(until);
    return NEXT(cnd_timedwait)(condition, mutex, &moment);
}

int pthread_cond_clockwait(
    pthread_cond_t *restrict condition,
    pthread_mutex_t *restrict mutex,
    clockid_t clock,
    const struct timespec *restrict until) {
    struct timespec moment = is_of_day(clock) ? real(until) : *until;
    return NEXT(pthread_cond_clockwait)(condition, mutex, clock, &moment);
}

int sem_clockwait(sem_t *restrict semaphore, clockid_t clock, const struct timespec *restrict until) {
    struct timespec moment = is_of_day(clock) ? real(until) : *until;
    return NEXT(sem_clockwait)(semaphore, clock, &moment);
}
