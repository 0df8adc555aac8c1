// Reading messages of somebody else: whatever is missing or of a wrong type becomes a safe default.

export type Json = Record<string, unknown>;

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object in a text, or nothing when the text is something else. */
export function parseObject(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function objectAt(from: Json, key: string): Json | undefined {
  const value = from[key];
  return isObject(value) ? value : undefined;
}

export function textAt(from: Json, key: string): string {
  const value = from[key];
  return typeof value === 'string' ? value : '';
}

export function textOrNull(from: Json, key: string): string | null {
  const value = from[key];
  return typeof value === 'string' ? value : null;
}

export function numberAt(from: Json, key: string): number | null {
  const value = from[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

export function flagAt(from: Json, key: string): boolean | null {
  const value = from[key];
  return typeof value === 'boolean' ? value : null;
}

export function listAt(from: Json, key: string): unknown[] {
  const value = from[key];
  return Array.isArray(value) ? value : [];
}

export function textsAt(from: Json, key: string): string[] {
  return listAt(from, key).filter((item) => typeof item === 'string');
}
