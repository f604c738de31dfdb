/** A CertificateSigningRequest that was approved. */
export interface SignRequest {
  /** PEM of the PKCS #10 request. */
  readonly requestPem: string;
  readonly signerName: string;
  readonly usages: readonly string[];
  readonly expirationSeconds?: number;
}

/** The certificate, or why there is none: the message of the request's Failed condition. */
export type SignResult =
  | { readonly ok: true; readonly certificatePem: string }
  | { readonly ok: false; readonly message: string };

/** What the cluster is like, as far as controllers must know. kube-controller-manager's flags in words. */
export interface ControllersConfig {
  /** `--cluster-cidr`, one per family at most. */
  readonly clusterCIDRs: readonly string[];
  /** The address (and for dual stack the second) of Service kube-system/kube-dns. Empty: no cluster DNS Service is kept. */
  readonly clusterDNS: readonly string[];
  /** PEM that pods trust (ConfigMap kube-root-ca.crt). */
  readonly rootCA: string;
  /** Absent: approved requests are left unsigned. */
  readonly sign?: (request: SignRequest) => Promise<SignResult>;
  /** Makes the token that belongs into a Secret of type kubernetes.io/service-account-token. Absent: none are filled. */
  readonly signLegacyToken?: (subject: {
    readonly namespace: string;
    readonly secretName: string;
    readonly serviceAccountName: string;
    readonly serviceAccountUID: string;
  }) => string;
  /** Reads a PEM request; rejects when it is malformed. Absent: nothing is approved. */
  readonly parseRequest?: (requestPem: string) => Promise<CertificateRequestFacts>;
  /** Milliseconds without a renewed Lease until a node is Unknown. Default 50,000. */
  readonly nodeMonitorGracePeriod?: number;
  readonly nodeEviction?: NodeEvictionConfig;
}

/** How fast pods leave nodes that fall silent (flags of kube-controller-manager). */
export interface NodeEvictionConfig {
  /** `--node-eviction-rate`: nodes a second, in each zone. Default 0.1. */
  readonly rate?: number;
  /** `--secondary-node-eviction-rate`: the same in a large zone that is not healthy; a smaller one rests. Default 0.01. */
  readonly secondaryRate?: number;
  /** `--unhealthy-zone-threshold`: the part of a zone that must not be ready. Default 0.55. */
  readonly unhealthyZoneThreshold?: number;
  /** `--large-cluster-size-threshold`: a zone of more nodes is large. Default 50. */
  readonly largeClusterSizeThreshold?: number;
}

/** What an approver must know of a PKCS #10 request. */
export interface CertificateRequestFacts {
  readonly subject: { readonly commonName: string; readonly organizations: readonly string[] };
  /** Names and addresses asked for beside the subject; a client certificate has none. */
  readonly sans: readonly string[];
}
