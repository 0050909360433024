// Which points there are, and that a sample of them leaves no kind out.
import { describe, expect, it } from 'vitest';
import { type Point, countSteps, kindOf, pointId, pointsOf, sample } from './points.ts';

const STEPS = countSteps([
  'git refs of upload-pack',
  'git refs of upload-pack',
  'HEAD app:stg-4',
  'HEAD db:stg-4',
  'PUT app:stg-4',
  'PUT app:stg',
  'PUT db:stg',
  'git receive-pack',
]);
const POINTS = [...pointsOf('servers', 'promote', STEPS), ...pointsOf('files', 'apply', STEPS)];

describe('the points', () => {
  it('number the steps of one label', () => {
    expect(STEPS.slice(0, 3)).toEqual([
      { label: 'git refs of upload-pack', count: 1 },
      { label: 'git refs of upload-pack', count: 2 },
      { label: 'HEAD app:stg-4', count: 1 },
    ]);
  });

  it('each have a name of their own, without spaces', () => {
    const names = POINTS.map(pointId);
    expect(new Set(names).size).toBe(POINTS.length);
    expect(names.filter((name) => !/^[^ ]+$/.test(name))).toEqual([]);
    expect(names[0]).toBe('servers/promote/alone/kill/before/git-refs-of-upload-pack/1');
  });

  it('let an effect come late where a write is on its way, and its sender is killed', () => {
    const late = POINTS.filter(({ moment }) => moment === 'late');
    expect(new Set(late.map(({ step }) => step.label))).toEqual(
      new Set(['PUT app:stg-4', 'PUT app:stg', 'PUT db:stg', 'git receive-pack']),
    );
    expect(new Set(late.map(({ signal }) => signal))).toEqual(new Set(['kill']));
  });
});

describe('a sample', () => {
  const keyOf = (point: Point): string => `${kindOf(point)} ${point.signal} ${point.moment}`;

  it('has every kind of step with each signal and moment, however small', () => {
    expect(new Set(sample(POINTS, 1, 5).map(keyOf))).toEqual(new Set(POINTS.map(keyOf)));
  });

  it('is as large as was asked for, without a point twice', () => {
    const found = sample(POINTS, 120, 5);
    expect(found).toHaveLength(120);
    expect(new Set(found).size).toBe(120);
  });

  it('is the same for the same seed, and another for another', () => {
    expect(sample(POINTS, 80, 5)).toEqual(sample(POINTS, 80, 5));
    expect(sample(POINTS, 80, 5)).not.toEqual(sample(POINTS, 80, 6));
  });

  it('takes the image and the number of a release for no kind of their own', () => {
    const kinds = POINTS.filter(({ transport }) => transport === 'servers').map(kindOf);
    expect([...new Set(kinds)]).toEqual([
      'servers git refs of upload-pack',
      'servers HEAD image:release',
      'servers PUT image:release',
      'servers PUT image:stg',
      'servers git receive-pack',
    ]);
  });
});
