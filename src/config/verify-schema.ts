// The key `verify` of an environment: its shape, and the words that explain it.
import * as z from 'zod/mini';
import { FAILURE_ACTIONS } from '../model/verification.ts';
import { documentation } from './documentation.ts';

const DURATION = '^[1-9][0-9]{0,5}[smhdw]$';
const token = z.optional(z.boolean()).register(documentation, {
  title: 'Token',
  description: 'Sends the token in `TAGFLOW_VERIFY_TOKEN` if `TAGFLOW_VERIFY_HOST` lists the host of the URL.',
  default: false,
  examples: [true],
});

const expectation = z
  .strictObject({
    status: z.optional(z.int()).register(documentation, {
      title: 'Status',
      description: 'The HTTP status. Redirects are not followed.',
      default: 200,
      minimum: 100,
      maximum: 599,
    }),
    contains: z.optional(z.string()).register(documentation, {
      title: 'Contains',
      description:
        'Text that must occur in the first 64 KiB of the body. `{version}`, `{version:IMAGE}` and `{digest:IMAGE}` are replaced.',
      examples: ['{version}'],
    }),
    json: z.optional(z.record(z.string(), z.string())).register(documentation, {
      title: 'JSON',
      description: 'Fields of a JSON body (keys joined by dots) and the values that they must have.',
      examples: [{ 'build.version': '{version}' }],
    }),
  })
  .register(documentation, {
    title: 'Expect',
    description: 'What the response must look like once the release is live.',
  });

/** The shape of a question to Kubernetes. */
export const kubernetesSchema = z
  .strictObject({
    context: z.optional(z.string()).register(documentation, {
      title: 'Context',
      description: 'The context in the kubeconfig of the job that runs tagflow.',
      absent: 'the current context',
      examples: ['prd'],
    }),
    namespace: z.string().register(documentation, {
      title: 'Namespace',
      description: 'The namespace of the workload.',
      examples: ['shop'],
    }),
    workload: z.string().register(documentation, {
      title: 'Workload',
      description: 'A Deployment, StatefulSet or DaemonSet, as `KIND/NAME`.',
      examples: ['deployment/web'],
    }),
  })
  .register(documentation, {
    title: 'Kubernetes',
    description:
      'Passes when the rollout is complete and every running Pod has the digests of the release. tagflow asks through kubectl.',
  });

const prometheus = z
  .strictObject({
    url: z.string().register(documentation, {
      title: 'URL',
      description: 'The URL of Prometheus.',
      examples: ['https://prometheus.example.com'],
    }),
    query: z.string().register(documentation, {
      title: 'Query',
      description: 'An instant query. Every value in its result must pass; an empty result is inconclusive.',
      examples: ['sum(rate(http_requests_total{code=~"5.."}[1m]))'],
    }),
    max: z.optional(z.number()).register(documentation, {
      title: 'Max',
      description: 'The highest value that passes.',
      absent: 'any',
      examples: [0.01],
    }),
    min: z.optional(z.number()).register(documentation, {
      title: 'Min',
      description: 'The lowest value that passes.',
      absent: 'any',
      examples: [1],
    }),
    during: z.optional(z.string()).register(documentation, {
      title: 'During',
      description: 'How long every result must pass without interruption.',
      absent: 'one passing result is enough',
      examples: ['5m'],
      pattern: DURATION,
    }),
    token,
  })
  .register(documentation, { title: 'Prometheus', description: 'A Prometheus query about the release.' });

const step = z
  .strictObject({
    name: z.string().register(documentation, {
      title: 'Name',
      description: 'The name of the step in results.',
      examples: ['version'],
    }),
    http: z.optional(z.string()).register(documentation, {
      title: 'HTTP',
      description: 'A URL that tagflow requests with GET. It may contain the same placeholders as `contains`.',
      examples: ['https://shop.example.com/version'],
    }),
    expect: z.optional(expectation),
    token,
    command: z.optional(z.array(z.string())).register(documentation, {
      title: 'Command',
      description:
        'A program and its arguments. A program name with a slash is a file on the trunk. It runs in a copy of the trunk’s tree. Exit code 0 passes.',
      examples: [['verify/smoke.sh']],
    }),
    junit: z.optional(z.string()).register(documentation, {
      title: 'JUnit',
      description: 'The file to which `command` writes its results as JUnit XML. A failed test in it fails the step.',
      absent: 'only the exit code counts',
      examples: ['results.xml'],
    }),
    env: z.optional(z.array(z.string())).register(documentation, {
      title: 'Env',
      description:
        'Environment variables of the caller that `command` receives. Tokens of tagflow and of the job are refused.',
      absent: 'none',
      examples: [['SHOP_TOKEN']],
    }),
    kubernetes: z.optional(kubernetesSchema),
    status: z.optional(z.string()).register(documentation, {
      title: 'Status',
      description:
        'A commit status on the forge, such as Flux or Argo CD set: its full name, or the part before a slash.',
      examples: ['kustomization/shop'],
    }),
    prometheus: z.optional(prometheus),
  })
  .register(documentation, {
    title: 'Step',
    description:
      'One of `http`, `command`, `kubernetes`, `status` or `prometheus`. tagflow repeats the step once a second until it passes.',
  });

/** The shape of `verify`. */
export const verifySchema = z.optional(
  z
    .strictObject({
      timeout: z.optional(z.string()).register(documentation, {
        title: 'Timeout',
        description: 'How long all steps may take in total.',
        default: '10m',
        examples: ['50s'],
        pattern: DURATION,
      }),
      onFailure: z.optional(z.enum(FAILURE_ACTIONS)).register(documentation, {
        title: 'On failure',
        description:
          'What tagflow does if a step still fails at the end: `report` records the result, `hold` also puts the images that the release changed on hold, and `rollback` also restores the previous release.',
        default: 'report',
      }),
      steps: z.array(step).register(documentation, {
        title: 'Steps',
        description: 'The steps, in order. Each step starts after the previous step has passed.',
        examples: [[{ name: 'version', http: 'https://shop.example.com/version', expect: { contains: '{version}' } }]],
      }),
    })
    .register(documentation, {
      title: 'Verify',
      description: 'How `tagflow promote --verify` and `tagflow verify` check a release after its deploy.',
    }),
);
