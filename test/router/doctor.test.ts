// The doctor on a router between namespaces: it tries the kernel, names foreign rules, and changes nothing.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { namespacesUnavailable } from '../support/namespaces.ts';
import { RouterNet } from './router-net.ts';

const FOREIGN = `table ip filter {
  chain DOCKER-USER { }
  chain FORWARD {
    type filter hook forward priority 0; policy drop;
    jump DOCKER-USER
  }
}
table ip nat {
  chain POSTROUTING {
    type nat hook postrouting priority srcnat;
    masquerade
  }
}`;

const unavailable = await namespacesUnavailable();

describe('postern doctor', { skip: unavailable ?? false }, () => {
  for (const user of process.getuid?.() === 0 ? [false, true] : [true])
    it(`finds this machine able and changes nothing, in ${user ? 'a user namespace' : 'plain namespaces'}`, async () => {
      await using router = await RouterNet.open({ user, internet: false });
      await router.net.ok('router', ['nft', '-f', '-'], { input: FOREIGN });
      const untouched = await router.kernelState();
      const text = await router.postern(['doctor', '--inside', 'in0']);
      assert.equal(text.status, 0, text.stdout + text.stderr);
      assert.match(text.stdout, /ok\s+tproxy\s+works/);
      assert.match(text.stdout, /chain FORWARD \(forward, Docker\) drops every forwarded packet/);
      assert.match(text.stdout, /-> iptables -I DOCKER-USER/);
      assert.match(text.stdout, /chain POSTROUTING \(postrouting\) translates sources/);
      const json = await router.postern(['doctor', '-o', 'json']);
      assert.equal(json.status, 0);
      const { able, findings } = JSON.parse(json.stdout) as { able: boolean; findings: { state: string }[] };
      assert.equal(able, true);
      assert.ok(findings.length > 20);
      assert.equal(await router.kernelState(), untouched);
      assert.equal((await router.postern(['doctor', '-o', 'xml'])).status, 2);
      const nowhere = await router.postern(['doctor', '--inside', 'nope']);
      assert.equal(nowhere.status, 1);
      assert.match(
        nowhere.stdout,
        /missing\s+--inside nope\s+there is no such interface; this machine has .*in0, in1/,
      );
    });
});
