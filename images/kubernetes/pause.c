/*
 * The first process of every pod: it holds the pod's namespaces open and takes in orphaned processes.
 * One runs for each pod of a node, so it is without a C library: some kilobytes, and the same bytes on every build host.
 * System calls by number, as in syscall(2) and the System V ABI for x86-64.
 */
enum { RT_SIGPROCMASK = 14, RT_SIGTIMEDWAIT = 128, WAIT4 = 61, EXIT = 60 };
enum { SIG_BLOCK = 0, SIGINT = 2, SIGTERM = 15, SIGCHLD = 17, WNOHANG = 1, SIGSET_BYTES = 8 };

static long call(long number, long a, long b, long c, long d)
{
    register long r10 __asm__("r10") = d;
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
    return result;
}

static unsigned long bit(int signal) { return 1UL << (signal - 1); }

__attribute__((noreturn, force_align_arg_pointer)) void _start(void)
{
    /* Blocked, a signal stays pending even for a first process, which the kernel shields from what it does not handle. */
    unsigned long signals = bit(SIGINT) | bit(SIGTERM) | bit(SIGCHLD);
    call(RT_SIGPROCMASK, SIG_BLOCK, (long)&signals, 0, SIGSET_BYTES);
    for (;;) {
        long signal = call(RT_SIGTIMEDWAIT, (long)&signals, 0, 0, SIGSET_BYTES);
        if (signal == SIGINT || signal == SIGTERM)
            for (;;)
                call(EXIT, 0, 0, 0, 0);
        while (call(WAIT4, -1, 0, WNOHANG, 0) > 0)
            ;
    }
}
