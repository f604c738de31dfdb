// Auditing as flags ask for it: the policy read, the log opened, the webhook found, only where there is to be one.
import { errorMessage } from '../apimachinery/error-message.ts';
import { Auditor, type AuditSink } from '../apiserver/audit/auditor.ts';
import { Batches, type BatchOptions } from '../apiserver/audit/batches.ts';
import { LogFile } from '../apiserver/audit/log-file.ts';
import { type AuditPolicy, checkPolicy } from '../apiserver/audit/policy.ts';
import { WebhookBackend } from '../apiserver/audit/webhook-backend.ts';
import { readKubeconfig, transportOf } from '../client/kubeconfig.ts';
import type { Transport } from '../client/types.ts';
import { realClock } from '../system/real/clock.ts';
import { realExec } from '../system/real/exec.ts';
import { realFiles } from '../system/real/files.ts';
import { realRandom } from '../system/real/random.ts';
import { Failure } from './failure.ts';
import { readFlagFile } from './flag-file.ts';

/** kube-apiserver's `--audit-*` flags. At least one of `log` and `webhook` is there. */
export interface AuditConfig {
  readonly policyFile: string;
  readonly log?: AuditLogConfig;
  readonly webhook?: AuditWebhookConfig;
}

export interface AuditLogConfig {
  /** A file, or `-` for standard output. */
  readonly path: string;
  /** Megabytes; 0 is the default. */
  readonly maxSize: number;
  readonly maxBackup: number;
  /** Days. */
  readonly maxAge: number;
}

export type AuditMode = 'batch' | 'blocking' | 'blocking-strict';

export interface AuditWebhookConfig {
  /** A kubeconfig. */
  readonly configFile: string;
  readonly mode: AuditMode;
  /** Milliseconds. */
  readonly initialBackoff: number;
  /** Of mode `batch`. */
  readonly batch: BatchOptions;
}

export interface OpenAudit {
  readonly auditor: Auditor;
  /** Resolves when everything told is written. */
  close(): Promise<void>;
}

/** What could not be told: of which plugin, and how many events. */
export interface AuditLoss {
  readonly plugin: 'log' | 'webhook' | 'buffered';
  readonly events: number;
}

export interface AuditEvents {
  /** An event was handed to the backends. */
  readonly onEvent: () => void;
  readonly onError: (error: unknown, loss: AuditLoss) => void;
}

interface Backend {
  readonly sink: AuditSink;
  close(): Promise<void>;
}

/** Throws a Failure for a policy or a kubeconfig that cannot be used, or a file that cannot be written. */
export async function openAudit(config: AuditConfig, events: AuditEvents): Promise<OpenAudit> {
  const policy = await readPolicy(config.policyFile);
  const backends: Backend[] = [];
  if (config.webhook) backends.push(await openWebhook(config.webhook, events));
  if (config.log) backends.push(openLog(config.log, events));
  const sink: AuditSink = (line) => {
    events.onEvent();
    const waiting = backends.map((one) => one.sink(line)).filter((one) => one !== undefined);
    return waiting.length === 0 ? undefined : Promise.all(waiting).then((taken) => taken.every(Boolean));
  };
  return {
    auditor: new Auditor({ policy, clock: realClock, sink }),
    async close() {
      await Promise.all(backends.map((one) => one.close()));
    },
  };
}

/** Of a backend that no request waits for. */
function untold(take: (line: string) => unknown): AuditSink {
  return (line) => {
    take(line);
    return undefined;
  };
}

function openLog(config: AuditLogConfig, { onError }: AuditEvents): Backend {
  if (config.path === '-') {
    return { sink: untold((line) => process.stdout.write(`${line}\n`)), close: async () => {} };
  }
  const told = (error: unknown, events: number) => onError(error, { plugin: 'log', events });
  const file = new LogFile({ ...config, clock: realClock, onError: told });
  try {
    file.open();
  } catch (error) {
    throw new Failure(`--audit-log-path ${config.path}: ${errorMessage(error)}`, { cause: error });
  }
  return { sink: file.write, close: () => file.close() };
}

/** Milliseconds that a server that ends waits for what is on its way. */
const closingMs = 2000;

async function openWebhook(config: AuditWebhookConfig, { onError }: AuditEvents): Promise<Backend> {
  const { configFile, mode, initialBackoff, batch } = config;
  const webhook = new WebhookBackend({
    ...(await webhookTransport(configFile)),
    initialBackoff,
    clock: realClock,
    random: realRandom,
    onError: (error, events) => onError(error, { plugin: 'webhook', events }),
  });
  if (mode !== 'batch') {
    const isStrict = mode === 'blocking-strict';
    return {
      sink: (line) => webhook.send([line]).then((isTaken) => isTaken || !isStrict),
      close: async () => webhook.close(),
    };
  }
  const onDropped = () => onError(new Error('audit buffer queue blocked'), { plugin: 'buffered', events: 1 });
  const batches = new Batches({ ...batch, clock: realClock, send: (lines) => webhook.send(lines), onDropped });
  return {
    sink: untold((line) => batches.add(line)),
    async close() {
      webhook.close();
      await Promise.race([batches.close(), realClock.sleep(closingMs)]);
    },
  };
}

async function webhookTransport(
  configFile: string,
): Promise<{ readonly transport: Transport; readonly server: string }> {
  try {
    const access = await readKubeconfig(configFile, { files: realFiles });
    const tools = { clock: realClock, files: realFiles, exec: realExec, userAgent: 'portico' };
    return { transport: transportOf(access, tools), server: access.server };
  } catch (error) {
    const why = `initializing audit webhook: ${errorMessage(error)}`;
    throw new Failure(`--audit-webhook-config-file ${configFile}: ${why}`, { cause: error, exitCode: 2 });
  }
}

async function readPolicy(path: string): Promise<AuditPolicy> {
  const text = await readFlagFile('--audit-policy-file', path);
  const { parse } = await import('yaml');
  try {
    return checkPolicy(parse(text));
  } catch (error) {
    throw new Failure(`--audit-policy-file ${path}: ${errorMessage(error)}`, { cause: error, exitCode: 2 });
  }
}
