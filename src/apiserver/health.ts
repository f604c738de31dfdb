// /healthz, /livez, /readyz: whether the server lives, and whether it is ready, check by check, in kube-apiserver's words.
import { type ApiRequest, type ApiResponse, textResponse } from './request.ts';

export interface HealthCheck {
  /** Upstream's name where there is one: `etcd`, `poststarthook/rbac/bootstrap-roles`. */
  readonly name: string;
  /** Undefined when all is well; else what is wrong. */
  readonly check: () => Promise<string | undefined> | string | undefined;
  /** Asked by /readyz only: a server that is not ready yet should not be restarted. */
  readonly readyOnly?: boolean;
}

/** Told of every check that was asked. */
export type HealthObserver = (endpoint: string, name: string, isWell: boolean) => void;

const endpoints = ['healthz', 'livez', 'readyz'];

/** Undefined: the path is none of health's. */
export async function healthResponse(
  request: ApiRequest,
  checks: readonly HealthCheck[],
  observe: HealthObserver = () => {},
): Promise<ApiResponse | undefined> {
  const [endpoint = '', ...rest] = request.path.split('/').slice(1);
  if (!endpoints.includes(endpoint)) return undefined;
  const all = endpoint === 'readyz' ? checks : checks.filter((check) => !check.readyOnly);
  const ask = async ({ name, check }: HealthCheck) => {
    const wrong = await check();
    observe(endpoint, name, wrong === undefined);
    return { name, wrong };
  };
  if (rest.length > 0) {
    const one = all.find((check) => check.name === rest.join('/'));
    if (!one) return undefined;
    const { wrong } = await ask(one);
    return wrong === undefined
      ? { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: 'ok' }
      : textResponse(500, `internal server error: ${wrong}\n`);
  }
  const excluded = new Set(request.query.getAll('exclude'));
  const results = await Promise.all(all.map((one) => (excluded.has(one.name) ? one.name : ask(one))));
  const lines = results.map((result) => {
    if (typeof result === 'string') return `[+]${result} excluded: ok`;
    return result.wrong === undefined ? `[+]${result.name} ok` : `[-]${result.name} failed: reason withheld`;
  });
  const unknown = [...excluded].filter((name) => !all.some((check) => check.name === name)).sort();
  if (unknown.length > 0) {
    const names = unknown.map((name) => JSON.stringify(name)).join(',');
    lines.push(`warn: some health checks cannot be excluded: no matches for ${names}`);
  }
  const isWell = results.every((result) => typeof result === 'string' || result.wrong === undefined);
  if (isWell && !request.query.has('verbose')) return textResponse(200, 'ok');
  const verdict = isWell ? 'passed' : 'failed';
  return textResponse(isWell ? 200 : 500, `${lines.join('\n')}\n${endpoint} check ${verdict}\n`);
}
