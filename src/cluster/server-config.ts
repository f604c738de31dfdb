// What a control plane is started with, and what it is once it runs.
import type { PluginSelection } from '../apiserver/admission/plugins.ts';
import type { InFlightLimits } from '../apiserver/flowcontrol/in-flight.ts';
import type { Pki } from '../apiserver/pki/pki.ts';
import type { User } from '../apiserver/request.ts';
import type { NodeEvictionConfig } from '../controllers/config.ts';
import type { Clock } from '../system/clock.ts';
import type { AuditConfig } from './audit.ts';
import type { AuthenticationFlags } from './authentication.ts';
import type { AuthorizationFlags } from './authorization.ts';
import type { Addon } from './cluster-addons.ts';
import type { DatastoreConfig } from './datastore.ts';
import type { EncryptionConfig } from './encryption.ts';
import type { FrontProxyConfig } from './front-proxy.ts';
import type { InProcessTransport } from './in-process-transport.ts';
import type { ServingConfig } from './serving.ts';

export interface HostPort {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
}

export interface ServerConfig {
  /** Without one everything is forgotten at the end. */
  readonly dataDir?: string;
  /** In place of the embedded store; further servers may share it. */
  readonly datastore?: DatastoreConfig;
  /** Undefined: values are stored as they are. */
  readonly encryption?: EncryptionConfig;
  /** Controllers and scheduler run in one of the servers that share a store. */
  readonly leaderElect?: boolean;
  /** The first is the address in kubeconfigs. */
  readonly listen: readonly HostPort[];
  /** Further names and addresses of the server, for its certificate. */
  readonly advertise: readonly string[];
  /** One CIDR, or one per family; the first gives the default family. */
  readonly serviceClusterIPRanges: readonly string[];
  readonly serviceNodePortRange: { readonly from: number; readonly to: number };
  readonly clusterCIDRs: readonly string[];
  /** Of DNS names; default `cluster.local`. */
  readonly clusterDomain?: string;
  /** What the cluster is given when the first agent joins. Default: all that there is. */
  readonly addons?: readonly Addon[];
  readonly kubeconfigOut?: string;
  /** In that kubeconfig. Default: portico. */
  readonly clusterName?: string;
  /** kube-apiserver's CSV: token,user,uid,"group1,group2". */
  readonly tokenAuthFile?: string;
  /** Others whose tokens are believed. */
  readonly authentication?: AuthenticationFlags;
  /** Default: the node authorizer and RBAC. */
  readonly authorization?: AuthorizationFlags;
  /** Default: as the file of `authentication` says, or yes. */
  readonly anonymousAuth?: boolean;
  /** Proxies that are believed beside the cluster's own servers. */
  readonly frontProxy?: FrontProxyConfig;
  /** PEM file of who signs the certificates of kubelets that listen. Default: these are not looked at. */
  readonly kubeletCAFile?: string;
  /** Default: kube-apiserver's. */
  readonly limits?: InFlightLimits;
  /** Default: kube-apiserver's. */
  readonly serving?: ServingConfig;
  /** Without it there is no audit log. */
  readonly audit?: AuditConfig;
  /** As kube-controller-manager's flag: names, `*`, `-name`. */
  readonly controllers: readonly string[];
  /** Default true: the scheduler runs beside them. */
  readonly scheduler?: boolean;
  /** Nodes whose kubelet is played (src/kubelet/hollow). Default 0. */
  readonly hollowNodes?: number;
  /** Milliseconds for which events are kept; default: an hour. */
  readonly eventTtl?: number;
  /** Milliseconds for which certificates that it signs are valid; default: a year. */
  readonly clusterSigningDuration?: number;
  /** Milliseconds of silence after which a node is NotReady; default: 50 s. */
  readonly nodeMonitorGracePeriod?: number;
  readonly nodeEviction?: NodeEvictionConfig;
  /** Names of admission plugins that are on, or off, other than by default. */
  readonly admissionPlugins?: PluginSelection;
  /** Whether the page is served, with the history that it shows. Default true. */
  readonly keepsHistory?: boolean;
  /** The time that objects and loops live by; sockets and certificates keep the machine's. Default: the machine's. */
  readonly clock?: Clock;
  /** What was asked for on the command line, by name: shown by /flagz. */
  readonly flags?: Readonly<Record<string, string>>;
  /** Portico's own version. */
  readonly version: string;
  readonly onError: (error: unknown, what: string) => void;
}

export interface ControlPlane {
  /** Where it listens, in the order of the configuration. */
  readonly addresses: readonly HostPort[];
  readonly pki: Pki;
  /** The way in for parts of this process. */
  transport(user: User): InProcessTransport;
  /** Rejects with a Failure when it cannot go on; reads and writes are refused from then on. */
  readonly failed: Promise<never>;
  /** Ends listeners, controllers and storage; nothing acknowledged is lost. */
  close(): Promise<void>;
}
