// Who an agent is to the API server: a client certificate that it asks for with a token once, keeps in its folder, and
// renews with itself before it ends (docs/design.md, Identities).
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import type { CertificateSigningRequest } from '../../api/certificates/v1/types.generated.ts';
import { internalIPs, isNodeReady } from '../../api/core/v1/node/facts.ts';
import type { Node } from '../../api/core/v1/types.generated.ts';
import { kubeletClientSigner } from '../../api/validation/signers.ts';
import { errorMessage } from '../../apimachinery/error-message.ts';
import { isNotFound, isUnauthorized } from '../../apimachinery/status.ts';
import { table } from '../../apimachinery/table.ts';
import { HttpTransport } from '../../client/http-transport.ts';
import { certificateSigningRequests, nodes } from '../../client/resources.ts';
import { createClient } from '../../client/rest-client.ts';
import type { Client } from '../../client/types.ts';
import type { Clock } from '../../system/clock.ts';
import type { Files } from '../../system/files.ts';
import { Failure } from '../failure.ts';
import { certificateRequest } from './certificate-request.ts';

export interface Identity {
  /** PEM of the cluster's CA. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface IdentityOptions {
  readonly server: string;
  readonly nodeName: string;
  /** This machine's. */
  readonly nodeIPs: readonly string[];
  /** Holds `ca.crt`, and `client.pem`: the certificate and its key. */
  readonly folder: string;
  /** `<sha256 of the CA>::<id>.<secret>`; asked only when there is no usable certificate. */
  readonly token: () => Promise<string>;
  /** What the CA must hash to, where it is known; a certificate of another cluster is of no use. */
  readonly caHash?: string | undefined;
  /** Milliseconds for which a server that does not answer is tried. */
  readonly joinTimeout: number;
  readonly clock: Clock;
  readonly files: Files;
  readonly log: (message: string) => void;
}

/** `<sha256 of the CA certificate>::<bootstrap token>`; `caHash` in lower-case hex. Throws a Failure for any other text. */
export function parseJoinToken(token: string): { readonly caHash: string; readonly bearer: string } {
  const match = /^([0-9a-f]{64})::([a-z0-9]{6}\.[a-z0-9]{16})$/.exec(token.trim());
  if (!match?.[1] || !match[2]) {
    throw new Failure(
      'the token is not of the form <sha256 of the CA certificate>::<id>.<secret>; make one with: portico token create',
    );
  }
  return { caHash: match[1], bearer: match[2] };
}

/** For so long a token that the server does not know may be one that it has not heard of yet. */
const strangeTokenTimeout = 3000;

/** The identity on disk, or a new one got with the token. Fails with one line when the server refuses or is not there. */
export async function obtainIdentity(options: IdentityOptions, signal: AbortSignal): Promise<Identity> {
  const stored = await readIdentity(options);
  if (stored) return stored;
  const token = parseJoinToken(await options.token());
  const { server, clock, joinTimeout, log } = options;
  const begin = clock.monotonic();
  let said = '';
  for (let delay = 25; ; delay = Math.min(delay * 1.5, 2000)) {
    try {
      return await joinCluster(options, token, signal);
    } catch (error) {
      if (signal.aborted || error instanceof Failure) throw error;
      const past = clock.monotonic() - begin;
      if (isUnauthorized(error) && past > Math.min(strangeTokenTimeout, joinTimeout)) throw strangeToken(server, error);
      const why = whyUnreachable(error);
      if (past > joinTimeout) throw new Failure(`cannot join ${server}: ${why}`, { cause: error });
      if (why !== said) log(`joining ${server}: ${why}`);
      said = why;
      await clock.sleep(delay, signal);
    }
  }
}

async function joinCluster(
  options: IdentityOptions,
  { caHash, bearer }: { readonly caHash: string; readonly bearer: string },
  signal: AbortSignal,
): Promise<Identity> {
  const { server, clock } = options;
  const ca = await fetchCA(server, caHash, signal);
  await storeCA(options, ca);
  const transport = new HttpTransport({ server, clock, ca, token: () => bearer, userAgent: 'portico-agent' });
  try {
    const identity = { ca, ...(await requestCertificate(createClient(transport), options, signal)) };
    await refuseTakenName(options, identity);
    return await storeIdentity(options, identity);
  } finally {
    transport.close();
  }
}

/** Two machines of one name would run the same pods: machines made from one image may well have the same. */
async function refuseTakenName(
  { server, clock, nodeName, nodeIPs }: IdentityOptions,
  identity: Identity,
): Promise<void> {
  const transport = new HttpTransport({ server, clock, ...identity, userAgent: 'portico-agent' });
  try {
    const node = await createClient(transport).resource<Node>(nodes).get(nodeName);
    const holder = addressOfOther(node, nodeIPs);
    if (holder === undefined) return;
    throw new Failure(
      `there is a node ${nodeName} already, at ${holder}, which is Ready: give this one another --node-name, or end that one`,
    );
  } catch (error) {
    if (!isNotFound(error)) throw error;
  } finally {
    transport.close();
  }
}

/**
 * Where a Node is that lives on another machine than the one with these addresses; undefined for this machine's, and for one that
 * is not Ready.
 */
export function addressOfOther(node: Readonly<Node>, nodeIPs: readonly string[]): string | undefined {
  const addresses = internalIPs(node);
  return isNodeReady(node) && !addresses.some((address) => nodeIPs.includes(address)) ? addresses[0] : undefined;
}

function strangeToken(server: string, cause: unknown): Failure {
  return new Failure(`${server} does not know the token, or it has expired; make another with: portico token create`, {
    cause,
  });
}

const reasons = table<string>({
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was cut',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no way to it',
  ENOTFOUND: 'there is no such name',
  EPROTO: 'what answers there does not speak TLS',
  ETIMEDOUT: 'nothing answers',
});

function whyUnreachable(error: unknown): string {
  const { code = '', message = String(error) } = error as NodeJS.ErrnoException;
  return reasons[code] ?? message;
}

/** Renews an identity with itself. */
export async function renewIdentity(
  client: Client,
  ca: string,
  options: IdentityOptions,
  signal: AbortSignal,
): Promise<Identity> {
  return storeIdentity(options, { ca, ...(await requestCertificate(client, options, signal)) });
}

/** When to renew: when four fifths of the certificate's life are over, in milliseconds since the epoch. */
export function renewalTime({ cert }: Identity): number {
  const { validFromDate, validToDate } = new X509Certificate(cert);
  return validFromDate.getTime() + (validToDate.getTime() - validFromDate.getTime()) * 0.8;
}

/** When the certificate ends, in milliseconds since the epoch. */
export function endOf({ cert }: Identity): number {
  return new X509Certificate(cert).validToDate.getTime();
}

/** One file, as kubelet's: nothing can come between a certificate and its key. */
const pairFile = 'client.pem';
/** What held them before. */
const olderFiles = ['client.crt', 'client.key'];
const pemBlocks = {
  certificate: /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g,
  key: /-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*-----END [A-Z ]*PRIVATE KEY-----/,
};

function readAll({ folder, files }: IdentityOptions, names: readonly string[]): Promise<(string | undefined)[]> {
  return Promise.all(names.map((name) => files.read(join(folder, name))));
}

async function readIdentity(options: IdentityOptions): Promise<Identity | undefined> {
  const { folder, log } = options;
  const [ca, ...pair] = await readAll(options, ['ca.crt', pairFile]);
  const pem = (pair[0] === undefined ? await readAll(options, olderFiles) : pair).join('');
  if (!ca || pem === '') return undefined;
  const cert = pem.match(pemBlocks.certificate)?.join('\n') ?? '';
  const key = pem.match(pemBlocks.key)?.[0] ?? '';
  const identity = { ca, cert, key };
  const why = whyUnusable(identity, options);
  if (why === undefined) {
    // It may be this clock that is behind, or it was made while the server's was ahead: only the server knows.
    const begin = new X509Certificate(cert).validFromDate;
    const now = new Date(options.clock.now());
    if (begin > now)
      log(
        `the certificate in ${folder} begins at ${begin.toISOString()}, and this machine's clock says ${now.toISOString()}: where that is right, remove client.pem there and give a token`,
      );
    return identity;
  }
  log(`the certificate in ${folder} is not used: ${why}`);
  return undefined;
}

function whyUnusable({ ca, cert, key }: Identity, { clock, nodeName, caHash }: IdentityOptions): string | undefined {
  try {
    const certificate = new X509Certificate(cert);
    const fits =
      certificate.checkPrivateKey(createPrivateKey(key)) && certificate.verify(new X509Certificate(ca).publicKey);
    if (!fits) return 'it does not fit the key or the authority beside it';
    const name = /^CN=(.*)$/m.exec(certificate.subject)?.[1];
    if (name !== `system:node:${nodeName}`) return `it is of ${name}, and this node is ${nodeName}`;
    if (caHash !== undefined && hashOf(ca) !== caHash) return 'the token is of another cluster';
    if (certificate.validToDate.getTime() > clock.now()) return undefined;
    return `it ended at ${certificate.validToDate.toISOString()}`;
  } catch (error) {
    return errorMessage(error); // half-written or foreign files
  }
}

/** Comes before the request for a certificate: one that cannot be kept would be asked for again and again. */
async function storeCA({ folder, files }: IdentityOptions, ca: string): Promise<void> {
  try {
    await files.write(join(folder, 'ca.crt'), ca);
  } catch (cause) {
    throw new Failure(`cannot use the folder ${folder} of --root-dir: ${errorMessage(cause)}`, { cause });
  }
}

async function storeIdentity({ folder, files }: IdentityOptions, identity: Identity): Promise<Identity> {
  await files.write(join(folder, pairFile), `${identity.cert.trimEnd()}\n${identity.key}`, { mode: 0o600 });
  for (const name of olderFiles) await files.remove(join(folder, name));
  return identity;
}

/** sha256 of a certificate (PEM) as DER, in hex. */
function hashOf(pem: string): string {
  return createHash('sha256').update(new X509Certificate(pem).raw).digest('hex');
}

/** A server in trouble may be well again soon; one that answers something else is another. */
function strangeServer(server: string, what: string, cause?: unknown): Error {
  if (/answered 5\d\d$/.test(what)) return new Error(what);
  return new Failure(`${server} is no API server of Portico: ${what}`, { cause });
}

/** The CA's certificate, fetched from a server that is not trusted yet and believed because its hash is the token's. */
async function fetchCA(server: string, hash: string, signal: AbortSignal): Promise<string> {
  const pem = await new Promise<string>((resolve, reject) => {
    const request = httpsRequest(new URL('/cacerts', server), {
      rejectUnauthorized: false,
      agent: false,
      signal,
      timeout: 10_000,
    });
    request.once('response', async (response) => {
      try {
        let text = '';
        for await (const chunk of response.setEncoding('utf8')) text += chunk;
        if (response.statusCode === 200) resolve(text);
        else reject(strangeServer(server, `GET /cacerts answered ${response.statusCode}`));
      } catch (error) {
        reject(error);
      }
    });
    request.once('timeout', () => request.destroy(new Error('nothing answers')));
    request.once('error', reject);
    request.end();
  });
  let found: string;
  try {
    found = hashOf(pem);
  } catch (error) {
    throw strangeServer(server, 'GET /cacerts answered no certificate', error);
  }
  if (found !== hash)
    throw new Failure(`${server} is not the server that the token was made for (its CA has another hash)`);
  return pem;
}

async function requestCertificate(
  client: Client,
  options: IdentityOptions,
  signal: AbortSignal,
): Promise<Pick<Identity, 'cert' | 'key'>> {
  const { nodeName, clock } = options;
  const { keyPem, requestPem } = certificateRequest({
    commonName: `system:node:${nodeName}`,
    organization: 'system:nodes',
  });
  const requests = client.resource<CertificateSigningRequest>(certificateSigningRequests);
  const created = await requests.create({
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: {
      name: `node-csr-${createHash('sha256').update(requestPem).digest('base64url').replaceAll(/[-_]/g, '').toLowerCase()}`,
    },
    spec: {
      request: Buffer.from(requestPem).toString('base64'),
      signerName: kubeletClientSigner,
      usages: ['digital signature', 'client auth'],
    },
  });
  const name = created.metadata.name;
  for (let delay = 10; ; delay = Math.min(delay * 1.3, 1000)) {
    const { status } = await requests.get(name);
    const refused = status?.conditions?.find((c) => c.type === 'Denied' || c.type === 'Failed');
    if (refused)
      throw new Failure(
        `the certificate for ${nodeName} was refused: ${refused.message ?? refused.reason ?? refused.type}`,
      );
    if (status?.certificate) return { cert: Buffer.from(status.certificate, 'base64').toString(), key: keyPem };
    await clock.sleep(delay, signal);
  }
}
