// The default theme of VitePress, and what our pages need beside it: diagrams, and colours with enough contrast.
import type { Theme } from 'vitepress';
import DefaultTheme from 'vitepress/theme-without-fonts';
import Diagram from './diagram.vue';
import './style.css';

const theme: Theme = {
  extends: DefaultTheme,
  enhanceApp({ app }) {
    app.component('Diagram', Diagram);
  },
};

// VitePress looks for the default export of this file.
export { theme as default };
