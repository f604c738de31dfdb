// A client for tests: one question, one reply, over UDP or TCP.
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { decodeMessage } from '../wire/decode.ts';
import { encodeMessage } from '../wire/encode.ts';
import { frame, MessageReader } from '../wire/frames.ts';
import { type Message, TYPE } from '../wire/message.ts';

export interface AskOptions {
  readonly port: number;
  readonly address?: string;
  readonly type?: number;
  readonly tcp?: boolean;
  /** Milliseconds. */
  readonly timeout?: number;
}

/** A query as a resolver sends it. */
export function queryFor(name: string, parts: Partial<Message> = {}): Buffer {
  return encodeMessage({
    id: 4711,
    response: false,
    opcode: 0,
    authoritative: false,
    truncated: false,
    recursionDesired: true,
    recursionAvailable: false,
    rcode: 0,
    question: { name, type: TYPE.A, class: 1 },
    answers: [],
    authority: [],
    additional: [],
    edns: undefined,
    ...parts,
  });
}

/** Rejects when no reply comes in time. */
export async function askServer(name: string, options: AskOptions): Promise<Message> {
  const { port, address = '127.0.0.1', type = TYPE.A, tcp = false, timeout = 60_000 } = options;
  const packet = queryFor(name, { question: { name, type, class: 1 } });
  const signal = AbortSignal.timeout(timeout);
  return decodeMessage(await (tcp ? overTcp : overUdp)(packet, { port, address }, signal));
}

interface Place {
  readonly port: number;
  readonly address: string;
}

function overUdp(packet: Buffer, { port, address }: Place, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: 'udp4', signal });
    socket.on('error', reject);
    signal.addEventListener('abort', () => reject(new Error('no reply')));
    socket.on('message', (reply) => {
      socket.close();
      resolve(reply);
    });
    socket.send(packet, port, address);
  });
}

function overTcp(packet: Buffer, { port, address }: Place, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: address, signal });
    const reader = new MessageReader();
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('no reply')));
    socket.on('data', (data: Buffer) => {
      const [reply] = reader.take(data);
      if (!reply) return;
      socket.destroy();
      resolve(reply);
    });
    socket.write(frame(packet));
  });
}

/** The texts of a reply's answers: addresses, targets. */
export function answersOf({ answers }: Message): string[] {
  return answers.map(({ data }) => ('address' in data ? data.address : 'target' in data ? data.target : data.type));
}
