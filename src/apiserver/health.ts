// /healthz, /livez, /readyz: whether the server lives, and whether it is ready, check by check.
import { type ApiRequest, type ApiResponse, textResponse } from './request.ts';

export interface HealthCheck {
  readonly name: string;
  /** Undefined when all is well; else what is wrong. */
  readonly check: () => Promise<string | undefined> | string | undefined;
  /** Not asked by /livez: a server that is not ready yet should not be restarted. */
  readonly readyOnly?: boolean;
}

const endpoints = ['healthz', 'livez', 'readyz'];

/** Undefined: the path is none of health's. */
export async function healthResponse(
  request: ApiRequest,
  checks: readonly HealthCheck[],
): Promise<ApiResponse | undefined> {
  const [endpoint = '', name, ...rest] = request.path.replace(/\/$/, '').split('/').slice(1);
  if (!endpoints.includes(endpoint) || rest.length > 0) return undefined;
  const all = endpoint === 'livez' ? checks.filter((check) => !check.readyOnly) : checks;
  if (name !== undefined) {
    const one = all.find((check) => check.name === name);
    if (!one) return undefined;
    const wrong = await one.check();
    return wrong === undefined ? textResponse(200, 'ok') : textResponse(500, `internal server error: ${wrong}\n`);
  }
  const excluded = new Set(request.query.getAll('exclude'));
  const results = await Promise.all(
    all.filter((check) => !excluded.has(check.name)).map(async ({ name, check }) => ({ name, wrong: await check() })),
  );
  const isWell = results.every(({ wrong }) => wrong === undefined);
  if (isWell && !request.query.has('verbose')) return textResponse(200, 'ok');
  const lines = results.map(({ name, wrong }) =>
    wrong === undefined ? `[+]${name} ok` : `[-]${name} failed: reason withheld`,
  );
  for (const one of excluded) lines.push(`[+]${one} excluded: ok`);
  const verdict = isWell ? 'passed' : 'failed';
  return textResponse(isWell ? 200 : 500, `${lines.join('\n')}\n${endpoint} check ${verdict}\n`);
}
