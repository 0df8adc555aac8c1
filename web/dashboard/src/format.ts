// Numbers as people read them. Pure.

export function milliseconds(ms: number | null): string {
  if (ms === null) return '–';
  if (ms < 0.5) return '<1 ms';
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return seconds(ms / 1000);
}

function seconds(s: number): string {
  return `${s < 10 ? s.toFixed(2) : s.toFixed(1)} s`;
}

/** An age; `whole`: without tenths of a second. */
export function age(s: number | null, whole = false): string {
  if (s === null || s < 0) return '–';
  if (s < 10 && !whole) return `${s.toFixed(1)} s`;
  if (s < 60) return `${Math.floor(s)} s`;
  const minutes = Math.floor(s / 60);
  if (minutes < 60) return `${minutes} min ${two(Math.floor(s % 60))} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${two(minutes % 60)} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

function two(n: number): string {
  return String(n).padStart(2, '0');
}

/** A signed number with a real minus sign and no negative zero. */
export function signed(value: number | null, digits: number): string {
  if (value === null) return '–';
  const text = Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) !== 0 ? `−${text}` : text;
}

export function degrees(rad: number | null): string {
  return rad === null ? '–' : `${signed((rad * 180) / Math.PI, 1)}°`;
}

/** Local time of day of an ISO time; the text itself when it is none. */
export function timeOfDay(iso: string, withMs = false): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  const text = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  return withMs ? `${text}.${String(date.getMilliseconds()).padStart(3, '0')}` : text;
}

/** As much of an id as tells two apart. */
export function shortId(id: string): string {
  return id.slice(0, 8) || '–';
}

const PHASES: Record<string, string> = {
  sleeping: 'Going to sleep',
  ending_sessions: 'Ending sessions',
  stopping: 'Stopping',
  starting: 'Starting',
  waking: 'Waking up',
  checking: 'Checking',
};

/** A phase of a restart. */
export function phaseLabel(phase: string): string {
  return PHASES[phase] ?? plain(phase);
}

/** A word of the wire in plain English. */
export function plain(word: string): string {
  return word === 'not_initialized' ? 'not started' : word.replaceAll('_', ' ');
}

const JOINTS: Record<string, string> = {
  body_rotation: 'Body yaw',
  right_antenna: 'Right antenna',
  left_antenna: 'Left antenna',
};

export function jointLabel(name: string): string {
  return JOINTS[name] ?? name.replace('stewart_', 'Head leg ');
}

/** 1..64 printable characters for a restart; randomUUID exists in secure contexts only. */
export function freshId(source: Crypto = crypto): string {
  if (typeof source.randomUUID === 'function') return source.randomUUID();
  const bytes = source.getRandomValues(new Uint8Array(16));
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
