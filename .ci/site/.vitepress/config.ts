// The documentation as a site. The pages are those of docs/, as they are; nothing is written twice: menus come from
// docs/README.md, and links that leave docs/ lead to the repository.
import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { defineConfig, type DefaultTheme, type UserConfig } from 'vitepress';

type Plugin = Extract<NonNullable<NonNullable<UserConfig['vite']>['plugins']>[number], { name: string }>;

const root = resolve(import.meta.dirname, '../../..');
const docs = join(root, 'docs');
const { repository, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly repository: { readonly url: string };
  readonly version: string;
};
/** Where the repository is seen: the project that builds the site, or what package.json names. */
const project = process.env['CI_PROJECT_URL'] ?? repository.url.replace(/^git\+/, '').replace(/\.git$/, '');
const title = 'tagflow';

interface Section {
  readonly text: string;
  readonly items: DefaultTheme.SidebarItem[];
}

/** The sections of docs/README.md with their lists of pages, in its order. */
function sections(): readonly Section[] {
  return readFileSync(join(docs, 'README.md'), 'utf8')
    .split(/^## /m)
    .slice(1)
    .map((part) => ({
      text: part.slice(0, part.indexOf('\n')),
      items: [...part.matchAll(/\[([^\]]+)\]\(([^)#]+\.md)\)/g)].map(([, text = '', link = '']) => ({
        text,
        link: `/${addressOf(link)}`,
      })),
    }));
}

function addressOf(page: string): string {
  return page.replace(/README\.md$/, '').replace(/\.md$/, '');
}

/** A link from a page to anything but a page of docs/ leads to the repository. */
function linkFrom(page: string, href: string): string {
  if (/^([a-z]+:|#|\/)/i.test(href)) return href;
  const target = resolve(dirname(page), href.replace(/#.*$/, ''));
  if (target.startsWith(`${docs}/`) && target.endsWith('.md')) return href.replace(/(^|\/)README\.md/, '$1index.md');
  return `${project}/-/blob/HEAD/${relative(root, target)}`;
}

/** The pages stand outside of this package, from where nothing finds vue: it is the one of this package. */
const vueFromHere: Plugin = {
  name: 'vue-from-here',
  enforce: 'pre',
  async resolveId(id, importer, { ssr }) {
    if (!/^vue(\/|$)/.test(id)) return undefined;
    if (ssr) return { id, external: true };
    return importer?.startsWith(docs) ? this.resolve(id, join(import.meta.dirname, 'config.ts')) : undefined;
  },
};

export default defineConfig({
  title,
  description:
    'Promotes container images between environments by digest, and keeps Git branches and registry tags in step.',
  lang: 'en',
  srcDir: docs,
  outDir: join(root, 'dist-site'),
  cacheDir: join(root, '.ci/site/node_modules/.cache'),
  // GitLab Pages serves a project below a path of its own.
  base: process.env['TAGFLOW_SITE_BASE'] ?? '/',
  cleanUrls: false,
  rewrites: (page) => page.replace(/README\.md$/, 'index.md'),
  // One site is one version: the time of a commit says nothing about it, and equal sources give equal pages.
  lastUpdated: false,
  vite: {
    plugins: [vueFromHere],
    esbuild: { tsconfigRaw: { compilerOptions: { target: 'es2022' } } },
    // Mermaid is one large file, loaded by pages with a diagram.
    build: { chunkSizeWarningLimit: 4000 },
  },
  themeConfig: {
    nav: [
      { text: 'Tutorial', link: '/tutorial' },
      { text: 'Command line', link: '/reference/cli' },
      { text: 'Questions', link: '/explanation/questions' },
      { text: 'Compared', link: '/explanation/comparison' },
      {
        text: version,
        items: [
          { text: 'What changed', link: `${project}/-/blob/HEAD/CHANGELOG.md` },
          { text: 'Other versions', link: `${project}/-/releases` },
        ],
      },
    ],
    // Each page in each version: the pages of a release are those of its tag, and travel in its package.
    editLink: { pattern: `${project}/-/commits/HEAD/docs/:path`, text: 'This page in other versions' },
    sidebar: [
      {
        text: 'Start',
        items: [
          { text: 'Overview', link: '/' },
          { text: 'Tutorial', link: '/tutorial' },
        ],
      },
      ...sections(),
    ],
    outline: [2, 3],
    search: { provider: 'local' },
    socialLinks: [{ icon: 'gitlab', link: project, ariaLabel: 'the repository' }],
    externalLinkIcon: true,
  },
  markdown: {
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    config(markdown) {
      const fence = markdown.renderer.rules.fence;
      markdown.renderer.rules.fence = (tokens, index, options, env, self) => {
        const token = tokens[index];
        if (token?.info.trim() !== 'mermaid') return fence?.(tokens, index, options, env, self) ?? '';
        return `<Diagram source="${encodeURIComponent(token.content)}" />`;
      };
      // Code is shown as it is: `{{ }}` in it is not an expression of Vue.
      markdown.renderer.rules.code_inline = (tokens, index) =>
        `<code v-pre>${markdown.utils.escapeHtml(tokens[index]?.content ?? '')}</code>`;
      markdown.core.ruler.push('repository-links', (state) => {
        const page = join(
          docs,
          (state.env as { relativePath?: string }).relativePath?.replace(/index\.md$/, 'README.md') ?? '',
        );
        const links = state.tokens
          .flatMap((token) => token.children ?? [])
          .filter((token) => token.type === 'link_open');
        for (const link of links) {
          const href = link.attrGet('href');
          if (href !== null) link.attrSet('href', linkFrom(page, href));
        }
      });
    },
  },
});
