// A lab from up to down, as root and as a user without privileges: what it leaves alone, what it leaves behind (nothing),
// and who may enter.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Lab } from '../support/lab.ts';
import { noNamespaces } from '../support/privileges.ts';

const isRoot = process.geteuid?.() === 0;

function look(...command: string[]): string {
  const { stdout } = spawnSync(command[0] ?? '', command.slice(1), { encoding: 'utf8' });
  return stdout ?? '';
}

/** What a lab must not change on this machine. */
function machine(): Record<string, string> {
  return {
    namespaces: look('ip', 'netns'),
    links: look('ip', '-br', 'link'),
    rules: look('ip', 'rule'),
    nft: isRoot ? look('nft', 'list', 'ruleset') : '',
    mounts: readFileSync('/proc/self/mounts', 'utf8'),
    resolver: existsSync('/etc/resolv.conf') ? readFileSync('/etc/resolv.conf', 'utf8') : '',
    trust: look('sha256sum', '/etc/ssl/certs/ca-certificates.crt'),
    run: readdirSync('/run').sort().join(' '),
  };
}

/** Processes of labs of this name, by their command lines. */
function processesOf(name: string): number[] {
  return readdirSync('/proc')
    .filter(entry => /^\d+$/.test(entry))
    .flatMap(pid => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        return words.includes('daemon') && words.includes(name) ? [Number(pid)] : [];
      } catch {
        return [];
      }
    });
}

for (const unprivileged of isRoot ? [false, true] : [true]) {
  const skip = noNamespaces();
  describe(`a lab ${unprivileged ? 'of a user without privileges' : 'of root'}`, { skip }, () => {
    const name = `life-${unprivileged ? 'user' : 'root'}-${process.pid}`;
    const atFirst = machine();
    let lab: Lab;

    before(async () => {
      lab = await Lab.up({ name, unprivileged });
    });
    after(async () => {
      await lab?.down();
    });

    const shell = async (script: string) => {
      const { status, stdout, stderr } = await lab.shell(script);
      assert.equal(status, 0, stderr);
      return stdout;
    };

    test('nothing on the machine has changed, and the lab has no link to it', async () => {
      assert.deepEqual(machine(), atFirst);
      const listed = await shell(
        'for n in $(ls /run/netns); do nsenter --net=/run/netns/$n ip -d -o link | sed "s/^/$n /"; done',
      );
      const links = listed.trimEnd().split('\n');
      assert.ok(links.length >= 4, listed);
      for (const link of links) assert.match(link, / lo: <LOOPBACK|\bveth\b/, link);
      // Both ends of every pair are there: none ends on the machine.
      const pairs = links.filter(link => /\bveth\b/.test(link));
      assert.equal(pairs.length % 2, 0, listed);
      const here = look('readlink', '/proc/self/ns/net');
      assert.notEqual(await shell('readlink /proc/self/ns/net'), here);
    });

    test('up again says that it is up', async () => {
      const { status, stderr } = await lab.command(['up']);
      assert.deepEqual([status, /is up already/.test(stderr)], [1, true], stderr);
    });

    test('exit status, input, output and signals pass through', async () => {
      assert.equal((await lab.exec('workstation', ['sh', '-c', 'exit 7'])).status, 7);
      assert.equal((await lab.exec('workstation', ['cat'], { input: 'word' })).stdout, 'word');
      assert.equal((await lab.exec('workstation', ['sh', '-c', 'echo e >&2'])).stderr, 'e\n');
      assert.equal((await lab.exec('workstation', ['no-such-command'])).status, 127);
      const child = lab.spawn([
        'setpriv',
        '--pdeathsig',
        'KILL',
        ...(unprivileged && isRoot ? ['--reuid=65534', '--regid=65534', '--clear-groups'] : []),
        join(import.meta.dirname, '../../bin/postern'),
        'lab',
        'exec',
        'workstation',
        '--name',
        name,
        '--',
        'sh',
        '-c',
        "trap 'echo asked; exit 9' TERM; echo ready; while :; do sleep 0.05; done",
      ]);
      let said = '';
      child.stdout?.on('data', chunk => {
        said += chunk;
      });
      while (!said.includes('ready')) await sleep(10);
      child.kill('SIGTERM');
      const code = await new Promise(resolve => child.once('close', resolve));
      assert.deepEqual([code, said], [9, 'ready\nasked\n']);
    });

    test('unknown hosts and commands are refused by name', async () => {
      const host = await lab.exec('nobody', ['true']);
      assert.deepEqual(
        [host.status, /no host 'nobody'.*workstation\.\n.*internet/.test(host.stderr)],
        [1, true],
      );
      const command = await lab.command(['frobnicate']);
      assert.equal(command.status, 2);
      assert.match(command.stderr, /there is no command/);
      const separator = await lab.command(['exec', 'workstation', 'true']);
      assert.deepEqual(
        [separator.status, /put -- before the command: \S+ lab exec/.test(separator.stderr)],
        [2, true],
      );
    });

    test('programs live in the home, trust and resolver of the lab', async () => {
      const home = join(lab.folder, 'home');
      const said = await shell(
        'echo $HOME; echo ~root; cd; pwd; cat /etc/resolv.conf; env | grep -c -i proxy= || :',
      );
      assert.deepEqual(said.split('\n').slice(0, 4), [home, home, home, 'nameserver 168.63.129.16']);
      assert.match(await shell('curl -sS https://example.org/'), /Hello from example\.org/);
      assert.match(
        await shell('env -u SSL_CERT_FILE -u CURL_CA_BUNDLE curl -sS https://example.org/'),
        /Hello from/,
      );
    });

    test("the user's own files are neither read nor written", async () => {
      const user = mkdtempSync(join(tmpdir(), 'postern-home-'));
      try {
        for (const folder of ['.kube', '.ssh', '.azure']) {
          mkdirSync(join(user, folder));
          writeFileSync(join(user, folder, 'config'), 'secret of the user\n');
        }
        for (const file of ['.bashrc', '.profile', '.bash_profile', '.curlrc'])
          writeFileSync(join(user, file), 'echo read by mistake\n');
        if (unprivileged && isRoot) spawnSync('chown', ['-R', '65534:65534', user]);
        const state = () =>
          look('sh', '-c', `cd ${user} && find . -type f -exec stat -c '%n %Y %X' {} + | sort`);
        const before = state();
        const env = { HOME: user, KUBECONFIG: join(user, '.kube/config'), BASH_ENV: join(user, '.bashrc') };
        const script =
          'az group list -o none; curl -sS -o /dev/null http://example.org/; ls -a ~; touch ~/.kube-x; cat ~/.ssh/config';
        const { stdout } = await lab.shell(script, { env });
        assert.doesNotMatch(stdout, /secret|by mistake/);
        const interactive = await lab.command(['shell'], { env, input: 'echo $KUBECONFIG\nexit\n' });
        assert.equal(interactive.stdout, `${join(lab.folder, 'home/.kube/config')}\n`);
        assert.equal(state(), before);
      } finally {
        rmSync(user, { recursive: true, force: true });
      }
    });

    test('the control plane answers in the workstation only', async () => {
      const { api } = JSON.parse((await lab.command(['status', '-o', 'json'])).stdout);
      const { port } = new URL(api);
      assert.match(await shell(`curl -sk -o /dev/null -w '%{http_code}' ${api}/subscriptions`), /^4\d\d$/);
      await lab.command(['add-host', 'visitor', '--internet']);
      for (const address of ['20.51.99.7', '127.0.0.1']) {
        const { stdout } = await lab.exec('visitor', [
          'curl',
          '-sk',
          '--max-time',
          '2',
          `https://${address}:${port}/`,
        ]);
        assert.equal(stdout, '');
      }
    });

    test('the workstation trusts the API, hosts do not, and az says where it works', async () => {
      const { api } = JSON.parse((await lab.command(['status', '-o', 'json'])).stdout);
      const ask = `curl -sS -o /dev/null -w '%{http_code}' ${api}/`;
      for (const script of [ask, `env -u SSL_CERT_FILE -u CURL_CA_BUNDLE ${ask}`])
        assert.equal(await shell(script), '401');
      const count = 'cat $SSL_CERT_FILE | grep -c BEGIN; grep -c BEGIN /etc/ssl/certs/ca-certificates.crt';
      assert.equal(await shell(count), '2\n2\n');
      assert.equal((await lab.exec('visitor', ['sh', '-c', count])).stdout, '1\n1\n');
      assert.equal(await shell(`postern lab exec visitor -- sh -c '${count}'`), '1\n1\n');
      const { status, stderr } = await lab.exec('visitor', ['az', 'group', 'list']);
      assert.deepEqual(
        [status, stderr],
        [1, "az works in the lab's workstation (lab shell), not on visitor\n"],
      );
    });

    test("a host may be called like one of ip's words", async () => {
      await lab.command(['add-host', 'help', '--internet']);
      const { stdout } = await lab.exec('help', ['curl', '-sS', '--max-time', '5', 'http://example.org/']);
      assert.match(stdout, /Hello/);
    });

    test('a second lab stands beside it, and goes alone', async () => {
      const other = await Lab.up({ name: `${name.slice(0, 20)}-b`, unprivileged });
      try {
        assert.equal((await other.exec('workstation', ['curl', '-sS', 'http://example.org/'])).status, 0);
        assert.match((await other.command(['status'])).stdout, /is up since/);
        const unknown = await lab.command(['--name', 'nope', 'status']);
        assert.match(unknown.stderr, new RegExp(`'nope' is not up\\..*\nThese labs are up: ${name} `));
      } finally {
        assert.equal((await other.down()).status, 0);
      }
      assert.match((await lab.command(['status'])).stdout, /internet +running/);
    });

    test('the Internet comes back after kill -9', async () => {
      const { processes } = JSON.parse((await lab.command(['status', '-o', 'json'])).stdout);
      await shell(`kill -9 ${processes[0].pid}`);
      await sleep(1500);
      assert.match(await shell('curl -sS --retry 5 --retry-connrefused http://example.org/'), /Hello/);
      const { stdout } = await lab.command(['status']);
      assert.match(stdout, /internet +running +1 +\S+\/logs\/internet\.log/);
      assert.match(stdout, /Events\n +internet ended once at \S+ with SIGKILL/);
    });

    test('a gateway that cannot start is told of in the status, with its last words', async () => {
      await shell(`set -e
        az group create -n rg -l eastus -o none
        az network vnet create -g rg -n hub --address-prefixes 10.42.0.0/16 --subnet-name AzureFirewallSubnet \\
          --subnet-prefix 10.42.2.0/24 -o none
        az network public-ip create -g rg -n ip --sku Standard -o none
        az network firewall create -g rg -n fw -o none
        az network firewall ip-config create -g rg --firewall-name fw -n c --public-ip-address ip --vnet-name hub -o none`);
      const file = join(lab.folder, 'gateway/rg.fw/pid');
      const pid = readFileSync(file, 'utf8').split(' ')[0];
      rmSync(file);
      mkdirSync(file);
      await shell(`kill -9 ${pid}`);
      const lastWords = /gateway fw ended \d+ times, last at \S+ with status 1: Error: EISDIR.*rg\.fw\/pid/;
      let said = '';
      for (let waited = 0; !lastWords.test(said) && waited < 8000; waited += 200) {
        await sleep(200);
        said = (await lab.command(['status'])).stdout;
      }
      assert.match(said, lastWords);
      const output = join(lab.folder, 'logs/gateway.log');
      assert.ok(said.includes(output), said);
      assert.match(readFileSync(output, 'utf8'), /EISDIR/);
    });

    test('killed with -9 it leaves no process, and up builds it again', async () => {
      const [holder = ''] = readFileSync(join(lab.folder, 'lab.pid'), 'utf8').split(' ');
      process.kill(Number(holder), 'SIGKILL');
      for (let waited = 0; processesOf(name).length > 0 && waited < 3000; waited += 20) await sleep(20);
      assert.deepEqual(processesOf(name), []);
      assert.deepEqual(machine(), atFirst);
      const status = await lab.command(['status']);
      assert.deepEqual([status.status, /is not up/.test(status.stderr)], [1, true]);
      const again = await lab.command(['up']);
      assert.equal(again.status, 0, again.stderr);
      assert.ok(again.ms < 10_000, `${again.ms} ms`);
    });

    test('ended with SIGTERM its daemon leaves nothing, and a shell in it says why it ends', async () => {
      const other = await Lab.up({ name: `${name.slice(0, 20)}-t`, unprivileged });
      try {
        const asleep = other.exec('workstation', ['sleep', '30']);
        const found = await other.shell('cat /proc/1/task/1/children');
        await sleep(300);
        const [daemon = ''] = found.stdout.split(' ');
        await other.shell(`kill -TERM ${daemon}`);
        const { status, stderr } = await asleep;
        assert.deepEqual([status, /went down, and with it/.test(stderr)], [137, true], stderr);
        assert.deepEqual(readdirSync(other.state), []);
        for (let waited = 0; processesOf(other.name).length > 0 && waited < 2000; waited += 20)
          await sleep(20);
        assert.deepEqual(processesOf(other.name), []);
      } finally {
        await other.down();
      }
    });

    test('Ctrl-C during up leaves nothing', async () => {
      const interrupted = `${name.slice(0, 20)}-c`;
      const child = lab.spawn([
        'setpriv',
        ...(unprivileged && isRoot
          ? ['--reuid=65534', '--regid=65534', '--clear-groups']
          : ['--pdeathsig', 'KILL']),
        join(import.meta.dirname, '../../bin/postern'),
        'lab',
        'up',
        '--name',
        interrupted,
      ]);
      const folder = join(lab.state, 'labs', interrupted);
      while (!existsSync(join(folder, 'lab.pid'))) await sleep(5);
      child.kill('SIGINT');
      assert.equal(await new Promise(resolve => child.once('close', resolve)), 130);
      assert.equal(existsSync(folder), false);
      for (let waited = 0; processesOf(interrupted).length > 0 && waited < 2000; waited += 20)
        await sleep(20);
      assert.deepEqual(processesOf(interrupted), []);
    });

    test('down leaves the machine as it was', async () => {
      const down = await lab.command(['down']);
      assert.equal(down.status, 0, down.stderr);
      assert.match(down.stdout, /is down/);
      assert.deepEqual(processesOf(name), []);
      assert.deepEqual(readdirSync(lab.state), []);
      assert.deepEqual(machine(), atFirst);
      assert.match((await lab.command(['down'])).stdout, /There is no lab/);
    });
  });
}

test('a faulty Internet file is refused before anything is made', { skip: noNamespaces() }, async () => {
  const state = mkdtempSync(join(tmpdir(), 'postern-internet-'));
  try {
    const file = join(state, 'internet.json');
    const name = `bad-${process.pid}`;
    await assert.rejects(Lab.up({ name, internet: '/nope' }), /--internet \/nope: there is no such file\n/);
    writeFileSync(file, '{"shared": "no list", "unknown": 1}');
    await assert.rejects(Lab.up({ name, internet: file }), /unknown: .*\n.*shared: must be a list/s);
    if (isRoot) chownSync(state, 0, 0);
  } finally {
    rmSync(state, { recursive: true, force: true });
  }
});
