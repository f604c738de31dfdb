// How long a connection over TLS may take to stand: a server may take it and then say nothing. The words are Go's.
import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import { joinHostPort } from '../net/ip.ts';
import type { Clock } from '../system/clock.ts';

/** Milliseconds: to be taken, and to be ready for the request (as of Go's transports). */
const limits = { dial: 5_000, handshake: 10_000 } as const;

/** Fails a request over a connection of its own that does not stand in time. The answer to it may take as long as it likes. */
export function limitConnecting(request: ClientRequest, { host, port }: HostPort, clock: Clock): void {
  request.once('socket', (socket: Socket) => {
    const fail = (why: string) => request.destroy(new Error(why));
    const timers = [
      clock.after(limits.dial, () => {
        if (socket.connecting) fail(`dial tcp ${joinHostPort(host, port)}: i/o timeout`);
      }),
      clock.after(limits.handshake, () => fail('net/http: TLS handshake timeout')),
    ];
    const stop = () => {
      for (const timer of timers) timer.cancel();
    };
    for (const event of ['secureConnect', 'close']) socket.once(event, stop);
  });
}

interface HostPort {
  readonly host: string;
  readonly port: number;
}
