// A key management service as upstream's API servers ask it (k8s.io/kms v2): gRPC over a unix socket.
import { GrpcClient, method } from '../../../grpc/client.ts';
import { bytes, bytesMap, message, string } from '../../../grpc/codec.ts';

export interface KmsStatus {
  readonly version: string;
  /** `ok` */
  readonly healthz: string;
  /** Of the key that the service would seal with now. */
  readonly keyId: string;
}

type Annotations = Readonly<Record<string, Uint8Array>>;

export interface Encrypted {
  readonly ciphertext: Uint8Array;
  readonly keyId: string;
  /** What the service wants to be told with the ciphertext. */
  readonly annotations: Annotations;
}

/** Each call rejects with a GrpcError. `uid` names it in the logs of both ends. */
export interface KmsService {
  status(): Promise<KmsStatus>;
  encrypt(plaintext: Uint8Array, uid: string): Promise<Encrypted>;
  decrypt(encrypted: Encrypted, uid: string): Promise<Uint8Array>;
  close(): void;
}

const nothing = message({});
const statusResponse = message({ version: string(1), healthz: string(2), keyId: string(3) });
const decryptRequest = message({ ciphertext: bytes(1), uid: string(2), keyId: string(3), annotations: bytesMap(4) });
const decryptResponse = message({ plaintext: bytes(1) });
const encryptRequest = message({ plaintext: bytes(1), uid: string(2) });
const encryptResponse = message({ ciphertext: bytes(1), keyId: string(2), annotations: bytesMap(3) });

const methods = {
  status: method('v2.KeyManagementService/Status', nothing, statusResponse),
  encrypt: method('v2.KeyManagementService/Encrypt', encryptRequest, encryptResponse),
  decrypt: method('v2.KeyManagementService/Decrypt', decryptRequest, decryptResponse),
};

/** `endpoint`: `unix:///path`, or `unix:///@name` for one without a file. `timeout` of each call, in milliseconds. */
export function kmsServiceAt(endpoint: string, timeout: number): KmsService {
  const path = decodeURI(endpoint.replace(/^unix:(\/\/[^/]*)?/i, ''));
  const client = new GrpcClient(path.startsWith('/@') ? `\0${path.slice(2)}` : path);
  return {
    status: () => client.unary(methods.status, {}, { timeout }),
    encrypt: (plaintext, uid) => client.unary(methods.encrypt, { plaintext, uid }, { timeout }),
    async decrypt(encrypted, uid) {
      return (await client.unary(methods.decrypt, { ...encrypted, uid }, { timeout })).plaintext;
    },
    close: () => client.close(),
  };
}
