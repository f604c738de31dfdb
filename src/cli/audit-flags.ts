// The flags of auditing, named as kube-apiserver's.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { AuditConfig, AuditLogConfig, AuditMode, AuditWebhookConfig } from '../cluster/audit.ts';
import { parseDuration, usage, wholeNumber } from './flag-values.ts';

const auditModes: readonly AuditMode[] = ['batch', 'blocking', 'blocking-strict'];

export interface AuditOptions {
  readonly auditPolicyFile?: string;
  readonly auditLogPath?: string;
  readonly auditLogMaxsize: string;
  readonly auditLogMaxbackup: string;
  readonly auditLogMaxage: string;
  readonly auditWebhookConfigFile?: string;
  readonly auditWebhookMode: string;
  readonly auditWebhookInitialBackoff: string;
  readonly auditWebhookBatchBufferSize: string;
  readonly auditWebhookBatchMaxSize: string;
  readonly auditWebhookBatchMaxWait: string;
  readonly auditWebhookBatchThrottleEnable: string | true;
  readonly auditWebhookBatchThrottleQps: string;
  readonly auditWebhookBatchThrottleBurst: string;
}

export function auditOptions(command: Command): void {
  command
    .option('--audit-policy-file <file>', 'what is told of requests (audit.k8s.io/v1 Policy)')
    .option('--audit-log-path <file>', 'where the audit log is written; - is standard output')
    .option('--audit-log-maxsize <megabytes>', 'size at which the audit log is cut', '0')
    .option('--audit-log-maxbackup <count>', 'how many old parts of the audit log are kept; 0: all', '0')
    .option('--audit-log-maxage <days>', 'how long old parts of the audit log are kept; 0: for ever', '0')
    .option('--audit-webhook-config-file <file>', 'kubeconfig of a server that is sent the events')
    .option('--audit-webhook-mode <mode>', `whether requests wait for it: ${auditModes.join(', ')}`, 'batch')
    .option('--audit-webhook-initial-backoff <duration>', 'how long to wait before the second try', '10s')
    .option('--audit-webhook-batch-buffer-size <count>', 'events that wait while batches are held back', '10000')
    .option('--audit-webhook-batch-max-size <count>', 'events of a batch at the most', '400')
    .option('--audit-webhook-batch-max-wait <duration>', 'how long a batch waits for more', '30s')
    .option('--audit-webhook-batch-throttle-enable [bool]', 'whether batches are held back', 'true')
    .option('--audit-webhook-batch-throttle-qps <number>', 'batches in a second, on average', '10')
    .option('--audit-webhook-batch-throttle-burst <count>', 'batches at once after a quiet time', '15');
}

/** As kube-apiserver: backends without a policy tell nothing, and a policy without a backend goes nowhere. */
export function auditConfig(options: AuditOptions): { readonly audit?: AuditConfig } {
  const { auditPolicyFile: policyFile } = options;
  const log = logConfig(options);
  const webhook = webhookConfig(options);
  if (policyFile === undefined || !(log || webhook)) return {};
  return { audit: { policyFile: resolve(policyFile), ...(log && { log }), ...(webhook && { webhook }) } };
}

function logConfig(options: AuditOptions): AuditLogConfig | undefined {
  const { auditLogPath: path } = options;
  if (path === undefined) return undefined;
  return {
    path: path === '-' ? '-' : resolve(path),
    maxSize: wholeNumber('--audit-log-maxsize', options.auditLogMaxsize),
    maxBackup: wholeNumber('--audit-log-maxbackup', options.auditLogMaxbackup),
    maxAge: wholeNumber('--audit-log-maxage', options.auditLogMaxage),
  };
}

function webhookConfig(options: AuditOptions): AuditWebhookConfig | undefined {
  const { auditWebhookConfigFile: configFile, auditWebhookMode } = options;
  if (configFile === undefined) return undefined;
  const mode = auditModes.find((one) => one === auditWebhookMode);
  if (!mode) {
    throw usage(
      `invalid audit webhook mode ${auditWebhookMode}, allowed modes are ${JSON.stringify(auditModes.join())}`,
    );
  }
  return {
    configFile: resolve(configFile),
    mode,
    initialBackoff: parseDuration('--audit-webhook-initial-backoff', options.auditWebhookInitialBackoff),
    batch: {
      bufferSize: positive('buffer size', options.auditWebhookBatchBufferSize),
      maxSize: positive('max batch size', options.auditWebhookBatchMaxSize),
      maxWait: parseDuration('--audit-webhook-batch-max-wait', options.auditWebhookBatchMaxWait),
      ...(String(options.auditWebhookBatchThrottleEnable) !== 'false' && {
        throttle: {
          qps: positive('throttle QPS', options.auditWebhookBatchThrottleQps),
          burst: positive('throttle burst', options.auditWebhookBatchThrottleBurst),
        },
      }),
    },
  };
}

function positive(what: string, text: string): number {
  const number = Number(text);
  const isUsable = number > 0 && Number.isFinite(number) && (what === 'throttle QPS' || Number.isInteger(number));
  if (isUsable) return number;
  throw usage(`invalid audit batch webhook ${what} ${text}, must be a positive number`);
}
