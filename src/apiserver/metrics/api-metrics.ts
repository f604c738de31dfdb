// All that /metrics tells.

import { printResource } from '../../apimachinery/object.ts';
import { CollectedFamily, Counter, type Family, Gauge, Histogram } from '../../metrics/metric.ts';
import { processFamilies } from '../../metrics/process-metrics.ts';
import type { Registry } from '../registry/registry.ts';
import type { VersionInfo } from '../version.ts';
import { RequestMetrics } from './request-metrics.ts';

export class ApiMetrics {
  readonly requests = new RequestMetrics();
  readonly inFlight = new Gauge({
    name: 'apiserver_current_inflight_requests',
    help: 'Maximal number of currently used inflight request limit of this apiserver per request kind in last second.',
    labels: ['request_kind'],
  });
  readonly waiting = new Gauge({
    name: 'apiserver_current_inqueue_requests',
    help: 'Maximal number of queued requests in this apiserver per request kind in last second.',
    labels: ['request_kind'],
  });
  readonly dropped = new Counter({
    name: 'apiserver_dropped_requests_total',
    help: "Number of requests dropped with 'Try again later' response",
    labels: ['request_kind'],
  });
  readonly authentications = new Counter({
    name: 'authentication_attempts',
    help: 'Counter of authenticated attempts.',
    labels: ['result'],
  });
  readonly authorizations = new Counter({
    name: 'apiserver_authorization_decisions_total',
    help: 'Total number of terminal decisions made by an authorizer split by authorizer type, name, and decision.',
    labels: ['type', 'name', 'decision'],
  });
  readonly admission = new Histogram({
    name: 'apiserver_admission_step_admission_duration_seconds',
    help: 'Admission sub-step latency histogram in seconds, broken out for each operation and API resource and step type (validate or admit).',
    labels: ['operation', 'rejected', 'type'],
    bounds: [0.005, 0.025, 0.1, 0.5, 1, 2.5],
  });
  readonly admissionPlugins = new Histogram({
    name: 'apiserver_admission_controller_admission_duration_seconds',
    help: 'Admission controller latency histogram in seconds, identified by name and broken out for each operation and API resource and type (validate or admit).',
    labels: ['name', 'operation', 'rejected', 'type'],
    bounds: [0.005, 0.025, 0.1, 0.5, 1, 2.5],
  });
  readonly webhooks = new Histogram({
    name: 'apiserver_admission_webhook_admission_duration_seconds',
    help: 'Admission webhook latency histogram in seconds, identified by name and broken out for each operation and API resource and type (validate or admit).',
    labels: ['name', 'operation', 'rejected', 'type'],
    bounds: [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 25],
  });
  readonly webhookRejections = new Counter({
    name: 'apiserver_admission_webhook_rejection_count',
    help: 'Admission webhook rejection count, identified by name and broken out for each admission type (validating or admit) and operation. Additional labels specify an error type (calling_webhook_error or apiserver_internal_error if an error occurred; no_error otherwise) and optionally a non-zero rejection code if the webhook rejects the request with an HTTP status code (honored by the apiserver when the code is greater or equal to 400). Codes greater than 600 are truncated to 600, to keep the metrics cardinality bounded.',
    labels: ['error_type', 'name', 'operation', 'rejection_code', 'type'],
  });
  readonly webhookFailOpen = new Counter({
    name: 'apiserver_admission_webhook_fail_open_count',
    help: 'Admission webhook fail open count, identified by name and broken out for each admission type (validating or admit).',
    labels: ['name', 'type'],
  });
  readonly auditEvents = new Counter({
    name: 'apiserver_audit_event_total',
    help: 'Counter of audit events generated and sent to the audit backend.',
  });
  readonly auditLevels = new Counter({
    name: 'apiserver_audit_level_total',
    help: 'Counter of policy levels for audit events (1 per request).',
    labels: ['level'],
  });
  readonly auditErrors = new Counter({
    name: 'apiserver_audit_error_total',
    help: 'Counter of audit events that failed to be audited properly. Plugin identifies the plugin affected by the error.',
    labels: ['plugin'],
  });
  readonly healthChecks = new Gauge({
    name: 'kubernetes_healthcheck',
    help: 'This metric records the result of a single healthcheck.',
    labels: ['name', 'type'],
  });
  readonly healthCheckResults = new Counter({
    name: 'kubernetes_healthchecks_total',
    help: 'This metric records the results of all healthcheck.',
    labels: ['name', 'status', 'type'],
  });
  readonly #more: Family[] = [];

  /** Families that others keep: of storage, of an aggregator. */
  add(families: readonly Family[]): void {
    this.#more.push(...families);
  }

  /** A check of /healthz, /livez or /readyz was asked. */
  checked(endpoint: string, name: string, isWell: boolean): void {
    this.healthChecks.with(name, endpoint).set(isWell ? 1 : 0);
    this.healthCheckResults.with(name, isWell ? 'success' : 'error', endpoint).add();
  }

  /** What /metrics/slis shows: service level indicators (KEP-3466), few enough to be asked for often. */
  printIndicators(): string {
    return this.healthChecks.print() + this.healthCheckResults.print();
  }

  print(registry: Registry, version: VersionInfo): string {
    const families = [
      ...this.requests.families,
      this.inFlight,
      this.waiting,
      this.dropped,
      this.authentications,
      this.authorizations,
      this.admission,
      this.admissionPlugins,
      this.webhooks,
      this.webhookRejections,
      this.webhookFailOpen,
      this.auditEvents,
      this.auditLevels,
      this.auditErrors,
      this.healthChecks,
      ...storedObjects(registry),
      buildInfo(version),
      ...processFamilies(),
      ...this.#more,
    ];
    return families.map((family) => family.print()).join('');
  }
}

function storedObjects(registry: Registry): Family[] {
  const counts = (): [group: string, resource: string, count: number][] =>
    registry.definitions.map((one) => [one.group, one.resource, registry.store(one).cache.size]);
  const old = { name: 'apiserver_storage_objects', type: 'gauge', labels: ['resource'] } as const;
  const current = { name: 'apiserver_resource_objects', type: 'gauge', labels: ['group', 'resource'] } as const;
  return [
    new CollectedFamily(
      {
        ...old,
        help: '[DEPRECATED, consider using apiserver_resource_objects instead] Number of stored objects at the time of last check split by kind. In case of a fetching error, the value will be -1.',
      },
      () =>
        new Map(counts().map(([group, resource, n]) => [printResource({ group, resource }), n]))
          .entries()
          .map(([name, n]) => [[name], n] as const),
    ),
    new CollectedFamily(
      {
        ...current,
        help: 'Number of stored objects at the time of last check split by kind. In case of a fetching error, the value will be -1.',
      },
      () =>
        new Map(counts().map((one) => [`${one[0]}/${one[1]}`, one]))
          .values()
          .map(([group, resource, n]) => [[group, resource], n] as const),
    ),
  ];
}

function buildInfo(version: VersionInfo): Family {
  const labels = [
    'major',
    'minor',
    'git_version',
    'git_commit',
    'git_tree_state',
    'build_date',
    'go_version',
    'compiler',
    'platform',
  ];
  const help =
    "A metric with a constant '1' value labeled by major, minor, git version, git commit, git tree state, build date, Go version, and compiler from which Kubernetes was built, and platform on which it is running.";
  const { major, minor, gitVersion, gitCommit, gitTreeState, buildDate, goVersion, compiler, platform } = version;
  const values = [major, minor, gitVersion, gitCommit, gitTreeState, buildDate, goVersion, compiler, platform];
  return new CollectedFamily({ name: 'kubernetes_build_info', help, labels, type: 'gauge' }, () => [[values, 1]]);
}
