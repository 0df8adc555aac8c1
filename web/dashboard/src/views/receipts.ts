import type { Controller } from '../controller';
import { milliseconds, timeOfDay } from '../format';
import type { Receipt } from '../model';
import { Rows, byId, make, setData, setText, show } from './dom';
import type { Row } from './dom';

interface ReceiptRow extends Row {
  time: HTMLElement;
  who: HTMLElement;
  scope: HTMLElement;
  outcome: HTMLElement;
  downtime: HTMLElement;
  cured: HTMLElement;
}

function build(receipt: Receipt): ReceiptRow {
  const root = make('tr');
  root.dataset['testid'] = 'receipt';
  root.dataset['id'] = receipt.id;
  const cell = (name = ''): HTMLElement => {
    const element = make('td', name);
    root.append(element);
    return element;
  };
  return {
    root,
    time: cell('mono'),
    scope: cell(),
    outcome: cell(),
    downtime: cell('number mono'),
    cured: cell(),
    who: cell(),
  };
}

const WAYS: Record<string, string> = {
  webrtc: 'Data channel',
  websocket: 'SDK socket',
  http: 'HTTP',
  signal: 'Signal',
  boot: 'Start of the process',
};

/** Whether the restart cured what was wrong; nothing when nothing was. */
export function curedWords(receipt: Receipt): string {
  if (receipt.outcome === null || receipt.cured === null) return '–';
  if (receipt.causesBefore.length === 0) return receipt.cured ? 'nothing to cure' : 'no';
  return receipt.cured ? 'yes' : 'no';
}

function update(row: ReceiptRow, receipt: Receipt): void {
  setText(row.time, timeOfDay(receipt.at));
  row.time.title = receipt.at;
  setText(row.who, WAYS[receipt.by] ?? receipt.by);
  row.who.title = receipt.peer;
  const motor = receipt.motor ? ` ${receipt.motor}` : '';
  const action = receipt.action === 'restart' ? '' : `${receipt.action} `;
  setText(row.scope, `${action}${receipt.scope}${motor}`);
  const joined = receipt.mergedInto ? ' (joined)' : '';
  const error = receipt.error ? `: ${receipt.error}` : '';
  setText(row.outcome, `${receipt.outcome ?? 'running'}${joined}${error}`);
  setData(row.root, 'outcome', receipt.outcome ?? 'running');
  setText(row.downtime, receipt.outcome === null ? '…' : milliseconds(receipt.downtimeMs));
  setText(row.cured, curedWords(receipt));
}

export function receiptsView(controller: Controller): () => void {
  const count = byId('receipts-count', HTMLElement);
  const body = byId('receipts', HTMLElement);
  const none = byId('receipts-none', HTMLElement);
  const rows = new Rows<Receipt, ReceiptRow>(body, (receipt) => receipt.id, build, update);
  let shown: readonly Receipt[] | undefined;
  return () => {
    const { receipts } = controller.state;
    if (receipts === shown) return;
    shown = receipts;
    rows.show(receipts);
    setText(count, receipts.length === 0 ? '' : `The last ${receipts.length}`);
    show(none, receipts.length === 0);
  };
}
