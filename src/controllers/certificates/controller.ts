// Approves and signs the certificates of kubelets (upstream certificatesigningrequest-approving and -signing).
import type {
  CertificateSigningRequest,
  CertificateSigningRequestCondition,
} from '../../api/certificates/v1/types.generated.ts';
import { jsonCopy } from '../../apimachinery/json/value.ts';
import { formatTime } from '../../apimachinery/time.ts';
import { certificateSigningRequests } from '../../client/resources.ts';
import { type Controller, type ControllerContext, KeyedController } from '../controller.ts';
import { approves, awaitsApproval, awaitsSigning, requestPemOf } from './reconcile.ts';

const signers = ['kubernetes.io/kube-apiserver-client-kubelet', 'kubernetes.io/kube-apiserver-client'];

export function csrApprovingController(context: ControllerContext): Controller {
  const { client, clock, config } = context;
  const requests = client.resource<CertificateSigningRequest>(certificateSigningRequests);
  return eachRequest('certificatesigningrequest-approving-controller', context, async (request) => {
    const { parseRequest } = config;
    if (!parseRequest || !awaitsApproval(request)) return;
    const facts = await parseRequest(requestPemOf(request)).catch(() => undefined);
    const message = facts && approves(request, facts);
    if (message === undefined) return;
    const approved = withCondition(request, { type: 'Approved', reason: 'AutoApproved', message }, clock.now());
    await requests.update(approved, { subresource: 'approval' });
  });
}

export function csrSigningController(context: ControllerContext): Controller {
  const { client, clock, config } = context;
  const requests = client.resource<CertificateSigningRequest>(certificateSigningRequests);
  return eachRequest('certificatesigningrequest-signing-controller', context, async (request) => {
    const { sign } = config;
    if (!sign || !awaitsSigning(request) || !signers.includes(request.spec.signerName)) return;
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
      return;
    }
    const signed = jsonCopy(request) as CertificateSigningRequest;
    signed.status = { ...signed.status, certificate: Buffer.from(result.certificatePem).toString('base64') };
    await requests.update(signed, { subresource: 'status' });
  });
}

function eachRequest(
  name: string,
  context: ControllerContext,
  act: (request: Readonly<CertificateSigningRequest>) => Promise<void>,
): Controller {
  const informer = context.informers.informer<CertificateSigningRequest>(certificateSigningRequests);
  const sync = async (key: string) => {
    const request = informer.lister.get(key);
    if (request) await act(request);
    return undefined;
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
