import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import { text } from 'node:stream/consumers';
import { constants, createDeflate, inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { connectSpdy } from './connect.ts';
import { adler32, spdyDictionary } from './dictionary.ts';
import { encodeSpdyFrame, type SpdyFrame, SpdyFrameDecoder } from './frames.ts';
import { HeaderDecoder, HeaderEncoder } from './header-block.ts';
import { SpdySession, type SpdyStream } from './session.ts';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

test('the dictionary is the one of the draft', () => {
  expect(spdyDictionary.length).toBe(1423);
  expect(adler32(spdyDictionary)).toBe(0xe3c6a7c2);
});

test('a real zlib reads what the encoder writes, block after block', () => {
  const encoder = new HeaderEncoder();
  const blocks = [encoder.encode({ streamtype: 'error' }), encoder.encode({ streamtype: 'stdin', port: '80' })];
  const options = { dictionary: spdyDictionary, finishFlush: constants.Z_SYNC_FLUSH };
  expect(inflateSync(blocks[0]!, options).toString('latin1')).toBe('\0\0\0\x01\0\0\0\x0astreamtype\0\0\0\x05error');
  expect(inflateSync(Buffer.concat(blocks), options).toString('latin1')).toContain('\0\0\0\x04port\0\0\0\x0280');
});

test('the decoder reads what a real zlib writes, with references to earlier blocks', async () => {
  const deflate = createDeflate({ dictionary: spdyDictionary });
  const write = (headers: Record<string, string>) =>
    new Promise<Buffer>((resolve) => {
      const out: Buffer[] = [];
      const collect = (chunk: Buffer) => out.push(chunk);
      deflate.on('data', collect);
      const plain = Buffer.alloc(4);
      plain.writeUInt32BE(Object.keys(headers).length, 0);
      const parts = Object.entries(headers)
        .flat()
        .flatMap((word) => {
          const length = Buffer.alloc(4);
          length.writeUInt32BE(word.length, 0);
          return [length, Buffer.from(word)];
        });
      deflate.write(Buffer.concat([plain, ...parts]));
      deflate.flush(constants.Z_SYNC_FLUSH, () => {
        deflate.off('data', collect);
        resolve(Buffer.concat(out));
      });
    });
  const decoder = new HeaderDecoder();
  for (let i = 0; i < 300; i++) {
    const headers = { streamtype: 'data', requestid: String(i), 'content-type': 'text/plain', long: 'x'.repeat(i) };
    expect(decoder.decode(await write(headers))).toEqual(headers);
  }
});

test('what one end encodes the other decodes', () => {
  const name = fc.stringMatching(/^[a-z-]{1,12}$/);
  fc.assert(
    fc.property(fc.array(fc.dictionary(name, fc.string()), { maxLength: 20 }), (blocks) => {
      const encoder = new HeaderEncoder();
      const decoder = new HeaderDecoder();
      for (const headers of blocks) {
        const clean = Object.fromEntries(Object.entries(headers).map(([k, v]) => [k, v.replaceAll('\0', '')]));
        expect({ ...decoder.decode(encoder.encode(clean)) }).toEqual({ ...clean });
      }
    }),
  );
});

test('frames survive any cutting of the connection', () => {
  const frames: Exclude<SpdyFrame, { type: 'other' }>[] = [
    { type: 'syn-stream', streamId: 1, isLast: false, headerBlock: Buffer.from('abc') },
    { type: 'syn-reply', streamId: 1, isLast: true, headerBlock: Buffer.from('d') },
    { type: 'headers', streamId: 1, isLast: false, headerBlock: Buffer.alloc(0) },
    { type: 'data', streamId: 0x7fffffff, isLast: true, data: Buffer.from('hello') },
    { type: 'rst-stream', streamId: 3, status: 5 },
    { type: 'ping', id: 7 },
    { type: 'goaway', lastStreamId: 3, status: 0 },
    { type: 'window-update', streamId: 3, delta: 65_536 },
  ];
  const bytes = Buffer.concat(frames.map(encodeSpdyFrame));
  for (let step = 1; step <= bytes.length; step++) {
    const decoder = new SpdyFrameDecoder();
    const out: SpdyFrame[] = [];
    for (let at = 0; at < bytes.length; at += step) out.push(...decoder.push(bytes.subarray(at, at + step)));
    expect(out).toEqual(frames);
  }
  expect(bytes.subarray(0, 21).toString('hex')).toBe(
    `80030001 0000000d 00000001 00000000 0000 616263`.replaceAll(' ', ''),
  );
});

function pair(onStream: (stream: SpdyStream) => void): { client: SpdySession; server: SpdySession } {
  const [a, b] = duplexPair() as [Duplex, Duplex];
  return { client: new SpdySession(a, { role: 'client' }), server: new SpdySession(b, { role: 'server', onStream }) };
}

test('streams carry both ways and end one side at a time', async () => {
  const { client } = pair((stream) => {
    stream.accept();
    const parts: string[] = [];
    stream.on('data', (chunk) => parts.push(String(chunk)));
    stream.on('end', () => stream.end(`${stream.headers.streamtype} got ${parts.join('')}`));
  });
  const streams = await Promise.all(['stdin', 'stdout'].map((streamtype) => client.open({ streamtype })));
  expect(streams.map((s) => s.id)).toEqual([1, 3]);
  for (const stream of streams) {
    stream.write('one ');
    stream.end('two');
  }
  expect(await Promise.all(streams.map((s) => text(s)))).toEqual(['stdin got one two', 'stdout got one two']);
});

test('a megabyte stays whole, and a slow reader of one stream loses nothing', async () => {
  const big = 'x'.repeat(3_000_000);
  const { client } = pair((stream) => stream.accept().end(big));
  const stream = await client.open({ a: 'b' });
  await new Promise((resolve) => setImmediate(resolve));
  expect((await text(stream)).length).toBe(big.length);
});

test('a refused stream rejects, and a lost connection ends what is open', async () => {
  const { client, server } = pair((stream) => {
    if (stream.headers.streamtype === 'no') stream.refuse();
    else stream.accept();
  });
  await expect(client.open({ streamtype: 'no' })).rejects.toThrow('the peer reset stream 1');
  const stream = await client.open({ streamtype: 'yes' });
  const closed = new Promise((resolve) => stream.once('close', resolve));
  server.destroy();
  client.destroy();
  await closed;
  await client.closed;
  await expect(client.open({})).rejects.toThrow('closed');
});

test('what came before the connection was lost can be read', async () => {
  const { client, server } = pair((stream) => stream.accept().write('last word'));
  const stream = await client.open({ streamtype: 'stdout' });
  await new Promise<void>((resolve) => stream.once('readable', () => resolve()));
  server.destroy();
  client.destroy();
  await client.closed;
  expect(await text(stream)).toBe('last word');
});

test('a peer that is not SPDY ends the connection', async () => {
  const [a, b] = duplexPair() as [Duplex, Duplex];
  const session = new SpdySession(a, { role: 'server' });
  b.on('error', () => {});
  b.write(Buffer.from('8002000100000000', 'hex'));
  await session.closed;
  expect(session.isClosed).toBe(true);
});

test('pings of the peer are answered', async () => {
  const [a, b] = duplexPair() as [Duplex, Duplex];
  new SpdySession(a, { role: 'server' });
  const answer = new Promise<Buffer>((resolve) => b.once('data', resolve));
  b.write(encodeSpdyFrame({ type: 'ping', id: 1 }));
  expect(new SpdyFrameDecoder().push(await answer)).toEqual([{ type: 'ping', id: 1 }]);
});

test('connectSpdy upgrades over HTTP and says why when it cannot', async () => {
  const server = createServer((_, response) => response.writeHead(404).end('no such token'));
  server.on('upgrade', (request, socket) => {
    if (request.url === '/half') {
      socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nno', () => socket.destroy());
      return;
    }
    if (request.url !== '/exec') {
      socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno');
      return;
    }
    const [protocol] = String(request.headers['x-stream-protocol-version']).split(', ');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
    );
    new SpdySession(socket, { role: 'server', onStream: (stream) => stream.accept().end('hi') });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const protocols = ['v4.channel.k8s.io', 'v3.channel.k8s.io'];
  const { session, protocol } = await connectSpdy({ url: `${base}/exec`, protocols });
  expect(protocol).toBe('v4.channel.k8s.io');
  const stream = await session.open({ streamtype: 'stdout' });
  expect(await text(stream)).toBe('hi');
  session.close();
  await session.closed;
  await expect(connectSpdy({ url: `${base}/other`, protocols })).rejects.toThrow('403 Forbidden: no');
  await expect(connectSpdy({ url: `${base}/half`, protocols })).rejects.toThrow('403 Forbidden: no');
});
