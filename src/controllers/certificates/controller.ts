// Approves and signs the certificates of kubelets, and forgets requests that are over (upstream's controllers
// certificatesigningrequest-approving, -signing and -cleaner).
import { X509Certificate } from 'node:crypto';
import type {
  CertificateSigningRequest,
  CertificateSigningRequestCondition,
} from '../../api/certificates/v1/types.generated.ts';
import { apiserverClientSigner, kubeletClientSigner } from '../../api/validation/signers.ts';
import { jsonCopy } from '../../apimachinery/json/value.ts';
import { formatTime } from '../../apimachinery/time.ts';
import { certificateSigningRequests } from '../../client/resources.ts';
import { type Controller, type ControllerContext, KeyedController, type SyncResult } from '../controller.ts';
import { approves, awaitsApproval, awaitsSigning, requestPemOf, untilForgotten } from './reconcile.ts';

const signers = [kubeletClientSigner, apiserverClientSigner];

export function csrApprovingController(context: ControllerContext): Controller {
  const { client, clock, config } = context;
  const requests = client.resource<CertificateSigningRequest>(certificateSigningRequests);
  return eachRequest('certificatesigningrequest-approving-controller', context, async (request) => {
    const { parseRequest } = config;
    if (!parseRequest || !awaitsApproval(request)) return undefined;
    const facts = await parseRequest(requestPemOf(request)).catch(() => undefined);
    const message = facts && approves(request, facts);
    if (message === undefined) return undefined;
    const approved = withCondition(request, { type: 'Approved', reason: 'AutoApproved', message }, clock.now());
    await requests.update(approved, { subresource: 'approval' });
    return undefined;
  });
}

export function csrSigningController(context: ControllerContext): Controller {
  const { client, clock, config } = context;
  const requests = client.resource<CertificateSigningRequest>(certificateSigningRequests);
  return eachRequest('certificatesigningrequest-signing-controller', context, async (request) => {
    const { sign } = config;
    if (!sign || !awaitsSigning(request) || !signers.includes(request.spec.signerName)) return undefined;
    const { signerName, usages = [], expirationSeconds } = request.spec;
    const result = await sign({
      requestPem: requestPemOf(request),
      signerName,
      usages,
      ...(expirationSeconds !== undefined && { expirationSeconds }),
    });
    if (!result.ok) {
      const failed = { type: 'Failed', reason: 'SignerValidationFailure', message: result.message };
      await requests.update(withCondition(request, failed, clock.now()), { subresource: 'status' });
      return undefined;
    }
    const signed = jsonCopy(request) as CertificateSigningRequest;
    signed.status = { ...signed.status, certificate: Buffer.from(result.certificatePem).toString('base64') };
    await requests.update(signed, { subresource: 'status' });
    return undefined;
  });
}

export function csrCleanerController(context: ControllerContext): Controller {
  const { client, clock } = context;
  const requests = client.resource<CertificateSigningRequest>(certificateSigningRequests);
  return eachRequest('certificatesigningrequest-cleaner-controller', context, async (request) => {
    const left = untilForgotten(request, { now: clock.now(), expiry: expiryOf(request) });
    if (left === undefined) return undefined;
    if (left > 0) return { requeueAfter: left };
    const { name, uid } = request.metadata;
    await requests.delete(name, undefined, uid === undefined ? {} : { preconditions: { uid } });
    return undefined;
  });
}

/** When the certificate ends, in milliseconds since the epoch; undefined where there is none that can be read. */
function expiryOf({ status }: Readonly<CertificateSigningRequest>): number | undefined {
  try {
    const pem = Buffer.from(status?.certificate ?? '', 'base64');
    return pem.length === 0 ? undefined : new X509Certificate(pem).validToDate.getTime();
  } catch {
    return undefined;
  }
}

function eachRequest(
  name: string,
  context: ControllerContext,
  act: (request: Readonly<CertificateSigningRequest>) => Promise<SyncResult | undefined>,
): Controller {
  const informer = context.informers.informer<CertificateSigningRequest>(certificateSigningRequests);
  const sync = async (key: string) => {
    const request = informer.lister.get(key);
    return request && act(request);
  };
  const controller = new KeyedController({ name, context, waitFor: [informer], sync });
  const enqueue = (request: Readonly<CertificateSigningRequest>) => controller.queue.add(request.metadata.name);
  informer.addHandler({ added: enqueue, updated: enqueue });
  return controller;
}

function withCondition(
  request: Readonly<CertificateSigningRequest>,
  told: Pick<CertificateSigningRequestCondition, 'type' | 'reason' | 'message'>,
  now: number,
): CertificateSigningRequest {
  const copy = jsonCopy(request) as CertificateSigningRequest;
  const time = formatTime(now);
  const condition = { ...told, status: 'True', lastUpdateTime: time, lastTransitionTime: time };
  copy.status = { ...copy.status, conditions: [...(copy.status?.conditions ?? []), condition] };
  return copy;
}
