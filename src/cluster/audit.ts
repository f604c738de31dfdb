// The audit log as flags ask for it: the policy read, the file opened, only where there is to be one.
import { Auditor } from '../apiserver/audit/auditor.ts';
import { LogFile } from '../apiserver/audit/log-file.ts';
import { type AuditPolicy, checkPolicy } from '../apiserver/audit/policy.ts';
import { realClock } from '../system/real/clock.ts';
import { realFiles } from '../system/real/files.ts';
import { realRandom } from '../system/real/random.ts';
import { Failure } from './failure.ts';

/** kube-apiserver's `--audit-*` flags. */
export interface AuditConfig {
  readonly policyFile: string;
  /** A file, or `-` for standard output. */
  readonly logPath: string;
  /** Megabytes; 0 is the default. */
  readonly maxSize: number;
  readonly maxBackup: number;
  /** Days. */
  readonly maxAge: number;
}

export interface OpenAudit {
  readonly auditor: Auditor;
  /** Resolves when everything told is written. */
  close(): Promise<void>;
}

export interface AuditEvents {
  /** An event was handed to the log. */
  readonly onEvent: () => void;
  /** Events could not be written. */
  readonly onError: (error: unknown) => void;
}

/** Throws a Failure for a policy that cannot be used, or a file that cannot be written. */
export async function openAudit(config: AuditConfig, { onEvent, onError }: AuditEvents): Promise<OpenAudit> {
  const policy = await readPolicy(config.policyFile);
  const tools = { policy, clock: realClock, random: realRandom };
  if (config.logPath === '-') {
    const sink = (line: string) => {
      onEvent();
      process.stdout.write(`${line}\n`);
    };
    return { auditor: new Auditor({ ...tools, sink }), close: async () => {} };
  }
  const file = new LogFile({ ...config, path: config.logPath, clock: realClock, onError });
  try {
    file.open();
  } catch (error) {
    throw new Failure(`--audit-log-path ${config.logPath}: ${(error as Error).message}`, { cause: error });
  }
  const sink = (line: string) => {
    onEvent();
    file.write(line);
  };
  return { auditor: new Auditor({ ...tools, sink }), close: () => file.close() };
}

async function readPolicy(path: string): Promise<AuditPolicy> {
  const text = await realFiles.read(path);
  if (text === undefined) throw new Failure(`--audit-policy-file ${path}: there is no such file`, { exitCode: 2 });
  const { parse } = await import('yaml');
  try {
    return checkPolicy(parse(text));
  } catch (error) {
    throw new Failure(`--audit-policy-file ${path}: ${(error as Error).message}`, { cause: error, exitCode: 2 });
  }
}
