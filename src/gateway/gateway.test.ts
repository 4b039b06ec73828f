// One program into force in all parts, in order, and back to the last one when the kernel refuses.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Program } from '#ir/program.ts';
import { Gateway } from './gateway.ts';

function programOf(revision: string): Program {
  return { revision } as Program;
}

function recorder(refuse: (revision: string) => boolean = () => false) {
  const steps: string[] = [];
  const gateway = new Gateway({
    netfilter: {
      apply: async ({ revision }) => {
        await new Promise(resolve => setTimeout(resolve, 5));
        steps.push(`netfilter ${revision}`);
        if (refuse(revision)) throw new Error('refused');
      },
    },
    configureL7: ({ revision }) => void steps.push(`l7 ${revision}`),
    configureDns: async ({ revision }) => void steps.push(`dns ${revision}`),
    last: {
      applied: ({ revision }) => void steps.push(`applied ${revision}`),
      failed: (last, error) => void steps.push(`failed ${error}, kept ${last?.revision ?? 'nothing'}`),
    },
  });
  return { steps, gateway };
}

test('names are resolved after their sets exist, and a program counts once everything is done', async () => {
  const { steps, gateway } = recorder();
  await gateway.apply(programOf('1'));
  assert.deepEqual(steps, ['l7 1', 'netfilter 1', 'dns 1', 'applied 1']);
});

test('programs do not overlap', async () => {
  const { steps, gateway } = recorder();
  await Promise.all([gateway.apply(programOf('1')), gateway.apply(programOf('2'))]);
  assert.deepEqual(
    steps.filter(step => step.startsWith('netfilter') || step.startsWith('applied')),
    ['netfilter 1', 'applied 1', 'netfilter 2', 'applied 2'],
  );
});

test('when the kernel refuses, the L7 engine goes back to the last program and the next one is tried all the same', async () => {
  const { steps, gateway } = recorder(revision => revision === '2');
  await gateway.apply(programOf('1'));
  steps.length = 0;
  await assert.rejects(gateway.apply(programOf('2')), /refused/);
  assert.deepEqual(steps, ['l7 2', 'netfilter 2', 'l7 1', 'failed refused, kept 1']);
  await gateway.apply(programOf('3'));
  assert.equal(steps.at(-1), 'applied 3');
});
