// A watch over WebSocket: each event is a message, text where it is JSON. Browsers read watches this way.
import type { WebSocket } from 'ws';
import type { ApiResponse, ByteSink, PushedBody, Upgrade } from '../request.ts';
import { acceptWebSocket } from './websocket-peer.ts';

/** Past this many bytes the watch waits before it sends more of the present objects. */
const fewBytes = 64 * 1024;
/** Before each event in protocol buffers stands its length, which a message has by itself. */
const lengthBytes = 4;

interface WatchMessages {
  readonly upgrade: Upgrade;
  readonly watch: PushedBody;
  readonly isText: boolean;
}

/**
 * As upstream's library has it: 403 where no page says that it asks, 400 where the server would have to choose among
 * subprotocols; one that is offered alone is agreed to, whatever it is.
 */
export function watchMessages({ upgrade, watch, isText }: WatchMessages): ApiResponse {
  const { origin = '', 'sec-websocket-protocol': offered = '' } = upgrade.incoming.headers;
  if (!isUri(String(origin))) return { status: 403, headers: {}, body: '' };
  const protocols = offered === '' ? [] : offered.split(',').map((one) => one.trim());
  if (protocols.length > 1) return { status: 400, headers: {}, body: '' };
  const serve = async () => {
    const { webSocket, stream } = await acceptWebSocket(upgrade, protocols);
    // What the client says is for nobody.
    stream.resume();
    await watch.pushTo(new MessageSink(webSocket, isText));
    webSocket.close(1000);
  };
  return { status: 101, headers: {}, body: { hijack: () => void serve().catch(() => upgrade.socket.destroy()) } };
}

/** With a scheme, or a path from the root. */
function isUri(text: string): boolean {
  return /^(?:[a-z][a-z\d+.-]*:|\/)/i.test(text);
}

class MessageSink implements ByteSink {
  readonly #webSocket: WebSocket;
  readonly #isText: boolean;
  #sent = Promise.resolve();

  constructor(webSocket: WebSocket, isText: boolean) {
    this.#webSocket = webSocket;
    this.#isText = isText;
  }

  write(chunk: string | Uint8Array): boolean {
    const message = this.#isText ? chunk : (chunk as Uint8Array).subarray(lengthBytes);
    this.#sent = new Promise((resolve) => {
      this.#webSocket.send(message, { binary: !this.#isText }, () => resolve());
    });
    return this.buffered < fewBytes;
  }

  drained(): Promise<void> {
    return this.#sent;
  }

  get buffered(): number {
    return this.#webSocket.bufferedAmount;
  }
}
