// How to recognise a page that tagflow wrote.

/** Stands in the head of each page. */
export const GENERATOR = '<meta name="generator" content="tagflow">';
