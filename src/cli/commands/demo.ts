// tagflow demo: a complete sandbox, and a story played in it with the real commands.
import { defineCommand, optional } from '../define.ts';

const FOLDER = 'tagflow-demo';

export const demo = defineCommand({
  name: 'demo',
  summary: 'build a complete sandbox with nothing but this package and git',
  description: ['The folder must be empty or missing. Everything stays there afterwards, to play with.'],
  examples: ['tagflow demo', 'tagflow demo /tmp/shop'],
  arguments: { folder: optional('dir', 'where to build it', { preset: FOLDER, completion: 'folder' }) },
  options: {},
  async run(session, { folder = FOLDER }, line) {
    const { playDemo } = await import('../demo/play.ts');
    return playDemo(session, folder, line);
  },
});
