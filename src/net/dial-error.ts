const reasons: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'connect: connection refused'],
  ['EHOSTUNREACH', 'connect: no route to host'],
  ['ENETUNREACH', 'connect: network is unreachable'],
  ['ETIMEDOUT', 'connect: connection timed out'],
]);

/**
 * Go's words for a TCP connection to `where` (`host:port`) that could not be made: they stand in what users read, as Status errors
 * and events of probes. Undefined for what has nothing to do with connecting.
 *
 * @param code the system's name for what went wrong: `ECONNREFUSED`.
 */
export function dialError(code: string | undefined, where: string): string | undefined {
  const reason = reasons.get(code ?? '');
  return reason && `dial tcp ${where}: ${reason}`;
}
