// tagflow explain: the page of an error.
import { EXIT } from '../../model/errors.ts';
import { defineCommand } from '../grammar/define.ts';
import { optional } from '../arguments/options.ts';

export const explain = defineCommand({
  name: 'explain',
  summary: 'explain an error by its code',
  description: [
    'Shows the page about an error: what it means, why it happens, and what to do. The code is at the end of every error message. Without a code, it lists all errors.',
  ],
  examples: ['tagflow explain held', 'tagflow explain'],
  arguments: { code: optional('code', 'the code of the error', { completion: 'code' }) },
  options: {},
  async run(session, { code }) {
    const [{ explanationOf, explainErrors }, { errorPages }] = await Promise.all([
      import('../../views/explain.ts'),
      import('../process/error-pages.ts'),
    ]);
    const pages = await errorPages();
    session.print(code === undefined ? explainErrors(pages) : explanationOf(pages, code));
    return EXIT.ok;
  },
});
