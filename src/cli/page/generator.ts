// What tells a page of ours from others.

/** Stands in the head of each page. */
export const GENERATOR = '<meta name="generator" content="tagflow">';
