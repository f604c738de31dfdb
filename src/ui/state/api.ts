// Talks to the server that the page came from. The token of the session is kept for this origin and this tab.
import type { HistoryAnswer, PlanAnswer } from '../../explain/answers.ts';
import type { Asked } from '../../explain/live/connections.ts';
import type { Picture, PictureChange } from '../../explain/picture/picture.ts';
import type { Story } from '../../explain/story/story.ts';
import type { Trace } from '../../explain/trace/trace.ts';

const tokenKey = 'portico-session';

/** What the server refused, in its words. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Exchanges the code of a fresh link, if there is one in the address. Rejects when there is no session to be had. */
export async function openSession(): Promise<void> {
  const code = location.hash.slice(1);
  if (code !== '') {
    history.replaceState(null, '', location.pathname);
    const response = await fetch('/api/session', { method: 'POST', body: JSON.stringify({ code }) });
    const answer = (await response.json()) as { token?: string; message?: string };
    if (answer.token !== undefined) sessionStorage.setItem(tokenKey, answer.token);
    else if (sessionStorage.getItem(tokenKey) === null) throw new ApiError(response.status, answer.message ?? '');
  }
  if (sessionStorage.getItem(tokenKey) === null) throw new ApiError(401, 'ask for a link with `portico ui`');
}

async function send(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { authorization: `Bearer ${sessionStorage.getItem(tokenKey) ?? ''}` };
  const response = await fetch(`/api/${path}`, { ...init, headers });
  if (response.ok) return response;
  const { message } = (await response.json().catch(() => ({}))) as { message?: string };
  throw new ApiError(response.status, message ?? response.statusText);
}

async function get<T>(path: string, query: Readonly<Record<string, string | number | undefined>>): Promise<T> {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[name, String(value)]],
  );
  return (await (await send(`${path}?${new URLSearchParams(given)}`)).json()) as T;
}

/** A revision; undefined for now. */
export type At = number | undefined;

export const getPicture = (at: At): Promise<Picture> => get('picture', { at });
export const getHistory = (): Promise<HistoryAnswer> => get('history', {});
export const getStory = (service: string, at: At): Promise<Story> => get('story', { service, at });

export const getConnections = (): Promise<Asked> => get('connections', {});

export interface TraceQuestion {
  readonly from: string;
  readonly to: string;
  readonly mode: string;
  readonly at: At;
}

export const getTrace = (question: TraceQuestion): Promise<Trace> => get('trace', { ...question });

export interface Proposal {
  /** YAML. */
  readonly manifests: string;
  readonly without: readonly string[];
}

export async function postPlan(proposal: Proposal): Promise<PlanAnswer> {
  return (await (await send('plan', { method: 'POST', body: JSON.stringify(proposal) })).json()) as PlanAnswer;
}

export interface StreamReader {
  picture(picture: Picture): void;
  change(change: PictureChange): void;
}

/** The server says something at least every ten seconds; after so many milliseconds without a word it is taken for dead. */
const longestSilenceMs = 30_000;

/**
 * Reads the stream until it breaks or the signal aborts: server-sent events, whose data are whole JSON texts. Rejects when the
 * server refuses, or is silent for too long.
 */
export async function readStream(reader: StreamReader, signal: AbortSignal): Promise<void> {
  const silence = new AbortController();
  const giveUp = () => silence.abort(new Error('the server is silent'));
  let timer = setTimeout(giveUp, longestSilenceMs);
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(giveUp, longestSilenceMs);
  };
  try {
    const response = await send('stream', { signal: AbortSignal.any([signal, silence.signal]) });
    if (response.body) await readEvents(response.body, reader, heard);
  } finally {
    clearTimeout(timer);
  }
}

async function readEvents(body: ReadableStream<Uint8Array>, reader: StreamReader, heard: () => void): Promise<void> {
  const decoder = new TextDecoder();
  const bytes = body.getReader();
  let waiting = '';
  for (;;) {
    const { done, value } = await bytes.read();
    if (done) return;
    heard();
    const events = (waiting + decoder.decode(value, { stream: true })).split('\n\n');
    waiting = events.pop() ?? '';
    for (const event of events) {
      // Texts of JSON may hold line separators of Unicode, which end a line of a regular expression only.
      const [, name, data = ''] = /^event: (\w+)\ndata: (.*)$/s.exec(event) ?? [];
      if (name === 'picture') reader.picture(JSON.parse(data) as Picture);
      if (name === 'change') reader.change(JSON.parse(data) as PictureChange);
    }
  }
}
