/* Binary only: the program has one thread, so a lock has nobody to wait for. libc's would be 2.5
 * KB. Contexts are locked for the sake of library users. */
#include <pthread.h>

/* musl's own lock, of a few signal functions. */
void __lock(volatile int *lock);
void __unlock(volatile int *lock);

__attribute__((used)) int pthread_mutex_init(pthread_mutex_t *mutex,
                                             const pthread_mutexattr_t *attributes)
{
    (void)mutex;
    (void)attributes;
    return 0;
}

__attribute__((used)) int pthread_mutex_destroy(pthread_mutex_t *mutex)
{
    (void)mutex;
    return 0;
}

__attribute__((used)) int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    (void)mutex;
    return 0;
}

__attribute__((used)) int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    (void)mutex;
    return 0;
}

__attribute__((used)) void __lock(volatile int *lock)
{
    (void)lock;
}

__attribute__((used)) void __unlock(volatile int *lock)
{
    (void)lock;
}
