// Run in a network namespace: sends first packets of connections, and says which of them were refused. A line of JSON in,
// a line of JSON out; see PacketSender in proxy-packets.test.ts.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

export interface Sending {
  readonly protocol: 'tcp' | 'udp';
  readonly source?: string;
  readonly destination: string;
  readonly port: number;
  /** To be waited for; what is refused unasked counts, too, if it comes in time. */
  readonly refusal: boolean;
}

/** How many sockets are open at once. Over IPv6, TCP hears a refusal that comes at once only the second time, 1 s later. */
const chunk = 1000;
const patience = 300_000;

interface Sent {
  readonly isRefused: () => boolean;
  readonly refused: Promise<unknown>;
  close(): void;
}

function sendTcp({ source, destination, port }: Sending): Sent {
  const socket = connect({ host: destination, port, ...(source && { localAddress: source }) });
  let isRefused = false;
  const refused = new Promise<void>((resolve) => {
    socket.on('error', (error: NodeJS.ErrnoException) => {
      isRefused = error.code === 'ECONNREFUSED';
      resolve();
    });
  });
  return { isRefused: () => isRefused, refused, close: () => socket.destroy() };
}

async function sendUdp({ source, destination, port }: Sending): Promise<Sent> {
  const socket = createSocket(destination.includes(':') ? 'udp6' : 'udp4');
  let isRefused = false;
  const refused = new Promise<void>((resolve) => {
    socket.on('error', (error: NodeJS.ErrnoException) => {
      isRefused = error.code === 'ECONNREFUSED';
      resolve();
    });
  });
  socket.bind({ port: 0, ...(source && { address: source }) });
  await once(socket, 'listening');
  socket.connect(port, destination);
  await once(socket, 'connect');
  socket.send('x');
  return { isRefused: () => isRefused, refused, close: () => socket.close() };
}

/** Comes back when a refusal that was caused after all packets before has arrived. */
async function barrier(destination: string): Promise<void> {
  const last = await sendUdp({ protocol: 'udp', destination, port: 9, refusal: true });
  await last.refused;
  last.close();
}

async function sendAll(sendings: readonly Sending[], refusing: string): Promise<boolean[]> {
  const results: boolean[] = [];
  for (let start = 0; start < sendings.length; start += chunk) {
    const part = sendings.slice(start, start + chunk);
    const sent = await Promise.all(part.map((s) => (s.protocol === 'tcp' ? sendTcp(s) : sendUdp(s))));
    const awaited = Promise.all(sent.filter((_, i) => part[i]!.refusal).map(({ refused }) => refused));
    await Promise.race([awaited, new Promise((resolve) => setTimeout(resolve, patience).unref())]);
    await barrier(refusing);
    results.push(...sent.map(({ isRefused }) => isRefused()));
    for (const { close } of sent) close();
  }
  return results;
}

for await (const line of createInterface({ input: process.stdin })) {
  const { sendings, refusing } = JSON.parse(line) as { sendings: Sending[]; refusing: string };
  console.log(JSON.stringify(await sendAll(sendings, refusing)));
}
