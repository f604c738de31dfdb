import type { IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import { channel } from '../../client/stream-frames.ts';
import { Heard } from '../../system/fake/heard.ts';
import { acceptWebSocket, channelProtocols, WebSocketPeer } from './websocket-peer.ts';

/** A connection that takes a while for each write, and keeps what it is given in one go. */
class SlowSocket extends Duplex {
  readonly written = new Heard<string>();

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.written.push(chunk.toString('latin1'));
    setImmediate(done);
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: () => void): void {
    this.written.push(Buffer.concat(chunks.map(({ chunk }) => chunk)).toString('latin1'));
    setImmediate(done);
  }

  /** What the WebSocket library asks of a net.Socket. */
  setTimeout(): void {}
  setNoDelay(): void {}
}

test('messages that come together are written one by one', async () => {
  const socket = new SlowSocket();
  const headers = {
    upgrade: 'websocket',
    connection: 'upgrade',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-version': '13',
    'sec-websocket-protocol': 'v4.channel.k8s.io',
  };
  const incoming = { method: 'GET', headers } as unknown as IncomingMessage;
  const accepted = await acceptWebSocket({ incoming, socket, head: Buffer.alloc(0) }, channelProtocols);
  const peer = new WebSocketPeer(accepted);
  const frame = (number: number, data: string) => ({ channel: number, data: Buffer.from(data) });
  void peer.send(frame(channel.stdout, 'one'));
  void peer.send(frame(channel.stdout, 'two'));
  void peer.send(frame(channel.error, '{"status":"Success"}'));
  peer.close();
  await socket.written.until((all) => all.length === 5);
  const [handshake, ...messages] = socket.written.all;
  expect(handshake).toMatch(/^HTTP\/1\.1 101 [\s\S]*Sec-WebSocket-Protocol: v4\.channel\.k8s\.io\r\n\r\n$/);
  // RFC 6455 section 5.2: a final frame with its opcode, its length, then for us the channel.
  expect(messages).toEqual([
    '\x82\x04\x01one',
    '\x82\x04\x01two',
    '\x82\x15\x03{"status":"Success"}',
    '\x88\x02\x03\xe8',
  ]);
});
