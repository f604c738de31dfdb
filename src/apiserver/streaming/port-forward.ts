// `pods/portforward`: SPDY streams in pairs (data and error, one pair per TCP connection), over SPDY itself or inside a
// WebSocket (`SPDY/3.1+portforward.k8s.io`), or pairs of a WebSocket's channels; each pair is one request to the kubelet.
import type { Duplex } from 'node:stream';
import { StatusError } from '../../apimachinery/status.ts';
import { write } from '../../client/drained.ts';
import { SpdySession, type SpdyStream } from '../../client/spdy/session.ts';
import { encodeClose, encodeFrame, FrameDecoder } from '../../client/stream-frames.ts';
import type { ConnectHandler } from '../extensions.ts';
import type { Upgrade } from '../request.ts';
import type { NodeLinks } from '../tunnel/node-links.ts';
import { checkCreateToo, requireUpgrade, type StreamingParts } from './exec.ts';
import { askKubelet } from './kubelet-request.ts';
import { findPod, hostOf } from './pod-target.ts';
import { type ForwardedPort, forwardChannels, portForwardProtocols, portsOf } from './port-forward-channels.ts';
import { acceptSpdy, isSpdy, negotiateProtocol } from './spdy-peer.ts';
import { acceptWebSocket } from './websocket-peer.ts';

const protocol = 'portforward.k8s.io';
const tunnelProtocol = `SPDY/3.1+${protocol}`;
const dataChannel = 0;
const errorChannel = 1;

export function podPortForward({ view, links, authorizer }: StreamingParts): ConnectHandler {
  return async (request, info, user) => {
    const pod = await findPod(view, info);
    const nodeName = hostOf(pod);
    const upgrade = requireUpgrade(request);
    await checkCreateToo(authorizer, user, info);
    const target = { links, nodeName, path: `/portForward/${info.namespace}/${info.name}` };
    // Channels are fixed from the beginning; SPDY streams name their ports as they come.
    const ports = isTunnelled(upgrade) ? [] : portsOf(request.query);
    return {
      status: 101,
      headers: {},
      body: { hijack: () => void accept(upgrade, target, ports).catch(() => upgrade.socket.destroy()) },
    };
  };
}

function isTunnelled(upgrade: Upgrade): boolean {
  return isSpdy(upgrade) || (upgrade.incoming.headers['sec-websocket-protocol'] ?? '').includes(tunnelProtocol);
}

async function accept(upgrade: Upgrade, target: Target, ports: readonly string[]): Promise<void> {
  const pairs = new StreamPairs(target);
  const onStream = (stream: SpdyStream) => pairs.add(stream);
  if (isSpdy(upgrade)) {
    acceptSpdy(upgrade, negotiateProtocol(upgrade, [protocol]), onStream);
    return;
  }
  const accepted = await acceptWebSocket(upgrade, [tunnelProtocol, ...portForwardProtocols]);
  if (accepted.protocol === tunnelProtocol) {
    new SpdySession(accepted.stream, { role: 'server', onStream });
    return;
  }
  if (accepted.protocol === '') {
    accepted.webSocket.close(
      1002,
      `one of the subprotocols ${[tunnelProtocol, ...portForwardProtocols].join(', ')} is required`,
    );
    return;
  }
  await forwardChannels(accepted, ports, (one) => forward(target, one));
}

interface Target {
  readonly links: NodeLinks;
  readonly nodeName: string;
  readonly path: string;
}

/** Brings the two streams of each connection together: the client gives both the same requestid. */
class StreamPairs {
  readonly #target: Target;
  readonly #waiting = new Map<string, SpdyStream>();

  constructor(target: Target) {
    this.#target = target;
  }

  add(stream: SpdyStream): void {
    const { streamtype: type, port = '', requestid } = stream.headers;
    const isKnown = type === 'data' || type === 'error';
    if (!isKnown || !/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) {
      stream.refuse();
      return;
    }
    stream.accept();
    // Before request ids a client opened the error stream first and the data stream right after it.
    const id = requestid ?? String(type === 'error' ? stream.id : stream.id - 2);
    const other = this.#waiting.get(id);
    if (!other) {
      this.#waiting.set(id, stream);
      stream.once('close', () => this.#waiting.delete(id));
      return;
    }
    this.#waiting.delete(id);
    const [data, error] = type === 'data' ? [stream, other] : [other, stream];
    void forward(this.#target, { port, data, error });
  }
}

async function forward({ links, nodeName, path }: Target, { port, data, error }: ForwardedPort): Promise<void> {
  error.resume();
  let isGivenUp = false;
  const early = new AbortController();
  const giveUp = () => early.abort();
  data.once('close', giveUp);
  try {
    const { signal } = early;
    const { stream } = await askKubelet(links, { nodeName, method: 'POST', path: `${path}?port=${port}`, signal });
    data.off('close', giveUp);
    stream.on('error', () => {});
    data.once('close', () => {
      // A connection that the client has given up is none for the kubelet either.
      if (data.readableEnded) return;
      isGivenUp = true;
      stream.destroy();
    });
    // The connection is over with the kubelet's end of it: a client with channels has no way to end its own.
    void toKubelet(data, stream).catch(() => stream.destroy());
    await fromKubelet(stream, { data, error });
  } catch (failure) {
    // client-go resets the stream of each connection that is through, and ends all of them when it is told of an error.
    if (isGivenUp || early.signal.aborted) return;
    const why = failure instanceof StatusError ? failure.message : String(failure);
    if (error.writable) error.write(`error forwarding port ${port} to pod: ${why}`);
  } finally {
    if (error.writable) error.end();
    if (data.writable) data.end();
  }
}

async function toKubelet(data: Duplex, kubelet: Duplex): Promise<void> {
  for await (const chunk of data.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    await write(kubelet, encodeFrame({ channel: dataChannel, data: chunk }));
  }
  await write(kubelet, encodeClose(dataChannel));
  if (kubelet.writable) kubelet.end();
}

async function fromKubelet(kubelet: Duplex, { data, error }: Pick<ForwardedPort, 'data' | 'error'>): Promise<void> {
  const decoder = new FrameDecoder();
  for await (const chunk of kubelet.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    for (const frame of decoder.push(chunk)) {
      const target = frame.channel === errorChannel ? error : data;
      if (frame.channel > errorChannel) data.end();
      else await write(target, frame.data);
    }
  }
}
