// Every fault of a configuration is reported, each with the path of its field.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseInternetConfig } from './config.ts';

describe('configuration of the Internet', () => {
  it('may be empty', () => {
    const parsed = parseInternetConfig({});
    assert.ok('settings' in parsed);
    assert.equal(parsed.settings.ttlSeconds, 60);
    assert.ok(parsed.settings.pool.length > 0);
  });

  it('is documented: every field, and an example that is accepted', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/lab.md'), 'utf8');
    const [, example = ''] = /```json\n(.*?)```/s.exec(page) ?? [];
    assert.ok('settings' in parseInternetConfig(JSON.parse(example)));
    const refused = parseInternetConfig({ unknown: 1 });
    assert.ok('faults' in refused);
    const [, known = ''] = /known are (.*)/.exec(refused.faults[0].message) ?? [];
    for (const field of known.split(', ')) assert.ok(page.includes(`\`${field}\``), field);
  });

  it('reports every fault with its path', () => {
    const parsed = parseInternetConfig({
      ttlSeconds: -1,
      colour: 'blue',
      records: {
        'a.example': { addresses: ['1.2.3.256'] },
        'b.example': { cname: 'c.example', rcode: 'NXDOMAIN' },
        'c.example': { rcode: 'NOTFOUND' },
        'd.example': { addresses: [] },
        'e*f.example': { silent: true },
      },
      shared: ['x', { names: [] }],
      rotating: 'x.example',
      regions: { eastus: ['20.42.0.0/33'] },
      mapped: [{ names: ['ok.example'] }],
      resolvers: { 'dns.example': 'silent', '9.9.9.9': 'slow' },
      pool: [],
    });
    assert.ok('faults' in parsed);
    assert.deepEqual(parsed.faults.map(fault => fault.path).sort(), [
      '$.colour',
      'mapped[0].prefixes',
      'pool',
      'records.a.example.addresses[0]',
      'records.b.example',
      'records.c.example.rcode',
      'records.d.example.addresses',
      'records.e*f.example',
      'regions.eastus[0]',
      'resolvers.9.9.9.9',
      'resolvers.dns.example',
      'rotating',
      'shared[0]',
      'shared[0].names',
      'shared[1].names',
      'ttlSeconds',
    ]);
  });

  it('must be an object', () => {
    for (const value of [[], 'text', 7]) assert.ok('faults' in parseInternetConfig(value));
  });
});
