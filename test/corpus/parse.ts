// Reading a text by `yaml` alone, for what the forms are judged by.
import { LineCounter, parseAllDocuments } from 'yaml';

/** The documents of a text, and where its lines are. */
export interface ParsedText {
  readonly text: string;
  readonly documents: ReturnType<typeof parseAllDocuments>;
  readonly counter: LineCounter;
}

let last: ParsedText | undefined;

/** Parses a text. The last text is remembered: a file is scanned, and then compared with its outcome. */
export function parseText(text: string): ParsedText {
  if (last?.text === text) return last;
  const counter = new LineCounter();
  const options = { schema: 'failsafe', uniqueKeys: false, logLevel: 'silent', prettyErrors: false } as const;
  last = { text, documents: parseAllDocuments(text, { ...options, lineCounter: counter }), counter };
  return last;
}
