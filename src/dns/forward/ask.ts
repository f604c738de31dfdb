// One question to one server over the network: UDP first, TCP where the reply was cut.
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import type { Random } from '../../system/random.ts';
import { decodeMessage } from '../wire/decode.ts';
import { encodeMessage } from '../wire/encode.ts';
import type { Message, Question } from '../wire/message.ts';
import type { Ask, Upstream } from './forwarder.ts';

const TIMEOUT_MS = 2000;
const UDP_SIZE = 1232;

/** Each question goes out from a port and with an id of its own, so that a forged reply has to guess both (RFC 5452). */
export function askOverNetwork(random: Random): Ask {
  return async (upstream, question) => {
    const id = random.int(0x10000);
    const packet = encodeMessage(queryOf(id, question));
    const reply = await overUdp(upstream, packet, (message) => fits(message, id, question));
    if (!reply.truncated) return reply;
    return overTcp(upstream, packet, (message) => fits(message, id, question));
  };
}

function queryOf(id: number, question: Question): Message {
  return {
    id,
    response: false,
    opcode: 0,
    authoritative: false,
    truncated: false,
    recursionDesired: true,
    recursionAvailable: false,
    rcode: 0,
    question,
    answers: [],
    authority: [],
    additional: [],
    edns: { udpSize: UDP_SIZE, version: 0, dnssecOk: false },
  };
}

function fits(reply: Message, id: number, question: Question): boolean {
  const { question: asked } = reply;
  const sameQuestion = asked?.name.toLowerCase() === question.name.toLowerCase() && asked.type === question.type;
  return reply.response && reply.id === id && sameQuestion;
}

type Fits = (message: Message) => boolean;

function overUdp({ address, port }: Upstream, packet: Buffer, wanted: Fits): Promise<Message> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    const end = (finish: () => void) => {
      clearTimeout(timer);
      socket.close();
      finish();
    };
    const timer = setTimeout(() => end(() => reject(new Error(`${address} did not answer`))), TIMEOUT_MS);
    socket.on('error', (error) => end(() => reject(error)));
    socket.on('message', (data) => {
      const message = tryDecode(data);
      if (message && wanted(message)) end(() => resolve(message));
    });
    socket.connect(port, address, () => socket.send(packet));
  });
}

function overTcp({ address, port }: Upstream, packet: Buffer, wanted: Fits): Promise<Message> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, timeout: TIMEOUT_MS });
    let received = Buffer.alloc(0);
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    socket.on('connect', () => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(packet.length);
      socket.write(Buffer.concat([length, packet]));
    });
    socket.on('timeout', () => fail(new Error(`${address} did not answer over TCP`)));
    socket.on('error', fail);
    socket.on('close', () => reject(new Error(`${address} closed the connection`)));
    socket.on('data', (data: Buffer) => {
      received = Buffer.concat([received, data]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
      const message = tryDecode(received.subarray(2, 2 + received.readUInt16BE(0)));
      if (!message || !wanted(message)) return fail(new Error(`${address} sent a reply to something else`));
      socket.destroy();
      resolve(message);
    });
  });
}

function tryDecode(data: Buffer): Message | undefined {
  try {
    return decodeMessage(data);
  } catch {
    // Noise, or a forgery: the real reply may still come.
    return undefined;
  }
}
