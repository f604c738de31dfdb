// The process as Linux sees it (proc(5)), under the names that all Prometheus clients use.
import { readdirSync, readFileSync } from 'node:fs';
import { CollectedFamily, type Family } from './metric.ts';

const pageSize = 4096;
/** USER_HZ, which Linux fixes at this for user space. */
const ticksPerSecond = 100;

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Fields of /proc/self/stat after the name, which may hold spaces: the first is number 3 of the manual page. */
function stat(): number[] {
  const text = read('/proc/self/stat');
  return text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
}

function bootTime(): number {
  return Number(/^btime (\d+)$/m.exec(read('/proc/stat'))?.[1] ?? 0);
}

function openFiles(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
}

export function processFamilies(): Family[] {
  const one = (name: string, help: string, value: () => number, type: 'gauge' | 'counter' = 'gauge') =>
    new CollectedFamily({ name, help, type }, () => [[[], value()]]);
  const cpu = () => ((stat()[11] ?? 0) + (stat()[12] ?? 0)) / ticksPerSecond;
  const maxFiles = () => Number(/^Max open files +(\d+)/m.exec(read('/proc/self/limits'))?.[1] ?? 0);
  return [
    one('process_cpu_seconds_total', 'Total user and system CPU time spent in seconds.', cpu, 'counter'),
    one('process_max_fds', 'Maximum number of open file descriptors.', maxFiles),
    one('process_open_fds', 'Number of open file descriptors.', openFiles),
    one('process_resident_memory_bytes', 'Resident memory size in bytes.', () => (stat()[21] ?? 0) * pageSize),
    one('process_start_time_seconds', 'Start time of the process since unix epoch in seconds.', () => {
      return bootTime() + (stat()[19] ?? 0) / ticksPerSecond;
    }),
    one('process_virtual_memory_bytes', 'Virtual memory size in bytes.', () => stat()[20] ?? 0),
    one('nodejs_heap_size_used_bytes', 'Heap of the JavaScript engine in use, in bytes.', () => {
      return process.memoryUsage().heapUsed;
    }),
  ];
}
