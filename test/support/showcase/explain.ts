// `postern explain` on the running lab: it names what is wrong with the way, packets agree, and the commands that it gives
// repair it. Expects what the checks in addresses.ts leave: the host `db` in data-subnet, and a rule that lets 8080 pass.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type Lab, ROOT, run } from '../lab.ts';
import { type Check, curl, GROUP } from './kit.ts';

const SERVER = '10.42.3.10:8080';

interface Explained {
  readonly works: boolean;
  readonly findings: readonly {
    readonly severity: string;
    readonly code: string;
    readonly text: string;
    readonly fix: readonly string[];
  }[];
}

async function explain(lab: Lab): Promise<Explained> {
  const question = ['--name', lab.name, '--from', 'node-1', '--to', SERVER, '-o', 'json'];
  const { stdout, stderr } = await run([join(ROOT, 'bin/postern'), 'explain', ...question], { env: lab.env });
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout) as Explained;
}

async function isServed(lab: Lab): Promise<boolean> {
  return (await curl(lab, 'node-1', '--connect-timeout', '2', `http://${SERVER}/`)).status === 200;
}

export const EXPLAIN: readonly Check[] = [
  {
    group: 'Why does it not work? postern explain says, and how to repair it',
    title: 'asymmetric routing: out by the firewall, back beside it',
    run: async lab => {
      const server = await lab.background('db', 'web', ['8080', 'data']);
      try {
        assert.ok((await explain(lab)).works);
        assert.ok(await isServed(lab), 'with both routes the server does not answer');
        const subnet = ['-g', GROUP, '--vnet-name', 'egress-vnet', '-n', 'data-subnet'];
        await lab.azOk('network', 'vnet', 'subnet', 'update', ...subnet, '--route-table', '');
        const { works, findings } = await explain(lab);
        const found = findings.find(({ code }) => code === 'asymmetric-route');
        assert.ok(found && !works, JSON.stringify(findings));
        assert.ok(!(await isServed(lab)), 'packets disagree: the server answers');
        const repaired = await lab.shell(found.fix.join(' && '));
        assert.equal(repaired.status, 0, repaired.stderr);
        assert.ok((await explain(lab)).works);
        assert.ok(await isServed(lab), 'the commands that explain names repair nothing');
        return [
          'named; the commands that it gives repair it',
          `$ postern explain --from node-1 --to ${SERVER}`,
          `${found.severity} ${found.code}: ${found.text}`,
          ...found.fix.map(command => `$ ${command}`),
        ].join('\n');
      } finally {
        await server.stop();
      }
    },
  },
];
