// The configuration that a release changes: what settings mean, then the lines with context.
import type { FileChange } from '../engine/tree/changed-files.ts';
import type { Rendering } from '../engine/tree/rendered.ts';
import { counted } from '../model/text.ts';
import { type Part, linesOf, tableOf } from './view.ts';

/** Maximum number of settings in a table; the data has them all. */
const MAX_ROWS = 100;
/** Maximum number of characters of a value in a table. */
const MAX_VALUE = 60;

/** Settings that differ, as a table, then unified diffs. */
export function configurationParts(files: readonly FileChange[]): readonly Part[] {
  const rows = files.flatMap(({ path, settings }) =>
    (settings ?? []).map(({ object, subject, field, before, after }) => [
      path,
      object ?? '',
      subject,
      field,
      cell(before),
      cell(after),
    ]),
  );
  const more = rows.length - MAX_ROWS;
  const columns = [
    { name: 'FILE', drop: 1 },
    { name: 'OBJECT', drop: 2 },
    'WHAT',
    'SETTING',
    { name: 'BEFORE', wraps: true },
    { name: 'AFTER', wraps: true },
  ];
  return [
    ...(rows.length === 0 ? [] : [tableOf(columns, rows.slice(0, MAX_ROWS))]),
    ...(more > 0 ? [linesOf(`${more} more settings; -o json has them all`)] : []),
    ...(rows.length === 0 ? [] : [linesOf('')]),
    { kind: 'patch', lines: files.flatMap(({ patch }) => patchLines(patch)) },
  ];
}

/** What deployment tools make of the change, folder by folder. */
export function renderedParts(renderings: readonly Rendering[] | undefined): readonly Part[] {
  if (!renderings) return [];
  if (renderings.length === 0) return [linesOf('', 'rendered: no kustomization and no chart changes')];
  return renderings.flatMap(({ folder, tool, objects, problem }) => [
    linesOf('', `rendered by ${tool} ${folder}: ${problem ?? `${counted(objects.length, 'object')} changed`}`),
    ...configurationParts(objects),
  ]);
}

/** Renderings as data: every key is there, and what does not exist is null. */
export function renderingShape({ folder, tool, objects, problem }: Rendering): Readonly<Record<string, unknown>> {
  return { folder, tool, problem: problem ?? null, objects: objects.map(fileShape) };
}

/** A value on one line. */
function cell(value: string | undefined): string {
  if (value === undefined) return '–';
  const line = JSON.stringify(value).slice(1, -1);
  return line.length > MAX_VALUE ? `${line.slice(0, MAX_VALUE - 1)}…` : line;
}

function patchLines(patch: string): readonly string[] {
  return patch.split('\n').filter((line) => !line.startsWith('=====') && line !== '');
}

/** Changed files as data: every key is there, and what does not exist is null. */
export function fileShape({ path, patch, settings }: FileChange): Readonly<Record<string, unknown>> {
  return {
    path,
    patch,
    settings:
      settings?.map(({ object, subject, field, before, after }) => ({
        object: object ?? null,
        subject,
        field,
        before: before ?? null,
        after: after ?? null,
      })) ?? null,
  };
}
