import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { listen, type Respond } from './listener.ts';

let stop = new AbortController();
afterEach(() => {
  stop.abort();
  stop = new AbortController();
});

/** Replies with what came and how it came, at once or a little later. */
const echo: Respond = (packet, { transport }) => Buffer.from(`${packet} over ${transport}`);
const later: Respond = async (packet, { transport }) => Buffer.from(`${packet} later over ${transport}`);

async function askUdp(address: string, port: number, text: string): Promise<string> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.send(text, port, address);
  const [reply] = (await once(socket, 'message')) as [Buffer];
  socket.close();
  return reply.toString();
}

const framed = (text: string): Buffer => Buffer.concat([Buffer.from([0, text.length]), Buffer.from(text)]);

test.each(['127.0.0.1', '::1'])('UDP and TCP on the same port of %s', async (address) => {
  const [bound] = await listen({ addresses: [{ address, port: 0 }], respond: echo }, stop.signal);
  expect(await askUdp(address, bound!.port, 'question')).toBe('question over udp');
  const client = connect({ host: address, port: bound!.port });
  client.write(framed('question'));
  const [reply] = (await once(client, 'data')) as [Buffer];
  expect(reply.subarray(2).toString()).toBe('question over tcp');
  client.destroy();
});

test('replies that take a while are sent when they are ready', async () => {
  const [bound] = await listen({ addresses: [{ address: '127.0.0.1', port: 0 }], respond: later }, stop.signal);
  expect(await askUdp('127.0.0.1', bound!.port, 'a')).toBe('a later over udp');
});

test('several messages on one TCP connection, in pieces of any size', async () => {
  const [bound] = await listen({ addresses: [{ address: '127.0.0.1', port: 0 }], respond: echo }, stop.signal);
  const client = connect({ host: '127.0.0.1', port: bound!.port });
  const replies: Buffer[] = [];
  for (const byte of Buffer.concat([framed('one'), framed('two')])) client.write(Uint8Array.of(byte));
  const expected = Buffer.concat([framed('one over tcp'), framed('two over tcp')]);
  for await (const chunk of client) {
    replies.push(chunk as Buffer);
    if (Buffer.concat(replies).length >= expected.length) break;
  }
  expect(Buffer.concat(replies)).toEqual(expected);
});

test('replies on one TCP connection come as they are ready, also after the client has said all it will', async () => {
  const slow = Promise.withResolvers<Buffer>();
  const respond: Respond = (packet) => (packet.toString() === 'slow' ? slow.promise : Buffer.from('quick'));
  const [bound] = await listen({ addresses: [{ address: '127.0.0.1', port: 0 }], respond }, stop.signal);
  const client = connect({ host: '127.0.0.1', port: bound!.port, allowHalfOpen: true });
  client.end(Buffer.concat([framed('slow'), framed('quick')]));
  const [first] = (await once(client, 'data')) as [Buffer];
  expect(first).toEqual(framed('quick'));
  slow.resolve(Buffer.from('slow'));
  const rest: Buffer[] = [];
  for await (const chunk of client) rest.push(chunk as Buffer);
  expect(Buffer.concat(rest)).toEqual(framed('slow'));
});

test('a client that takes no replies gets no more, and all of them once it reads', async () => {
  const questions = 2000;
  const large = Buffer.alloc(16_000);
  let answered = 0;
  const respond: Respond = (packet, { transport }) => {
    if (transport === 'udp') return packet;
    answered += 1;
    return large;
  };
  const [bound] = await listen({ addresses: [{ address: '127.0.0.1', port: 0 }], respond }, stop.signal);
  const client = connect({ host: '127.0.0.1', port: bound!.port });
  client.pause().write(Buffer.concat(Array.from({ length: questions }, () => framed('a'))));
  while (answered === 0) await askUdp('127.0.0.1', bound!.port, 'b');
  // Some megabytes are in the kernel's buffers.
  expect(answered).toBeLessThan(questions * 0.75);
  let received = 0;
  for await (const chunk of client) {
    received += (chunk as Buffer).length;
    if (received === questions * (2 + large.length)) break;
  }
  expect(received).toBe(questions * (2 + large.length));
});

test('one address may hold so many connections and no more', async () => {
  const [bound] = await listen({ addresses: [{ address: '127.0.0.1', port: 0 }], respond: echo }, stop.signal);
  const clients = Array.from({ length: 200 }, () => connect({ host: '127.0.0.1', port: bound!.port }));
  await Promise.all(clients.map((client) => once(client, 'connect')));
  const oneMore = connect({ host: '127.0.0.1', port: bound!.port });
  await once(oneMore, 'close');
  clients[0]?.write(framed('still'));
  const [reply] = (await once(clients[0]!, 'data')) as [Buffer];
  expect(reply.subarray(2).toString()).toBe('still over tcp');
  for (const client of clients) client.destroy();
});

test('with no room left who is slow to ask gives way, then who is idle; where all wait for replies a new one is refused', async () => {
  let waiting = 0;
  const respond: Respond = (packet) => {
    if (packet.toString() !== 'slow') return packet;
    waiting += 1;
    return new Promise(() => {});
  };
  const [bound] = await listen({ addresses: [{ address: '127.0.0.1', port: 0 }], respond }, stop.signal);
  const clients: Socket[] = [];
  const connectFrom = (localAddress: string, ...sent: Buffer[]): Socket => {
    const client = connect({ host: '127.0.0.1', port: bound!.port, localAddress });
    clients.push(client.on('error', () => {}));
    client.write(Buffer.concat(sent));
    return client;
  };
  const untilWaiting = async (count: number) => {
    while (waiting < count) await new Promise(setImmediate);
  };
  const slowToAsk = connectFrom('127.0.0.2', framed('quick'), Buffer.of(0));
  await once(slowToAsk, 'data');
  // Where the others take longer than a question may, it goes before them.
  const gaveWay = once(slowToAsk, 'close');
  for (let i = 0; i < 999; i++) connectFrom(`127.0.0.${3 + (i % 5)}`, framed('slow'));
  await untilWaiting(999);
  const idle = connectFrom('127.0.0.8', framed('quick'));
  await Promise.all([gaveWay, once(idle, 'data')]);
  const idleGaveWay = once(idle, 'close');
  const last = connectFrom('127.0.0.8', framed('slow'));
  await idleGaveWay;
  await untilWaiting(1000);
  await once(connectFrom('127.0.0.8', framed('quick')), 'close');
  expect(last.destroyed).toBe(false);
  for (const client of clients) client.destroy();
});

test('several listeners share one address when all say so', async () => {
  const shared = (name: string, port: number) =>
    listen(
      { addresses: [{ address: '127.0.0.1', port }], respond: () => Buffer.from(name), shared: true },
      stop.signal,
    );
  const [bound] = await shared('first', 0);
  await shared('second', bound!.port);
  const seen = new Set<string>();
  for (let i = 0; i < 500 && seen.size < 2; i++) seen.add(await askUdp('127.0.0.1', bound!.port, 'who'));
  expect(seen).toEqual(new Set(['first', 'second']));
});

test('an address that is taken is an error', async () => {
  const [bound] = await listen({ addresses: [{ address: '127.0.0.1', port: 0 }], respond: echo }, stop.signal);
  const again = listen({ addresses: [{ address: '127.0.0.1', port: bound!.port }], respond: echo }, stop.signal);
  await expect(again).rejects.toMatchObject({ code: 'EADDRINUSE' });
});
