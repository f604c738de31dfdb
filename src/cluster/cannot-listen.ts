// Why an address cannot be listened on, in words for its user.
import { isIP } from 'node:net';

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is taken: end what listens there, or choose another with --listen',
  EACCES: 'not permitted: ports below 1024 need root',
  EADDRNOTAVAIL: 'this machine has no such address',
};

/** One line for an error of `listen` or `bind`; undefined for every other. */
export function cannotListen(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code = '', syscall, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  const why = reasons[code];
  if (why === undefined || address === undefined || (syscall !== 'listen' && syscall !== 'bind')) return undefined;
  return `cannot listen on ${isIP(address) === 6 ? `[${address}]` : address}:${port}: ${why}`;
}
