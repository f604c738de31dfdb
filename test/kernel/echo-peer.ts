// Run in a network namespace: answers on ports 8080 and 8081 as which address it was asked, and by whom; and asks others. A line of
// JSON in, a line of JSON out: see test/kernel/trace.test.ts. Arguments are the addresses to answer datagrams at.
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

export interface Asking {
  readonly protocol: string;
  readonly source?: string;
  readonly host: string;
  readonly port: number;
  /** Whether anything is expected to come back, an answer or a refusal: else silence is soon believed. */
  readonly isAwaited: boolean;
}

const patience = { awaited: 60_000, silent: 700 };
const plain = (address: string | undefined) => (address ?? '').replace(/^::ffff:/, '');
const hostPort = (address: string, port: number | undefined) =>
  `${address.includes(':') ? `[${address}]` : address}:${port}`;

for (const port of [8080, 8081]) {
  createServer((socket) => {
    socket.on('error', () => {});
    socket.end(`${hostPort(plain(socket.localAddress), socket.localPort)} from ${plain(socket.remoteAddress)}`);
  }).listen(port, '::');
  for (const address of process.argv.slice(2)) {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    socket.on('error', () => {});
    socket.on('message', (_, client) =>
      socket.send(`${hostPort(address, port)} from ${client.address}`, client.port, client.address),
    );
    socket.bind(port, address);
  }
}

/** What is answered; `refused`, or `silence`. */
function ask({ protocol, source, host, port, isAwaited }: Asking): Promise<string> {
  return new Promise((resolve) => {
    const end = (what: string) => {
      clearTimeout(timer);
      close();
      resolve(what);
    };
    const timer = setTimeout(() => end('silence'), isAwaited ? patience.awaited : patience.silent);
    const refused = ({ code }: NodeJS.ErrnoException) => end(code === 'ECONNREFUSED' ? 'refused' : `${code}`);
    let close: () => void;
    let again: NodeJS.Timeout | undefined;
    if (protocol === 'udp') {
      const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
      close = () => {
        clearInterval(again);
        socket.close();
      };
      socket.on('error', refused);
      socket.on('message', (text) => end(String(text)));
      socket.bind({ port: 0, ...(source && { address: source }) }, () => {
        socket.connect(port, host, (error?: Error) => {
          if (error) return refused(error as NodeJS.ErrnoException);
          // Datagrams may get lost, and refusals too, while neighbours do not know each other yet.
          socket.send('x');
          again = setInterval(() => socket.send('x'), 500);
        });
      });
      return;
    }
    const socket = connect({ host, port, ...(source && { localAddress: source }) });
    close = () => socket.destroy();
    socket.on('error', refused);
    let text = '';
    socket.on('data', (data) => {
      text += String(data);
    });
    socket.on('end', () => end(text));
  });
}

console.log('up');
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await Promise.all((JSON.parse(line) as Asking[]).map(ask))));
}
