import assert from 'node:assert/strict';
import { existsSync, readlinkSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Namespaces, namespacesUnavailable, openRoutedPath } from './namespaces.ts';

const unavailable = await namespacesUnavailable();

describe('namespaces for tests', { skip: unavailable ?? false }, () => {
  for (const user of [false, true]) {
    const kind = user ? 'a user namespace' : 'plain namespaces';
    const skip = !user && process.getuid?.() !== 0 ? 'needs root' : false;

    it(`${kind}: client, gateway and server are joined`, { skip }, async () => {
      await using net = await openRoutedPath({ user });
      await net.ok('gateway', ['ping', '-c', '1', '-W', '2', '192.0.2.77']);
      await net.ok('client', ['ping', '-c', '1', '-W', '2', '198.51.100.1']);
      const links = await net.ok('gateway', ['ip', '-o', 'link']);
      assert.deepEqual([...links.stdout.matchAll(/^\d+: (\w+)/gm)].map(match => match[1]).sort(), [
        'inside',
        'lo',
        'outside',
      ]);
    });

    it(`${kind}: no command runs in the runner's namespace`, { skip }, async () => {
      await using net = await Namespaces.open(['a'], { user });
      const { stdout } = await net.ok('a', ['readlink', '/proc/self/ns/net']);
      assert.notEqual(stdout.trim(), readlinkSync('/proc/self/ns/net'));
    });

    it(`${kind}: a command can be signalled`, { skip }, async () => {
      await using net = await Namespaces.open(['a'], { user });
      const child = await net.start(
        'a',
        ['sh', '-c', 'trap "exit 7" TERM; echo begun; sleep 60 & wait'],
        'begun',
      );
      net.signal(child, 'SIGTERM');
      const status = await new Promise(resolve => child.once('exit', resolve));
      assert.equal(status, 7);
    });

    it(`${kind}: closing ends the processes inside`, { skip }, async () => {
      const net = await Namespaces.open(['a'], { user });
      const child = await net.start('a', ['sh', '-c', 'echo begun; sleep 60'], 'begun');
      await net.close();
      assert.ok(child.exitCode !== null || child.signalCode !== null);
      assert.ok(!existsSync('/run/netns/a'));
    });
  }
});
