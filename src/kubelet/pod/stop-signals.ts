// Signals that end containers: as the API names them (`SIGRTMIN+3`), and as CRI numbers them, which is no kernel's numbering.

/** By CRI's number; 0 means that of the image, or else the runtime's own. */
const names: readonly string[] = [
  '',
  ...['SIGABRT', 'SIGALRM', 'SIGBUS', 'SIGCHLD', 'SIGCLD', 'SIGCONT', 'SIGFPE', 'SIGHUP', 'SIGILL', 'SIGINT', 'SIGIO'],
  ...['SIGIOT', 'SIGKILL', 'SIGPIPE', 'SIGPOLL', 'SIGPROF', 'SIGPWR', 'SIGQUIT', 'SIGSEGV', 'SIGSTKFLT', 'SIGSTOP'],
  ...['SIGSYS', 'SIGTERM', 'SIGTRAP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU', 'SIGURG', 'SIGUSR1', 'SIGUSR2', 'SIGVTALRM'],
  ...['SIGWINCH', 'SIGXCPU', 'SIGXFSZ', 'SIGRTMIN'],
  ...Array.from({ length: 15 }, (_, i) => `SIGRTMIN+${i + 1}`),
  ...Array.from({ length: 14 }, (_, i) => `SIGRTMAX-${14 - i}`),
  'SIGRTMAX',
];

/** 0 of a name that CRI does not know. */
export const stopSignalNumber = (name = ''): number => Math.max(0, names.indexOf(name));

/** Undefined where the runtime does not tell. */
export const stopSignalName = (number: number): string | undefined => names[number] || undefined;
