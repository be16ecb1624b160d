"""Run programs, and print what each has cost: a line for each, which is read from standard input.

A line is arguments, separated by tabs. The reply is the seconds of CPU time, the seconds that
passed, the peak of resident memory in kilobytes, and the exit status.

It imports nothing else, because Linux counts the memory of the process that starts a program as
the program's own (``exec_mmap``, ``setmax_mm_hiwater_rss``): a larger process would hide the peak.
"""

import os
import sys
import time

KILOBYTE = 1024 if sys.platform == "darwin" else 1  # of ru_maxrss: getrusage(2)

for line in sys.stdin:
    arguments = line.rstrip("\n").split("\t")
    silent = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    start = time.perf_counter()
    process = os.posix_spawnp(arguments[0], arguments, os.environ, file_actions=silent)
    _, status, usage = os.wait4(process, 0)
    elapsed = time.perf_counter() - start
    cpu, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss // KILOBYTE
    print(cpu, elapsed, peak, os.waitstatus_to_exitcode(status), flush=True)
