// esbuild takes style sheets in: .ci/page.ts.
declare module '*.css';
