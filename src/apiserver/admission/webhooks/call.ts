// One POST to a webhook: over HTTPS, to a URL or to a Service of the cluster, and never longer than its timeout.

import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import type { ServiceReference, WebhookClientConfig } from '../../../api/admissionregistration/v1/types.generated.ts';
import type { Service } from '../../../api/core/v1/types.generated.ts';
import { serviceNameLabel } from '../../../api/discovery/v1/endpointslice/labels.ts';
import type { EndpointSlice } from '../../../api/discovery/v1/types.generated.ts';
import type { KubeObject } from '../../../apimachinery/object.ts';
import { dialTarget } from '../../aggregation/service-target.ts';
import { connectToService } from '../../aggregation/service-tls.ts';
import { goError, statusMessage } from '../../go-errors.ts';
import { readBody } from '../../request.ts';
import type { AdmissionView } from '../admission.ts';

/** The webhook could not be asked, or its answer could not be read; the message is kube-apiserver's. */
export class WebhookCallError extends Error {
  override readonly name = 'WebhookCallError';
}

export interface WebhookCall {
  readonly clientConfig: WebhookClientConfig;
  readonly timeoutSeconds: number;
  readonly body: unknown;
}

const largestAnswer = 64 * 1024 * 1024;

/** The body of the answer. Throws a WebhookCallError. */
export async function callWebhook(call: WebhookCall, view: AdmissionView): Promise<string> {
  const { clientConfig, timeoutSeconds } = call;
  const address = addressOf(clientConfig, timeoutSeconds);
  const url = new URL(address);
  try {
    const response = await post(url, call, view);
    const text = Buffer.from(await bodyOf(response)).toString('utf8');
    const status = response.statusCode ?? 0;
    const type = response.headers['content-type'] ?? '';
    if (status < 200 || status > 299) {
      const said = failureIn(text);
      if (said !== undefined) throw new WebhookCallError(said);
      // Only what says that it is text is shown.
      throw new WebhookCallError(statusMessage(status, type === '' || type.startsWith('text/') ? text : ''));
    }
    if (text !== '') return text;
    throw new WebhookCallError(`0-length response with status code: ${status} and content type: ${type}`);
  } catch (error) {
    if (error instanceof WebhookCallError) throw error;
    throw new WebhookCallError(`Post ${JSON.stringify(address)}: ${goError(error, url)}`, { cause: error });
  }
}

async function bodyOf(response: IncomingMessage): Promise<Uint8Array> {
  try {
    return await readBody(response, largestAnswer);
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ECONNRESET') throw error;
    const why = 'unexpected error when reading response body. Please retry. Original error: unexpected EOF';
    throw new WebhookCallError(why, { cause: error });
  }
}

/** The message of a Status that tells of a failure. */
function failureIn(text: string): string | undefined {
  try {
    const { kind, status, message = '' } = (JSON.parse(text) ?? {}) as Record<string, unknown>;
    return kind === 'Status' && status === 'Failure' ? String(message) : undefined;
  } catch {
    return undefined;
  }
}

/** With the port, also where it is the usual one: so it stands in messages. */
function addressOf({ url, service }: WebhookClientConfig, timeoutSeconds: number): string {
  const timeout = `timeout=${timeoutSeconds}s`;
  if (url !== undefined) return `${url}?${timeout}`;
  const { name = '', namespace = '', port = 443, path = '' } = service ?? {};
  const slash = path === '' || path.startsWith('/') ? '' : '/';
  return `https://${name}.${namespace}.svc:${port}${slash}${path}?${timeout}`;
}

async function post(url: URL, { clientConfig, timeoutSeconds, body }: WebhookCall, view: AdmissionView) {
  const signal = AbortSignal.timeout(timeoutSeconds * 1000);
  const { caBundle, service } = clientConfig;
  const text = JSON.stringify(body);
  const socket = service && (await connectToService({ service, caBundle, dial: dialOf(service, view), signal }));
  return new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = httpsRequest(url, {
      method: 'POST',
      signal,
      ...(socket
        ? { createConnection: () => socket }
        : { agent: false, ...(caBundle && { ca: Buffer.from(caBundle, 'base64') }) }),
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, */*',
        'user-agent': 'kube-apiserver-admission',
        'content-length': Buffer.byteLength(text),
      },
    });
    outgoing.once('response', resolve);
    outgoing.once('error', reject);
    outgoing.end(text);
  });
}

/** Dials an endpoint of the Service. */
function dialOf(service: ServiceReference, view: AdmissionView): () => Promise<Duplex> {
  const { name, namespace } = service;
  const found = view.find<Service & KubeObject>('services', { namespace, name });
  if (!found) throw new Error(`service ${JSON.stringify(name)} not found`);
  const port = service.port ?? 443;
  if (found.spec?.type !== 'ExternalName' && !found.spec?.ports?.some((one) => one.port === port)) {
    throw new Error(`no service port ${port} found for service ${JSON.stringify(name)}`);
  }
  const slices = view
    .all<EndpointSlice & KubeObject>('endpointslices', 'discovery.k8s.io', namespace)
    .filter(({ metadata }) => metadata.labels?.[serviceNameLabel] === name);
  const target = dialTarget({ port }, found, { slices, random: view.random });
  if (!target) throw new Error(`no endpoints available for service ${JSON.stringify(name)}`);
  return () => view.dial(target);
}
