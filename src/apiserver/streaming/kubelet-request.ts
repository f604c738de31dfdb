// Sends a request to a pod's kubelet and makes what it refuses a Status.
import type { Duplex } from 'node:stream';
import { badRequest, internalError, StatusError } from '../../apimachinery/status.ts';
import type { NodeLinks } from '../tunnel/node-links.ts';
import { NodeUnreachableError, type TunnelRequest, type TunnelResponse } from '../tunnel/tunnel-registry.ts';

const maxRefusalBytes = 8 * 1024;

export interface KubeletRequest extends TunnelRequest {
  readonly nodeName: string;
}

/** What a kubelet answered that is not 2xx. */
export interface KubeletRefusal {
  readonly status: number;
  readonly refusal: string;
}

/** Resolves with an answer of 2xx; rejects with a StatusError for all else. */
export async function askKubelet(links: NodeLinks, request: KubeletRequest): Promise<TunnelResponse> {
  const answer = await answerOfKubelet(links, request);
  if ('refusal' in answer) throw refusalStatus(answer);
  return answer;
}

/** Resolves with whatever the kubelet answers; rejects with a StatusError when it cannot be asked. */
export async function answerOfKubelet(
  links: NodeLinks,
  { nodeName, ...request }: KubeletRequest,
): Promise<TunnelResponse | KubeletRefusal> {
  let response: TunnelResponse;
  try {
    response = await links.request(nodeName, request);
  } catch (error) {
    if (!(error instanceof NodeUnreachableError)) throw error;
    throw internalError(`error dialing backend: ${error.message}`);
  }
  if (response.status >= 200 && response.status < 300) return response;
  const refusal = await firstText(response.stream);
  response.stream.destroy();
  return { status: response.status, refusal };
}

async function firstText(stream: Duplex): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= maxRefusalBytes) break;
  }
  return Buffer.concat(chunks).toString('utf8', 0, maxRefusalBytes).trim();
}

function refusalStatus({ status, refusal }: KubeletRefusal): StatusError {
  if (status === 400) return badRequest(refusal);
  if (status === 404) return new StatusError({ code: 404, reason: 'NotFound', message: refusal, details: {} });
  return internalError(refusal);
}
