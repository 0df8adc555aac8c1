// The daemon's HTTP interface: what still answers when no WebRTC session does.
import { isObject } from './json';
import type { Json } from './json';
import type { Command } from './commands';

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

/** The commands that HTTP has too; others reject. */
export async function overHttp(command: Command): Promise<Json> {
  const { type, ...fields } = command;
  const query = Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, String(value)]),
  );
  switch (type) {
    case 'restart_daemon':
      return (await request('/api/daemon/restart', 'POST', query)).body;
    case 'get_daemon_status':
      return (await request('/api/daemon/status')).body;
    case 'get_health':
      return (await request('/api/daemon/health')).body;
    case 'get_restart_receipts': {
      const { body } = await request('/api/daemon/restarts', 'GET', query);
      return { receipts: body['items'] ?? body['receipts'] };
    }
    case 'get_restart_receipt': {
      const path = `/api/daemon/restarts/${encodeURIComponent(query['id'] ?? '')}`;
      const { status, body } = await request(path);
      return status === 404 ? { receipt: null } : body;
    }
  }
  throw new Error('not connected');
}
