// Files that somebody takes away: the page makes them of its own data.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { formatCsv } from '../views/csv.ts';
import { tableOf } from '../views/view.ts';

/** How long a file stays in memory for the browser to save it, in milliseconds. */
const KEPT = 60_000;

/** A button that saves a file. */
export function Download(props: {
  readonly name: string;
  readonly type: 'application/json' | 'text/csv';
  readonly make: () => string;
}): JSX.Element {
  const { name, type, make } = props;
  const [told, setTold] = useState('');
  const save = (): void => {
    const url = URL.createObjectURL(new Blob([make()], { type }));
    const link = document.createElement('a');
    link.href = url;
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), KEPT);
    setTold(' (saved)');
  };
  return (
    <button type="button" onClick={save}>
      save {name}
      {told}
    </button>
  );
}

/** A button that saves a table as CSV. */
export function CsvDownload(props: {
  readonly name: string;
  readonly columns: readonly string[];
  readonly rows: () => readonly (readonly string[])[];
}): JSX.Element {
  const { name, columns, rows } = props;
  return (
    <Download name={name} type="text/csv" make={() => formatCsv({ parts: [], records: tableOf(columns, rows()) })} />
  );
}
