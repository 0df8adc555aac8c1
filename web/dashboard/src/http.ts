// The daemon's HTTP interface: what still answers when no WebRTC session does.
import { isObject } from './json';
import type { Json } from './json';

const LIMIT_MS = 3000;

export interface Answer {
  status: number;
  /** The body; for a list: {"items": [...]}; for no JSON: {}. */
  body: Json;
}

/** Rejects when nothing answers in time. */
export async function request(
  path: string,
  method: 'GET' | 'POST' = 'GET',
  query: Record<string, string> = {},
): Promise<Answer> {
  const parameters = new URLSearchParams(query).toString();
  const response = await fetch(parameters ? `${path}?${parameters}` : path, {
    method,
    cache: 'no-store',
    credentials: 'omit',
    signal: timeout(LIMIT_MS),
  });
  let value: unknown;
  try {
    value = await response.json();
  } catch {
    value = undefined;
  }
  if (Array.isArray(value)) return { status: response.status, body: { items: value } };
  return { status: response.status, body: isObject(value) ? value : {} };
}

function timeout(ms: number): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error(`no answer within ${ms} ms`)), ms);
  return controller.signal;
}
