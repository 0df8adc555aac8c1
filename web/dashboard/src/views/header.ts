import type { Controller } from '../controller';
import { connectionWords, fallbackWords } from '../words';
import { byId, setData, setText, show } from './dom';

export function headerView(controller: Controller): (now: number) => void {
  const name = byId('robot-name', HTMLElement);
  const version = byId('version', HTMLElement);
  const badge = byId('connection', HTMLElement);
  const title = byId('connection-title', HTMLElement);
  const detail = byId('connection-detail', HTMLElement);
  const dial = byId('dial-now', HTMLButtonElement);
  dial.addEventListener('click', () => controller.dialNow());

  return (now) => {
    const { state } = controller;
    const robot = state.status?.robotName || 'Robot';
    setText(name, robot);
    const title_ = state.status?.robotName ? `${robot} · Daruma` : 'Daruma';
    if (document.title !== title_) document.title = title_;
    setText(version, state.status?.version || '–');
    const words = connectionWords({ ...state, now });
    setData(badge, 'state', state.link.kind);
    setData(badge, 'tone', words.tone);
    setText(title, words.title);
    const fallback = state.link.kind === 'connected' ? '' : fallbackWords(state.http);
    setText(detail, `${words.detail} ${fallback}`.trim());
    show(dial, state.link.kind === 'waiting' && state.link.until - now > 500);
  };
}
