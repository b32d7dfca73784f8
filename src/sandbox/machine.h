/* Which machine this is, and the numbers of calls some machines do not have. */
#ifndef TH_SANDBOX_MACHINE_H
#define TH_SANDBOX_MACHINE_H

#include <linux/audit.h>
#include <sys/syscall.h>

#if defined(__x86_64__) && defined(__LP64__)
#define TH_SANDBOX_MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && defined(__AARCH64EL__)
#define TH_SANDBOX_MACHINE AUDIT_ARCH_AARCH64
#elif defined(__ARM_EABI__) && defined(__ARMEL__)
#define TH_SANDBOX_MACHINE AUDIT_ARCH_ARM
#elif defined(__riscv) && __riscv_xlen == 64
#define TH_SANDBOX_MACHINE AUDIT_ARCH_RISCV64
#elif defined(__mips__) && _MIPS_SIM == _ABIO32 && defined(__MIPSEL__)
#define TH_SANDBOX_MACHINE AUDIT_ARCH_MIPSEL
#elif defined(__mips__) && _MIPS_SIM == _ABIO32
#define TH_SANDBOX_MACHINE AUDIT_ARCH_MIPS
#else
#define TH_SANDBOX_MACHINE 0
#endif

/* The number of no call. */
#define TH_SANDBOX_NO_CALL 0xfffe

/* Where time had 32 bits at first, musl gives the first calls another name. */
#ifdef __NR_clock_settime32
#define __NR_clock_gettime __NR_clock_gettime32
#define __NR_clock_settime __NR_clock_settime32
#define __NR_settimeofday __NR_settimeofday_time32
#endif

#ifndef __NR_accept4
#define __NR_accept4 TH_SANDBOX_NO_CALL
#endif
#ifndef __NR_open
#define __NR_open TH_SANDBOX_NO_CALL
#endif
#ifndef __NR_poll
#define __NR_poll TH_SANDBOX_NO_CALL
#endif
#ifndef __NR_sigreturn
#define __NR_sigreturn TH_SANDBOX_NO_CALL
#endif
#ifndef __NR_clock_gettime
#define __NR_clock_gettime TH_SANDBOX_NO_CALL
#endif
#ifndef __NR_clock_gettime64
#define __NR_clock_gettime64 TH_SANDBOX_NO_CALL
#endif
#ifndef __NR_clock_adjtime64
#define __NR_clock_adjtime64 TH_SANDBOX_NO_CALL
#endif
#ifndef __NR_ftruncate
#define __NR_ftruncate TH_SANDBOX_NO_CALL
#endif
#ifndef __NR_ftruncate64
#define __NR_ftruncate64 TH_SANDBOX_NO_CALL
#endif
#ifndef __NR_adjtimex
#define __NR_adjtimex TH_SANDBOX_NO_CALL
#endif
#ifndef __NR_clock_settime64
#define __NR_clock_settime64 TH_SANDBOX_NO_CALL
#endif
#ifndef __NR_ppoll
#define __NR_ppoll TH_SANDBOX_NO_CALL
#endif
#ifndef __NR_ppoll_time64
#define __NR_ppoll_time64 TH_SANDBOX_NO_CALL
#endif
#ifndef __NR_fcntl64
#define __NR_fcntl64 TH_SANDBOX_NO_CALL
#endif
#ifndef __NR_lstat
#define __NR_lstat TH_SANDBOX_NO_CALL
#endif
#ifndef __NR_lstat64
#define __NR_lstat64 TH_SANDBOX_NO_CALL
#endif
#ifndef __NR_newfstatat
#define __NR_newfstatat TH_SANDBOX_NO_CALL
#endif
#ifndef __NR_fstatat64
#define __NR_fstatat64 TH_SANDBOX_NO_CALL
#endif
#ifndef __NR_rename
#define __NR_rename TH_SANDBOX_NO_CALL
#endif
#ifndef __NR_renameat
#define __NR_renameat TH_SANDBOX_NO_CALL
#endif
#ifndef __NR_renameat2
#define __NR_renameat2 TH_SANDBOX_NO_CALL
#endif
#ifndef __NR_unlink
#define __NR_unlink TH_SANDBOX_NO_CALL
#endif
#ifndef __NR_mmap
#define __NR_mmap TH_SANDBOX_NO_CALL
#endif
#ifndef __NR_mmap2
#define __NR_mmap2 TH_SANDBOX_NO_CALL
#endif
#ifndef __NR_fork
#define __NR_fork TH_SANDBOX_NO_CALL
#endif
#ifndef __NR_vfork
#define __NR_vfork TH_SANDBOX_NO_CALL
#endif
#ifndef __NR_modify_ldt
#define __NR_modify_ldt TH_SANDBOX_NO_CALL
#endif
#ifndef __NR_iopl
#define __NR_iopl TH_SANDBOX_NO_CALL
#endif
#ifndef __NR_ioperm
#define __NR_ioperm TH_SANDBOX_NO_CALL
#endif
#ifndef __NR_kexec_load
#define __NR_kexec_load TH_SANDBOX_NO_CALL
#endif
#ifndef __NR_kexec_file_load
#define __NR_kexec_file_load TH_SANDBOX_NO_CALL
#endif
#ifndef __NR_remap_file_pages
#define __NR_remap_file_pages TH_SANDBOX_NO_CALL
#endif
#ifndef __NR_memfd_secret
#define __NR_memfd_secret TH_SANDBOX_NO_CALL
#endif
#ifndef __NR_fcntl
#define __NR_fcntl TH_SANDBOX_NO_CALL
#endif

#ifndef __NR_fstat64
#define __NR_fstat64 TH_SANDBOX_NO_CALL
#endif
#ifndef __NR_geteuid32
#define __NR_geteuid32 TH_SANDBOX_NO_CALL
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24 /* since Linux 5.18 */
#endif

#endif
